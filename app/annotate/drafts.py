"""Two responses to one prompt while they are written, and how they become a comparison. Qt-free."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from app.store.records import Candidate, NewCandidate, Prompt, Side
from dpo_engine.config import SamplingConfig
from dpo_engine.events import CandidateDone, CandidateRestarted, TextDelta

SIDES: tuple[Side, Side] = ("left", "right")
CUT = "cut"
"""Finish reason of a text that was judged before its end."""

OfCandidate = TextDelta | CandidateRestarted | CandidateDone


@dataclass(frozen=True, kw_only=True)
class Author:
    """A model and how it draws."""

    policy: str
    sampling: SamplingConfig


@dataclass(eq=False, kw_only=True)
class Response:
    """One of the two. `kept`: it was there before, and only the other one is written."""

    author: Author
    text: str = ""
    done: CandidateDone | None = None
    kept: Candidate | None = None
    seed: int = 0
    fingerprint: str = ""

    @property
    def finished(self) -> bool:
        return self.done is not None or self.kept is not None

    def hear(self, event: OfCandidate) -> None:
        match event:
            case TextDelta():
                self.text += event.text
            case CandidateRestarted():
                self.text = ""
            case CandidateDone():
                self.text, self.done = event.text, event

    def candidate(self) -> NewCandidate:
        """As it is now: whole, or cut where it stands."""
        done = self.done
        return NewCandidate(
            text=self.text,
            model=self.author.policy,
            fingerprint=done.fingerprint if done else self.fingerprint,
            sampling=msgspec.to_builtins(self.author.sampling),
            seed=done.seed if done else self.seed,
            finish_reason=done.finish_reason if done else CUT,
            tokens=done.tokens if done else 0,
            seconds=done.seconds if done else 0.0,
        )


@dataclass(eq=False, kw_only=True)
class Draft:
    """`responses` in the order in which they are asked for; which of them stands left was drawn at random."""

    prompt: Prompt
    responses: tuple[Response, Response]
    swapped: bool
    replaces: int | None = None
    """The comparison of which one side is written again."""
    written: bool = False
    """It is on its way to the disk: nothing more is heard for it."""
    ready_at: float | None = None
    """When both had begun, by the clock of who asked for it."""

    def side(self, index: int) -> int:
        """Side of the screen (0 left, 1 right) on which response `index` stands."""
        return 1 - index if self.swapped else index

    def on(self, side: int) -> Response:
        return self.responses[self.side(side)]

    def text_on(self, side: int) -> str:
        return self.on(side).text

    def done_on(self, side: int) -> CandidateDone | Candidate | None:
        """What stands on this side, once it is finished."""
        response = self.on(side)
        return response.done or response.kept

    @property
    def texts(self) -> list[str]:
        return [response.text for response in self.responses]

    @property
    def finished(self) -> bool:
        return all(response.finished for response in self.responses)

    @property
    def can_be_judged(self) -> bool:
        """Both have begun."""
        return all(response.text.strip() for response in self.responses)


def new_draft(prompt: Prompt, authors: Sequence[Author], *, swapped: bool) -> Draft:
    """`authors`: one for both responses, or one for each."""
    first, second = authors[0], authors[-1]
    return Draft(prompt=prompt, responses=(Response(author=first), Response(author=second)), swapped=swapped)


def draft_of_one_side(
    comparison_id: int, prompt: Prompt, author: Author, kept: Candidate, side: Side
) -> Draft:
    """`side` is written again by `author`; the other side stays as it is, where it is."""
    stays = Response(author=author, text=kept.text, kept=kept)
    return Draft(
        prompt=prompt,
        responses=(Response(author=author), stays),
        swapped=side == "right",
        replaces=comparison_id,
    )
