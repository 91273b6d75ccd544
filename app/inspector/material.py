"""What the Inspector reads from a project: runs that can be looked into, and a checkpoint's pairs. Qt-free.

These functions are work for the store's threads: they read rows and look at folders.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.inspector.ledger.marks import Mark, Target, all_marks, read_mark
from app.inspector.ledger.weights import weights_mark
from app.inspector.pair_table import PairTable
from app.store.errors import from_os_error
from app.store.handle import Project
from app.store.records import Run
from app.store.training import runs
from app.store.training.score_columns import score_columns
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig

POLICY = "policy"
"""The name of a run's result among its checkpoints."""

SCORED_MODEL = "scored_model"
"""In the settings of a run that was never trained: the model that its pairs are scored with."""


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """What the engine computes a checkpoint's figures with: model references as it takes them."""

    run_id: int
    checkpoint: str
    policy: str
    reference: str
    max_length: int


@dataclass(frozen=True, kw_only=True)
class InspectableRun:
    run: Run
    checkpoints: tuple[str, ...]
    """Those that are on disk, the latest first: `policy` for the result, then `step-000040`, …"""
    marks: Mapping[str, Mark] = field(default_factory=dict)
    """How far each of them is scored, as far as that was written down."""

    @property
    def pairs(self) -> int:
        return self.run.train_pairs + self.run.held_out_pairs

    @property
    def trained(self) -> bool:
        return self.run.kind == "trained"

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The checkpoints that are not scored whole, as far as that was written down."""
        return tuple(
            name for name in self.checkpoints if name not in self.marks or not self.marks[name].complete
        )

    def model(self, checkpoint: str) -> str:
        """The model reference that the engine scores with."""
        if not self.trained:
            return str(self.run.config.get(SCORED_MODEL, ""))
        if checkpoint == POLICY:
            return self.run.folder
        return str(Path(self.run.folder) / "checkpoints" / checkpoint)

    def source(self, checkpoint: str) -> ModelSource:
        length = self.run.config.get("max_length")
        return ModelSource(
            run_id=self.run.id,
            checkpoint=checkpoint,
            policy=self.model(checkpoint),
            reference=self.run.policy,
            max_length=length if isinstance(length, int) else TrainConfig().max_length,
        )

    def step(self, checkpoint: str) -> int:
        """After how many steps the checkpoint was saved; of the result, the run's last."""
        if checkpoint == POLICY:
            return self.run.step
        return int(checkpoint.removeprefix("step-"))

    def weights(self, checkpoint: str) -> str:
        """See `weights_mark`. Raises `StoreError` where the files cannot be read."""
        try:
            return weights_mark(Path(self.model(checkpoint)))
        except OSError as error:
            raise from_os_error(error, "looking at the model's files") from error

    def mark(self, project: Project, checkpoint: str) -> Mark:
        """How far the checkpoint is scored with the weights that are there now."""
        target = Target(self.run.id, checkpoint)
        # Before marks told of weights they told of the step, which is 0 for what never changes.
        step = self.run.step if checkpoint == POLICY else 0
        return read_mark(project, target, self.weights(checkpoint), step=step)


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
    """All runs, with what each has on disk and how far that is scored."""
    marks = all_marks(project)
    found = []
    for run in runs.runs(project):
        checkpoints = _on_disk(Path(run.folder)) if run.kind == "trained" else (POLICY,)
        found.append(
            InspectableRun(
                run=run,
                checkpoints=checkpoints,
                marks={
                    name: marks[Target(run.id, name)] for name in checkpoints if Target(run.id, name) in marks
                },
            )
        )
    return Runs(
        inspectable=tuple(entry for entry in found if entry.checkpoints),
        others=tuple(entry.run for entry in found if not entry.checkpoints),
    )


def load_scored(project: Project, entry: InspectableRun, checkpoint: str, like: PairTable) -> Scored:
    """The scored pairs of a checkpoint as a table; what it has in common with `like` is shared with it.

    Scores of weights that have since changed (a stopped run went on) are not shown.
    """
    mark = entry.mark(project, checkpoint)
    if not mark.pairs:
        return Scored(table=PairTable.empty(entry.run.beta), complete=mark.complete)
    table = PairTable.of(score_columns(project, entry.run.id, checkpoint), entry.run.beta)
    return Scored(table=table.sharing(like), complete=mark.complete)


def _on_disk(folder: Path) -> tuple[str, ...]:
    try:
        result = (POLICY,) if run_folder.policy_folder(folder).is_dir() else ()
        return result + tuple(path.name for _step, path in reversed(run_folder.checkpoints(folder)))
    except OSError:
        # A drive that is not there now is no reason to refuse the other runs.
        return ()
