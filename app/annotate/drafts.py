"""Two candidates of one prompt while they are written, and how they become a comparison. Qt-free."""

from dataclasses import dataclass, field

import msgspec

from app.store import comparisons
from app.store.handle import Project
from app.store.records import Comparison, NewCandidate, Prompt
from dpo_engine.config import SamplingConfig
from dpo_engine.events import CandidateDone, CandidateRestarted, TextDelta

CANDIDATES = 2

OfCandidate = TextDelta | CandidateRestarted | CandidateDone


@dataclass(eq=False)
class Draft:
    """`texts` and `done` are by candidate, `sides` by side of the screen."""

    prompt: Prompt
    swapped: bool
    policy: str
    sampling: SamplingConfig
    written: bool = False
    """Both are done and on their way to the disk."""
    texts: list[str] = field(default_factory=lambda: [""] * CANDIDATES)
    done: list[CandidateDone | None] = field(default_factory=lambda: [None] * CANDIDATES)

    def side(self, index: int) -> int:
        """Side of the screen (0 left, 1 right) on which candidate `index` stands."""
        return 1 - index if self.swapped else index

    def text_on(self, side: int) -> str:
        return self.texts[self.side(side)]

    def done_on(self, side: int) -> CandidateDone | None:
        """What stands on this side, once it is finished."""
        return self.done[self.side(side)]

    def hear(self, index: int, event: OfCandidate) -> None:
        """What the engine says of candidate `index`."""
        match event:
            case TextDelta():
                self.texts[index] += event.text
            case CandidateRestarted():
                self.texts[index] = ""
            case CandidateDone():
                self.texts[index] = event.text
                self.done[index] = event

    def pair(self) -> tuple[NewCandidate, NewCandidate] | None:
        """Both candidates, once they are finished."""
        first, second = self.done
        if first is None or second is None:
            return None
        return self._candidate(first), self._candidate(second)

    def _candidate(self, done: CandidateDone) -> NewCandidate:
        return NewCandidate(
            text=done.text,
            model=self.policy,
            fingerprint=done.fingerprint,
            sampling=msgspec.to_builtins(self.sampling),
            seed=done.seed,
            finish_reason=done.finish_reason,
            tokens=done.tokens,
            seconds=done.seconds,
        )


def keep(project: Project, draft: Draft, pair: tuple[NewCandidate, NewCandidate]) -> tuple[Comparison, int]:
    """The comparison that the draft became, and how many wait now."""
    comparison = comparisons.add_comparison(project, draft.prompt.id, pair, swapped=draft.swapped)
    return comparison, comparisons.waiting_count(project, fresh_only=True)
