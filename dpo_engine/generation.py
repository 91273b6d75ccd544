"""Candidates for one prompt, streamed while they are written."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dpo_engine.decoding import decode
from dpo_engine.detokenization import TextStream
from dpo_engine.device import precision
from dpo_engine.errors import BadInput
from dpo_engine.events import CandidateDone, CandidateRestarted, Event, Note, TextDelta
from dpo_engine.models import LoadedModel
from dpo_engine.requests import Generate
from dpo_engine.sampling import Sampler
from dpo_engine.tokenization import end_of_turn_id
from dpo_engine.training_setup import context_length
from dpo_engine.truncation import fit_prompt

MAX_CANDIDATES = 64
DRAWS = 4
"""The first draw, and how often a candidate equal to another one is drawn again."""
SECONDS_BETWEEN_DELTAS = 0.05
_DECODE_SHARE = 0.1
"""Of the time, at most so much is spent on turning a long response into text again and again."""

Clock = Callable[[], float]


def generate(
    request: Generate, loaded: LoadedModel, *, clock: Clock = time.monotonic
) -> Iterator[Event | None]:
    """Draw `request.n` candidates; yields None where there is nothing to tell but a cancel may act.

    Candidate i is drawn with seed `request.seed + i`, in one batch with the others. One that comes out
    equal to another (whitespace aside) is drawn again with another seed. Raises `BadInput`.
    """
    if not 1 <= request.n <= MAX_CANDIDATES:
        raise BadInput(f"n is {request.n}; it must be from 1 to {MAX_CANDIDATES}.")
    task = _task(request, loaded)
    for message in task.notes:
        yield Note(request=request.id, message=message)
    yield from _Candidates(request, loaded, task, clock).events()


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What is continued, for how long, and what may end it."""

    prompt: Tensor
    ends: frozenset[int]
    limit: int
    notes: tuple[str, ...]


@dataclass(kw_only=True)
class _Draft:
    """A candidate being written."""

    index: int
    seed: int
    stream: TextStream
    started: float
    next_news: float
    finish_reason: Any = field(default="length")


class _Candidates:
    """All candidates of one request."""

    def __init__(self, request: Generate, loaded: LoadedModel, task: _Task, clock: Clock) -> None:
        self._request = request
        self._loaded = loaded
        self._task = task
        self._clock = clock
        self._texts: set[str] = set()

    def events(self) -> Iterator[Event | None]:
        pending = list(range(self._request.n))
        for draw in range(DRAWS):
            equal: list[_Draft] = []
            yield from self._draw(pending, draw, equal)
            if not equal:
                return
            if draw == DRAWS - 1 or self._always_the_same:
                yield from self._accept(equal)
                return
            pending = sorted(draft.index for draft in equal)
            for index in pending:
                yield CandidateRestarted(request=self._request.id, index=index)

    @property
    def _always_the_same(self) -> bool:
        return self._request.sampling.temperature == 0 or self._request.sampling.top_k == 1

    def _draw(self, indices: Sequence[int], draw: int, equal: list[_Draft]) -> Iterator[Event | None]:
        """Write one candidate an index; those that came out equal to another one are put into `equal`."""
        drafts = [self._draft(index, draw) for index in indices]
        samplers = [Sampler(self._request.sampling, one.seed, self._task.prompt) for one in drafts]
        model: Any = self._loaded.model
        adapted = hasattr(model, "get_base_model")
        rounds = decode(
            model.get_base_model() if adapted else model,
            self._task.prompt,
            samplers,
            ends=self._task.ends,
            limit=self._task.limit,
            precision=partial(precision, self._loaded.device, self._loaded.dtype) if adapted else nullcontext,
        )
        going = set(range(len(drafts)))
        for drawn in rounds:
            told = False
            for row, token in drawn:
                draft = drafts[row]
                if token in self._task.ends:
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

    def _draft(self, index: int, draw: int) -> _Draft:
        now = self._clock()
        return _Draft(
            index=index,
            seed=self._request.seed + draw * self._request.n + index,
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
        bare = " ".join(draft.stream.text.split())
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


def _task(request: Generate, loaded: LoadedModel) -> _Task:
    """At least half of the model's context is left to the prompt, the rest to the response."""
    if not request.prompt or request.prompt[-1].role != "user":
        raise BadInput("The prompt must end with a turn of the user.")
    notes: list[str] = []
    longest = context_length(loaded)
    limit = request.sampling.max_new_tokens
    room = 2**40 if longest is None else max(longest - limit, longest // 2)
    fitted = fit_prompt(loaded.tokenizer, request.prompt, room)
    if fitted.cut:
        notes.append(f"The prompt is too long for this model; its beginning was cut ({room} tokens stay).")
    if longest is not None:
        if len(fitted.ids) >= longest:
            raise BadInput(f"The prompt does not fit into the {longest} tokens that this model takes.")
        limit = min(limit, longest - len(fitted.ids))
    return _Task(
        prompt=torch.tensor(fitted.ids, device=loaded.device),
        ends=end_ids(loaded),
        limit=limit,
        notes=tuple(notes),
    )


def end_ids(loaded: LoadedModel) -> frozenset[int]:
    """Every token that ends a response: the template's end of turn, and what model and tokenizer name."""
    model: Any = loaded.model
    named = [
        loaded.tokenizer.eos_token_id,
        getattr(model.config, "eos_token_id", None),
        getattr(getattr(model, "generation_config", None), "eos_token_id", None),
    ]
    ends = {end_of_turn_id(loaded.tokenizer)}
    for ids in named:
        if ids is not None:
            ends.update([ids] if isinstance(ids, int) else ids)
    return frozenset(ends)
