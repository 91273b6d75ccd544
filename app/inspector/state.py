"""Everything the Inspector's page shows besides the table itself. Qt-free."""

from dataclasses import dataclass
from typing import Literal

from app.inspector.ledger.marks import Target
from app.inspector.material import InspectableRun, ModelSource

Phase = Literal["loading", "no_runs", "ready", "scoring", "failed"]


@dataclass(frozen=True, kw_only=True)
class InspectorState:
    phase: Phase = "loading"
    runs: tuple[InspectableRun, ...] = ()
    selected: InspectableRun | None = None
    checkpoint: str = ""
    training: bool = False
    """A run without anything to look into yet is under way."""
    complete: bool = False
    """Every pair of this checkpoint has been scored."""
    stage: str = ""
    scored: int = 0
    total: int = 0
    message: str = ""
    """Why it failed, or what there is to know, as sentences."""
    elsewhere: str = ""
    """What is being scored while something else is looked at, and how far it is."""
    notice: str = ""
    """What there is to say of the last errand: an export, pairs that were to be scored."""
    notice_failed: bool = False
    what_if: float | None = None
    """The β that everything is shown at, where it is not the run's own."""
    automatic: bool = True
    """What was trained is scored without being asked."""

    @property
    def target(self) -> Target | None:
        return Target(self.selected.run.id, self.checkpoint) if self.selected else None

    @property
    def beta(self) -> float:
        """What everything is shown at."""
        own = self.selected.run.beta if self.selected else 0.1
        return own if self.what_if is None else self.what_if

    @property
    def source(self) -> ModelSource | None:
        return self.selected.source(self.checkpoint) if self.selected else None
