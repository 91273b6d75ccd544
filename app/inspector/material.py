"""What the Inspector reads from a project: runs that can be looked into, and a checkpoint's pairs. Qt-free.

These functions are work for the store's thread: they read rows and look at folders.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from app.inspector.pair_table import PairTable
from app.store import settings
from app.store.handle import Project
from app.store.records import Run
from app.store.training import runs, scores
from dpo_engine import run_folder

POLICY = "policy"
"""The name of a run's result among its checkpoints."""


class Target(NamedTuple):
    """What is scored and looked at: one checkpoint of one run."""

    run_id: int
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class InspectableRun:
    run: Run
    checkpoints: tuple[str, ...]
    """Those that are on disk, the latest first: `policy` for the result, then `step-000040`, …"""

    @property
    def pairs(self) -> int:
        return self.run.train_pairs + self.run.held_out_pairs

    def model(self, checkpoint: str) -> str:
        """The model reference that the engine scores with."""
        if checkpoint == POLICY:
            return self.run.folder
        return str(Path(self.run.folder) / "checkpoints" / checkpoint)


@dataclass(frozen=True, kw_only=True)
class Runs:
    inspectable: tuple[InspectableRun, ...]
    """Newest first."""
    others: tuple[Run, ...]
    """Runs with nothing to look into yet (or any more)."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    table: PairTable
    complete: bool
    """Every pair of the checkpoint was scored, with the weights that are there now."""


def load_runs(project: Project) -> Runs:
    """All runs, with what each has on disk."""
    found = [InspectableRun(run=run, checkpoints=_on_disk(Path(run.folder))) for run in runs.runs(project)]
    return Runs(
        inspectable=tuple(entry for entry in found if entry.checkpoints),
        others=tuple(entry.run for entry in found if not entry.checkpoints),
    )


def load_scored(project: Project, run: Run, checkpoint: str, only: Collection[str] | None) -> Scored:
    """The scored pairs of a checkpoint as a table; `only` those pairs, when given.

    Scores of weights that have since changed (a stopped run went on) are not shown.
    """
    mark = settings.get_setting(project, _mark_name(run.id, checkpoint))
    complete = mark == _mark(run, checkpoint)
    rows = scores.scored_pairs(project, run.id, checkpoint)
    if only is not None:
        rows = [row for row in rows if row.pair in only]
    elif mark is not None and not complete:
        rows = []
    return Scored(table=PairTable.build(rows, run.beta), complete=complete)


def mark_complete(project: Project, run: Run, checkpoint: str) -> None:
    """Note that every pair has been scored with these weights."""
    settings.set_setting(project, _mark_name(run.id, checkpoint), _mark(run, checkpoint))


def _mark_name(run_id: int, checkpoint: str) -> str:
    return f"inspector/scored/{run_id}/{checkpoint}"


def _mark(run: Run, checkpoint: str) -> int:
    """The step of the weights: a checkpoint's never change, a run's result does when the run goes on."""
    return run.step if checkpoint == POLICY else 0


def _on_disk(folder: Path) -> tuple[str, ...]:
    try:
        result = (POLICY,) if run_folder.policy_folder(folder).is_dir() else ()
        return result + tuple(path.name for _step, path in reversed(run_folder.checkpoints(folder)))
    except OSError:
        # A drive that is not there now is no reason to refuse the other runs.
        return ()
