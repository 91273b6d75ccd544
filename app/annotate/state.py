"""What the Annotate page shows, as plain records. Qt-free."""

from dataclasses import dataclass
from typing import Literal

from app.annotate.drafts import Author, Draft
from app.store.collecting.ordering import Order
from app.store.figures.quality import Meter
from app.store.records import Choice, Comparison, Prompt, Verdict, VerdictCounts
from dpo_engine.config import SamplingConfig

Phase = Literal[
    "opening", "who", "fetching", "no_model", "writing", "ready", "saving", "held", "empty", "trouble"
]
"""`ready` and `saving` have a comparison on the screen; `writing` has the texts that come in; `who` waits for
the name of who judges."""

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


Opponent = Author
"""The second author of comparisons of two different ones; the first is the policy."""


@dataclass(frozen=True, kw_only=True)
class LastJudged:
    """What was judged last on this page: what a person may go on from, or put into better words."""

    comparison: Comparison
    verdict: Verdict
    winner: str
    """The text that was chosen, as edited; empty after a tie, both bad or a skip."""

    @property
    def prompt(self) -> Prompt:
        return self.comparison.prompt


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
    can_judge_draft: bool = False
    """Both responses that stream in have begun: a verdict on what is there is taken."""
    known_tags: tuple[str, ...] = ()
    """Most used first."""
    last: LastJudged | None = None
    order: Order = "oldest"
    random_share: float = 0.0
    """Of the comparisons, this share is drawn at random and marked so."""
    margins: str = ""
    """With the order `margin`: how far the scoring is, or why there is none, as a phrase; else empty."""
    repeat_every: int = 0
    """About one in so many comparisons comes back later with its sides swapped; 0 for none."""
    goal: int = 0
    """Verdicts a day; 0 for none."""
    overlap: bool = False
    """Each annotator answers every comparison, instead of one of them."""
    opponent: Opponent | None = None
    writers: tuple[str, ...] = ()
    """Model references to choose an opponent from: the policy, runs' results and checkpoints."""
    annotator: str = ""
    annotators: tuple[str, ...] = ()
    needs_annotator: bool = False
    """Several people judge here: who sits down now has to be said before anything is shown."""
    meter: Meter | None = None
    left_streak: int = 0
    """How often left was pressed in a row; at 10 and each further 10 a nudge is due."""
    undo_label: str = ""
    """What undo would take back: “Verdict on “First words…””; empty when there is nothing."""
    redo_label: str = ""
    behind: int = 0
    """How many more comparisons are to be written ahead."""
    target: int = 0
    """How many are wanted ahead."""
