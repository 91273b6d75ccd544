"""Candidates while they are written: their text, its news, and those that come out equal."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from dpo_engine.events import CandidateDone, CandidateRestarted, Event, Note, TextDelta
from dpo_engine.generation.decoding import Decoder, Stem
from dpo_engine.generation.detokenization import TextStream
from dpo_engine.generation.sampling import Sampler
from dpo_engine.models.loading import LoadedModel
from dpo_engine.requests import Generate, GenerateMany

DRAWS = 4
"""The first draw, and how often a candidate equal to another one is drawn again."""
SECONDS_BETWEEN_DELTAS = 0.05
_DECODE_SHARE = 0.1
"""Of the time, at most so much is spent on turning a long response into text again and again."""

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A prompt [length] to be continued, for how long, and what may end it."""

    number: int
    prompt: Tensor
    seed: int
    ends: frozenset[int]
    limit: int


@dataclass(kw_only=True)
class _Draft:
    """A candidate being written."""

    task: int
    index: int
    seed: int
    stream: TextStream
    started: float
    next_news: float
    finish_reason: Literal["end", "length"] = "length"


class Candidates:
    """All candidates of one request: `n` for each task, numbered task after task."""

    def __init__(
        self,
        request: Generate | GenerateMany,
        loaded: LoadedModel,
        decoder: Decoder,
        clock: Clock = time.monotonic,
    ) -> None:
        self._request, self._loaded, self._decoder, self._clock = request, loaded, decoder, clock
        self._texts: set[tuple[int, str]] = set()

    def events(self, tasks: Sequence[Task]) -> Iterator[Event | None]:
        """One that comes out equal to another of its prompt (whitespace aside) is drawn again."""
        pending = [(task, place) for task in tasks for place in range(self._request.n)]
        for draw in range(DRAWS):
            equal: list[_Draft] = []
            yield from self._draw(pending, draw, equal)
            if not equal:
                return
            if draw == DRAWS - 1 or self._always_the_same:
                yield from self._accept(equal)
                return
            again = {draft.index for draft in equal}
            pending = [one for one in pending if self._index(*one) in again]
            for index in sorted(again):
                yield CandidateRestarted(request=self._request.id, index=index)

    @property
    def _always_the_same(self) -> bool:
        return self._request.sampling.temperature == 0 or self._request.sampling.top_k == 1

    def _index(self, task: Task, place: int) -> int:
        return task.number * self._request.n + place

    def _draw(
        self, wanted: Sequence[tuple[Task, int]], draw: int, equal: list[_Draft]
    ) -> Iterator[Event | None]:
        """Write each of `wanted`; those that came out equal to another one are put into `equal`."""
        drafts = [self._draft(task, place, draw) for task, place in wanted]
        ends = wanted[0][0].ends
        going = set(range(len(drafts)))
        for drawn in self._decoder.decode(self._stems(wanted, drafts), ends=ends):
            told = False
            for row, token in drawn:
                draft = drafts[row]
                if token in ends:
                    draft.finish_reason = "end"
                    going.discard(row)
                    yield from self._finish(draft, equal)
                    continue
                draft.stream.add(token)
                for delta in self._news(draft):
                    told = True
                    yield delta
            if not told:
                yield None
        for row in sorted(going):
            yield from self._finish(drafts[row], equal)

    def _stems(self, wanted: Sequence[tuple[Task, int]], drafts: Sequence[_Draft]) -> list[Stem]:
        samplers: dict[int, list[Sampler]] = {}
        tasks = {task.number: task for task, _ in wanted}
        for draft in drafts:
            sampler = Sampler(self._request.sampling, draft.seed, tasks[draft.task].prompt)
            samplers.setdefault(draft.task, []).append(sampler)
        return [
            Stem(prompt=tasks[number].prompt, samplers=its, limit=tasks[number].limit)
            for number, its in samplers.items()
        ]

    def _draft(self, task: Task, place: int, draw: int) -> _Draft:
        now = self._clock()
        return _Draft(
            task=task.number,
            index=self._index(task, place),
            seed=task.seed + draw * self._request.n + place,
            stream=TextStream(self._loaded.tokenizer),
            started=now,
            next_news=now,
        )

    def _news(self, draft: _Draft) -> Iterator[TextDelta]:
        now = self._clock()
        if now < draft.next_news:
            return
        piece = draft.stream.news()
        spent = self._clock() - now
        draft.next_news = now + max(SECONDS_BETWEEN_DELTAS, spent / _DECODE_SHARE)
        if piece:
            yield TextDelta(request=self._request.id, index=draft.index, text=piece)

    def _finish(self, draft: _Draft, equal: list[_Draft]) -> Iterator[Event]:
        yield from self._last_news(draft)
        bare = (draft.task, " ".join(draft.stream.text.split()))
        if bare in self._texts:
            equal.append(draft)
            return
        self._texts.add(bare)
        yield self._done(draft)

    def _last_news(self, draft: _Draft) -> Iterator[Event]:
        rest = draft.stream.rest()
        if rest is None:
            yield CandidateRestarted(request=self._request.id, index=draft.index)
            rest = draft.stream.text
        if rest:
            yield TextDelta(request=self._request.id, index=draft.index, text=rest)

    def _accept(self, equal: Sequence[_Draft]) -> Iterator[Event]:
        why = (
            "Temperature 0 and top-k 1 always give the same response"
            if self._always_the_same
            else f"{DRAWS} draws gave the same response"
        )
        yield Note(
            request=self._request.id, message=f"{why}. For different ones, raise the temperature or top-k."
        )
        for draft in equal:
            yield self._done(draft)

    def _done(self, draft: _Draft) -> CandidateDone:
        return CandidateDone(
            request=self._request.id,
            index=draft.index,
            text=draft.stream.text,
            tokens=draft.stream.tokens,
            seed=draft.seed,
            finish_reason=draft.finish_reason,
            seconds=self._clock() - draft.started,
            fingerprint=self._loaded.fingerprint,
        )
