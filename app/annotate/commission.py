"""One batch of drafts in the engine's hands: asked for, heard, finished or given up. Qt-free.

Where both responses of a draft have one author they are asked for together; where they have two, there are
two requests one after the other, and which author is first is drawn at random, so that what streams in first
tells nothing.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.annotate.drafts import Author, Draft
from app.engine_host.protocol import Engine
from dpo_engine import events as told
from dpo_engine.errors import OutOfMemory
from dpo_engine.events import Event, RequestFailed
from dpo_engine.requests import Cancel, Generate, GenerateMany, PromptToAnswer

_SEEDS = 2**31


@dataclass(frozen=True)
class _Round:
    """One request: which responses of every draft it is for."""

    author: Author
    places: tuple[int, ...]


class Commission:
    """Calls `complete` for each draft as soon as both responses are there, then `ended` once, with what is
    unfinished and why; after `cancel` nothing."""

    def __init__(
        self,
        *,
        engine: Engine,
        drafts: Sequence[Draft],
        names: Iterator[str],
        rng: random.Random,
        clock: Callable[[], float],
        complete: Callable[[Draft], None],
        ended: Callable[["Commission", RequestFailed | None], None],
        changed: Callable[[], None],
    ) -> None:
        """`names` gives a fresh id for each request; `clock` counts seconds from any start."""
        self.drafts = tuple(drafts)
        self._open = list(drafts)
        self._engine, self._names, self._rng, self._clock = engine, names, rng, clock
        self._complete, self._ended, self._changed = complete, ended, changed
        self._rounds = _rounds(self.drafts[0], rng)
        self._round = self._rounds[0]
        self._request = ""
        self._asked_at = clock()
        self._next_round()

    @property
    def seconds(self) -> float:
        """Since it was asked for."""
        return self._clock() - self._asked_at

    @property
    def unfinished(self) -> list[Draft]:
        return [draft for draft in self._open if not draft.finished]

    def cancel(self) -> None:
        """Drop what is unfinished."""
        request, self._request = self._request, ""
        unfinished, self._open = self.unfinished, []
        if request and unfinished:
            self._engine.control(Cancel(target=request))

    def leave_out(self, draft: Draft) -> bool:
        """Write no more of this one; False when that was the last, so that it is over without `ended`."""
        if draft in self._open:
            self._open.remove(draft)
        if self.unfinished:
            return True
        request, self._request = self._request, ""
        if request:
            self._engine.control(Cancel(target=request))
        return False

    def _next_round(self) -> None:
        self._round = self._rounds.pop(0)
        self._request = next(self._names)
        for draft in self.drafts:
            seed = self._rng.randrange(_SEEDS)
            for place, index in enumerate(self._round.places):
                draft.responses[index].seed = seed + place
        self._engine.submit(_request(self._request, self._round, self.drafts), self._on_event)

    def _on_event(self, event: Event) -> None:
        if not self._request or getattr(event, "request", None) != self._request:
            return
        match event:
            case told.TextDelta() | told.CandidateRestarted() | told.CandidateDone():
                self._hear(event)
            case told.ModelLoaded(fingerprint=fingerprint):
                for draft in self._open:
                    for index in self._round.places:
                        draft.responses[index].fingerprint = fingerprint
            case told.RequestFinished():
                if self._rounds and self.unfinished:
                    self._next_round()
                else:
                    self._end(None)
            case told.RequestFailed():
                self._end(event)
            case _:
                pass
        self._changed()

    def _hear(self, event: told.TextDelta | told.CandidateRestarted | told.CandidateDone) -> None:
        place, index = divmod(event.index, len(self._round.places))
        draft = self.drafts[place]
        if draft not in self._open or draft.written:
            return
        draft.responses[self._round.places[index]].hear(event)
        if draft.ready_at is None and draft.can_be_judged:
            draft.ready_at = self._clock()
        if draft.finished:
            self._complete(draft)

    def _end(self, failure: RequestFailed | None) -> None:
        self._request = ""
        self._ended(self, failure)


def out_of_memory(failure: RequestFailed) -> bool:
    return failure.code == OutOfMemory.code


def _rounds(draft: Draft, rng: random.Random) -> list[_Round]:
    """All drafts of a batch are alike in this, so that the first one tells."""
    wanted = [place for place, response in enumerate(draft.responses) if response.kept is None]
    authors = {place: draft.responses[place].author for place in wanted}
    if len(set(authors.values())) == 1:
        return [_Round(authors[wanted[0]], tuple(wanted))]
    return [_Round(authors[place], (place,)) for place in rng.sample(wanted, len(wanted))]


def _request(name: str, part: _Round, drafts: Sequence[Draft]) -> Generate | GenerateMany:
    first, n, author = part.places[0], len(part.places), part.author
    asked = tuple(
        PromptToAnswer(prompt=draft.prompt.messages, seed=draft.responses[first].seed) for draft in drafts
    )
    if len(asked) > 1:
        return GenerateMany(id=name, policy=author.policy, prompts=asked, n=n, sampling=author.sampling)
    (only,) = asked
    return Generate(
        id=name, policy=author.policy, prompt=only.prompt, n=n, sampling=author.sampling, seed=only.seed
    )
