"""Watches the run that is shown: gathers its curves, reads what else its folder says, and judges. Qt-free."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from app.store.records import Run
from app.train.background import Background
from app.train.curves import Columns
from app.train.health.finding import Finding, RunFacts
from app.train.health.rules import judge
from app.train.state import RunLine
from app.widgets.plots.series import Series
from dpo_engine import events as told
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import EngineError
from dpo_engine.events import Event

_SIDES = ("chosen", "rejected")
_OF_STEPS = ("loss", "grad_norm", "learning_rate", "epoch", "skipped_steps")
_OF_CHECKS = ("eval_loss", "eval_rewards/accuracies", "eval_logps/chosen_per_token")
LOOKED_AT = frozenset(
    {
        *(*_OF_STEPS, *_OF_CHECKS, "rewards/margins", "rewards/accuracies"),
        *(f"{kind}/{side}" for kind in ("rewards", "logps") for side in _SIDES),
        *(f"logps/{side}_per_token" for side in _SIDES),
        *("samples/distinct", "samples/kl", "samples/tokens"),
    }
)
"""The metrics that the rules read; no others are kept."""


@dataclass(frozen=True, kw_only=True)
class _Files:
    """What a run's folder says beside its curves."""

    config: TrainConfig | None
    """None where the settings are of another version and make no sense."""
    checkpoints: tuple[int, ...] = ()
    policy_step: int | None = None
    dtype: str = ""


class HealthWatch:
    """A `CurveView` that says what it sees when it is asked."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._changed: Callable[[], None] = lambda: None
        self._curves: dict[int, dict[str, Series]] = {}
        self._planned: dict[int, int] = {}
        self._files: dict[int, _Files] = {}
        self._asked: dict[int, tuple[object, ...]] = {}
        self._saved: dict[int, int] = {}
        self._key: tuple[object, ...] = ()
        self._found: tuple[Finding, ...] = ()

    def listen(self, changed: Callable[[], None]) -> None:
        """Call `changed` when curves or a run's folder were read, and `look` may find something else."""
        self._changed = changed

    def look(self, line: RunLine | None) -> tuple[Finding, ...]:
        """What is to be said of the run now; the same answer at no cost while nothing changed."""
        if line is None:
            return ()
        run = line.run
        self._ask_for_files(line)
        files, curves = self._files.get(run.id), self._curves.get(run.id)
        if files is None or files.config is None or curves is None:
            return ()
        trains = line.phase in ("training", "pausing", "paused")
        version = sum(series.version for series in curves.values())
        key = (run.id, version, id(files), trains, run.total_steps)
        if key != self._key:
            self._key = key
            self._found = judge(_columns(curves), self._facts(run, files, files.config, trains=trains))
        return self._found

    # --- the curves ------------------------------------------------------------------------------------

    def show_run(self, run_id: int | None) -> None:
        """Nothing to do: `look` is told which run."""

    def curves_loaded(self, run_id: int, columns: Columns, planned_steps: int) -> None:
        self._planned[run_id] = planned_steps
        for name, (steps, values) in columns.items():
            if name in LOOKED_AT:
                self._series(run_id, name).put_before(steps, values)
        self._changed()

    def points_added(self, run_id: int, step: int, metrics: Mapping[str, float], planned_steps: int) -> None:
        self._planned[run_id] = planned_steps
        for name, value in metrics.items():
            if name in LOOKED_AT:
                self._series(run_id, name).append(step, value)

    def curves_cut(self, run_id: int, after_step: int) -> None:
        for series in self._curves.get(run_id, {}).values():
            series.drop_after(after_step)

    def hear(self, run: Run, event: Event) -> None:
        """Follow a run that trains: another checkpoint can be gone back to."""
        if isinstance(event, told.CheckpointSaved):
            self._saved[run.id] = self._saved.get(run.id, 0) + 1

    # --- inside ----------------------------------------------------------------------------------------

    def _series(self, run_id: int, name: str) -> Series:
        return self._curves.setdefault(run_id, {}).setdefault(name, Series())

    def _facts(self, run: Run, files: _Files, config: TrainConfig, *, trains: bool) -> RunFacts:
        return RunFacts(
            config=config,
            total_steps=run.total_steps or self._planned.get(run.id, 0),
            train_pairs=run.train_pairs,
            held_out_pairs=run.held_out_pairs,
            trains=trains,
            checkpoints=files.checkpoints,
            policy_step=files.policy_step,
            dtype=files.dtype,
        )

    def _ask_for_files(self, line: RunLine) -> None:
        """Read the folder again when something happened to it."""
        run = line.run
        key = (run.status, run.message, line.phase, self._saved.get(run.id, 0))
        if self._asked.get(run.id) == key:
            return
        self._asked[run.id] = key
        self._background.submit(
            lambda: _read(run),
            lambda files: self._on_read(run.id, files),
            lambda _: self._on_read(run.id, _Files(config=_config(run))),
        )

    def _on_read(self, run_id: int, files: _Files) -> None:
        if self._files.get(run_id) != files:
            self._files[run_id] = files
            self._changed()


def _read(run: Run) -> _Files:
    folder = Path(run.folder)
    return _Files(
        config=_config(run),
        checkpoints=tuple(step for step, _ in run_folder.checkpoints(folder)),
        policy_step=run_folder.read_state(folder).policy_step,
        dtype=run_folder.read_spec(folder).dtype,
    )


def _config(run: Run) -> TrainConfig | None:
    known = {field.name for field in fields(TrainConfig)}
    try:
        return TrainConfig(**{name: value for name, value in run.config.items() if name in known})  # type: ignore[arg-type]  # checked by the dataclass
    except (EngineError, TypeError):
        return None


def _columns(curves: Mapping[str, Series]) -> Columns:
    return {name: (series.x, series.y) for name, series in curves.items()}
