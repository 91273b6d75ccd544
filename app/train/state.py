"""What the Train page shows, as plain records. Qt-free."""

from dataclasses import dataclass, field

from app.store.records import Run, RunStatus
from app.train.ingredients import Ingredients
from app.train.starting_points import WITH_POLICY, StartingPoint
from app.train.training import Phase, TrainingProgress
from dpo_engine.catalogue import STARTER
from dpo_engine.config import TrainConfig

RESUMABLE: tuple[RunStatus, ...] = ("created", "interrupted", "failed", "stopped")


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run as the list shows it."""

    run: Run
    margin: float | None
    phase: Phase | None
    """Of the run under way; None for all others."""
    in_use: bool
    """It writes the next candidates."""

    @property
    def can_use(self) -> bool:
        return self.phase is None and self.run.status in WITH_POLICY and not self.in_use

    @property
    def can_resume(self) -> bool:
        return self.phase is None and self.run.status in RESUMABLE


@dataclass(frozen=True, kw_only=True)
class TrainState:
    """Everything the page shows besides the curves."""

    loading: bool = True
    ingredients: Ingredients = field(default_factory=lambda: Ingredients(preferences=0, held_out=0))
    written_by: tuple[tuple[str, int], ...] = ()
    """Title of a policy and how many of the preferences it wrote."""
    obstacle: str = ""
    """Why no run can start, as a sentence; empty when one can."""
    advice: str = ""
    plan: str = ""
    """What a run would be, in figures."""
    starting_points: tuple[StartingPoint, ...] = ()
    start_from: str = STARTER.name
    config: TrainConfig = field(default_factory=TrainConfig)
    recommended_rate: float = 0.0
    preparing: bool = False
    progress: TrainingProgress | None = None
    runs: tuple[RunLine, ...] = ()
    selected: int | None = None
    policy_title: str = ""
    """Who writes the next candidates."""
    back_to: StartingPoint | None = None
    """The untrained model below the present policy, when that is another one."""
    problem: str = ""
    """What did not work a moment ago, as a sentence."""

    @property
    def can_start(self) -> bool:
        return not (self.loading or self.obstacle or self.preparing or self.progress)

    @property
    def selected_line(self) -> RunLine | None:
        return next((line for line in self.runs if line.run.id == self.selected), None)
