"""One pair over the checkpoints of its run, from the untrained model on. Qt-free.

Which steps are scored is asked of the ledger's marks; a checkpoint that was since removed from the disk
keeps its scores, and its place on the path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from app.inspector.ledger.marks import Target, all_marks
from app.inspector.material import POLICY, InspectableRun
from app.inspector.path.courses import History, history
from app.store.handle import Project
from app.store.training.score_columns import log_ratio_differences
from app.store.training.scores import scores_of_pair
from dpo_engine import run_folder
from dpo_engine.errors import EngineError


@dataclass(frozen=True, kw_only=True)
class PathPoint:
    """The pair's four log-probs, sums in nats, after so many steps."""

    step: int
    checkpoint: str
    """Its name; empty for the untrained model."""
    policy_chosen: float
    policy_rejected: float
    reference_chosen: float
    reference_rejected: float

    @property
    def chosen_log_ratio(self) -> float:
        return self.policy_chosen - self.reference_chosen

    @property
    def rejected_log_ratio(self) -> float:
        return self.policy_rejected - self.reference_rejected

    def margin(self, beta: float) -> float:
        return beta * (self.chosen_log_ratio - self.rejected_log_ratio)


def load_path(project: Project, entry: InspectableRun, pair: str) -> tuple[PathPoint, ...]:
    """By step. Begins with the untrained model, which is the reference; empty where nothing is scored."""
    steps = scored_steps(project, entry)
    found = scores_of_pair(project, entry.run.id, pair, tuple(steps.values()))
    points = [
        PathPoint(step=step, checkpoint=name, **dict(zip(_LOG_PROBS, found[name], strict=True)))
        for step, name in sorted(steps.items())
        if name in found
    ]
    if not points:
        return ()
    first = points[0]
    untrained = PathPoint(
        step=0,
        checkpoint="",
        policy_chosen=first.reference_chosen,
        policy_rejected=first.reference_rejected,
        reference_chosen=first.reference_chosen,
        reference_rejected=first.reference_rejected,
    )
    return (untrained, *points) if first.step > 0 and entry.trained else tuple(points)


def load_history(project: Project, entry: InspectableRun) -> History:
    """Of all pairs of the run."""
    steps = scored_steps(project, entry)
    return history({step: log_ratio_differences(project, entry.run.id, name) for step, name in steps.items()})


def scored_steps(project: Project, entry: InspectableRun) -> Mapping[int, str]:
    """The checkpoints that have scores, by the step whose weights they are."""
    steps: dict[int, str] = {}
    for target in sorted(all_marks(project)):
        name = target.checkpoint
        if target.run_id != entry.run.id:
            continue
        if name not in entry.checkpoints and name == POLICY:
            continue
        if name not in entry.checkpoints or entry.mark(project, name).pairs:
            steps.setdefault(_step(entry, target), name)
    return steps


def _step(entry: InspectableRun, target: Target) -> int:
    """Of the result it is the step whose policy was kept, which may be the best and not the last one."""
    if target.checkpoint != POLICY or not entry.trained:
        return entry.step(target.checkpoint)
    try:
        kept = run_folder.read_state(Path(entry.run.folder)).policy_step
    except (EngineError, OSError):
        kept = None
    return entry.run.step if kept is None else kept


_LOG_PROBS = tuple(field.name for field in fields(PathPoint))[2:]
