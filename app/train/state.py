"""What the Train page shows, as plain records. Qt-free."""

from dataclasses import dataclass, field

from app.store.records import Run, RunStatus
from app.train.ingredients import Ingredients
from app.train.runs.desk import DeskState
from app.train.runs.queue import QueueState
from app.train.starting_points import WITH_POLICY, StartingPoint
from app.train.training import Phase, TrainingProgress
from dpo_engine.catalogue import STARTER
from dpo_engine.config import TrainConfig
from dpo_engine.presets import Preset

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
    started_from: str = ""
    """The model it began with, by its title."""
    place: int = 0
    """Where it stands in the queue, 1 for the next; 0 when it does not wait."""
    compared: bool = False
    """Its curves are drawn beside those of the selected run."""
    disk: int | None = None
    """Bytes that its folder takes up; None until that is known."""

    @property
    def can_use(self) -> bool:
        return self.phase is None and self.run.status in WITH_POLICY and not self.in_use

    @property
    def can_resume(self) -> bool:
        return self.phase is None and not self.place and self.run.status in RESUMABLE

    @property
    def can_delete(self) -> bool:
        return self.phase is None and not self.in_use


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
    preset: Preset | None = None
    """Which ready-made settings these are."""
    form_number: int = 0
    """Another one when `config` is to be filled into the fields."""
    recommended_rate: float = 0.0
    preparing: bool = False
    progress: TrainingProgress | None = None
    runs: tuple[RunLine, ...] = ()
    """Newest first."""
    listed: tuple[RunLine, ...] = ()
    """Those that fit the search, in the order in which they are shown."""
    desk: DeskState = field(default_factory=DeskState)
    queue: QueueState = field(default_factory=QueueState)
    selected: int | None = None
    policy_title: str = ""
    """Who writes the next candidates."""
    back_to: StartingPoint | None = None
    """The untrained model below the present policy, when that is another one."""
    on_battery: bool = False
    """The computer is not plugged in."""
    problem: str = ""
    """What did not work a moment ago, as a sentence."""

    @property
    def can_start(self) -> bool:
        """A run can be made now; it begins at once, or waits for the one that trains."""
        return not (self.loading or self.obstacle or self.preparing)

    @property
    def selected_line(self) -> RunLine | None:
        return next((line for line in self.runs if line.run.id == self.selected), None)
