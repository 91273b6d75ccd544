"""What the Annotate page shows, as plain records. Qt-free."""

from dataclasses import dataclass
from typing import Literal

from app.annotate.drafts import Draft
from app.annotate.model_supply import ModelSupply
from app.annotate.write_ahead import WriteAhead
from app.store.records import Choice, Comparison, VerdictCounts
from dpo_engine.config import SamplingConfig

Phase = Literal["opening", "fetching", "no_model", "writing", "ready", "saving", "held", "empty", "trouble"]
"""`ready` and `saving` have a comparison on the screen; `writing` has the texts that come in."""

NO_COUNTS = VerdictCounts(preferences=0, held_out=0, ties=0, both_bad=0, skips=0, today=0)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A short word to the person; a new `number` means a new notice."""

    number: int
    text: str
    kind: Literal["saved", "hint"]
    choice: Choice | None = None
    """The verdict that was saved, if that is what it tells."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something did not work, and what is on the screen stays as it is."""

    sentence: str
    can_retry: bool


@dataclass(frozen=True, kw_only=True)
class AnnotateState:
    """Everything the page shows."""

    phase: Phase
    comparison: Comparison | None
    draft: Draft | None
    """The two texts coming in; shown when there is no comparison."""
    message: str
    """Why nothing is written or fetched, as a sentence."""
    stage: str
    """What is being done to get or try a model, with `done` of `total` bytes (0: not known)."""
    done: int
    total: int
    trying: bool
    """A model that was chosen by hand is being tried."""
    waiting: int
    """Comparisons that are ready after the one on the screen."""
    writing_stopped: str
    """Why no more comparisons are written, while some still wait; else empty."""
    counts: VerdictCounts
    policy: str
    sampling: SamplingConfig
    notice: Notice | None
    problem: Problem | None


def phase_while_nothing_is_shown(
    *, begun: bool, failure: str, models: ModelSupply, ahead: WriteAhead
) -> Phase:
    """What the page is waiting for. `failure`: why the project cannot be read, else empty."""
    if failure:
        return "trouble"
    if not begun:
        return "opening"
    if models.fetching:
        return "fetching"
    if models.problem:
        return "no_model"
    if ahead.trouble is not None:
        return "trouble"
    if ahead.held:
        return "held"
    return "empty" if ahead.no_prompts else "writing"
