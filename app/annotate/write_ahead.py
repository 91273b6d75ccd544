"""Writes ahead: has the engine draw candidates so that comparisons wait for the annotator. Qt-free.

One request is under way at a time. While someone waits for a comparison it is for one prompt; else for all
that are still wanted, in one batch, which takes hardly longer than one of them. The two texts of each prompt
are a `Draft` while they come in. As soon as both are done the comparison is stored, its sides drawn at
random, so that a cancel or a crash loses only what is unfinished. Writing stops when enough comparisons wait,
when there is no prompt to write for, or with a `Trouble` that a person has to do something about.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from app.annotate.drafts import CANDIDATES, Draft, keep
from app.engine_host.protocol import Engine
from app.store import prompts
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Comparison, NewCandidate, Prompt
from dpo_engine import events as told
from dpo_engine.config import SamplingConfig
from dpo_engine.errors import Cancelled, EngineDied, FetchFailed, ModelUnusable, NotFetched
from dpo_engine.events import Event
from dpo_engine.requests import Cancel, Generate, GenerateMany, PromptToAnswer

READY_TARGET = 4
MOST_FAILURES = 3
_CHOICE_OF_PROMPTS = 16
_MOST_TOGETHER = 8
_NO_MODEL = (NotFetched.code, ModelUnusable.code, FetchFailed.code)
_NOT_THE_PROMPT = (EngineDied.code, Cancelled.code)
"""Failures after which the same prompt is tried again."""


@dataclass(frozen=True)
class Trouble:
    """Why nothing is written: `code` of the error and its sentence."""

    code: str
    sentence: str


class WriteAhead:
    """Tell it `begin` and `set_waiting`; it calls back on the presenters' thread."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        rng: random.Random,
        stored: Callable[[Comparison], None],
        changed: Callable[[], None],
        someone_waits: Callable[[], bool],
        target: int = READY_TARGET,
    ) -> None:
        """`someone_waits`: is there nothing to judge, so that the next comparison is waited for?"""
        self.trouble: Trouble | None = None
        self.no_prompts = False
        self._engine, self._store, self._rng = engine, store, rng
        self._stored, self._changed, self._target = stored, changed, target
        self._someone_waits = someone_waits
        self._policy = ""
        self._sampling = SamplingConfig()
        self._waiting = 0
        self._request = ""
        """Under way; empty when there is none."""
        self._asked: list[Draft] = []
        """What the request is for, in its order."""
        self._drafts: list[Draft] = []
        """Of these, those that are not on the disk yet."""
        self._choosing = False
        self._begun = False
        self._failures = 0
        self._last_failure: Trouble | None = None
        self._held = False
        self._first: list[Prompt] = []
        self._failed_prompts: set[int] = set()
        self._numbers = count(1)

    def begin(self, policy: str, sampling: SamplingConfig, waiting: int) -> None:
        """Write with this policy, which is on the disk; `waiting` comparisons are there already."""
        self._policy, self._sampling, self._waiting = policy, sampling, waiting
        self._begun = True
        self._fill()

    def set_waiting(self, waiting: int) -> None:
        """How many comparisons wait now; fewer than the target has the next ones written."""
        self._waiting = waiting
        self._fill()

    def set_sampling(self, sampling: SamplingConfig) -> None:
        """For what is written from now on."""
        self._sampling = sampling

    def stand_by(self) -> None:
        """Drop what is being written, forget all trouble, and write no more until `begin`."""
        self._begun = False
        self._drop()
        self._forget_trouble()

    def put_first(self, prompt: Prompt) -> None:
        """Write for this prompt next, even when enough comparisons wait; ends a hold."""
        self._first.append(prompt)
        self.no_prompts = False
        self.go_on()

    def write_now(self, prompt: Prompt) -> None:
        """Write for this prompt at once; what is half written for others is dropped."""
        self._drop()
        self._first.insert(0, prompt)
        self.go_on()

    def hold(self) -> None:
        """Stop writing until `go_on`; what was half written is dropped."""
        self._held = True
        self._drop()
        self._changed()

    def go_on(self) -> None:
        """Try again after trouble or a hold."""
        self._forget_trouble()
        self._fill()

    @property
    def held(self) -> bool:
        return self._held

    @property
    def draft(self) -> Draft | None:
        """What is written, or the first where there are several: what someone who waits is shown."""
        return self._drafts[0] if self._drafts else None

    # --- choosing prompts and asking --------------------------------------------------------------------

    def _fill(self) -> None:
        stopped = self._held or self.trouble is not None or not self._begun
        enough = self._waiting >= self._target and not self._first
        if stopped or enough or self._choosing or self._busy:
            return
        if self._first:
            self._write([self._first.pop(0)])
            return
        self._choosing = True
        self._store.submit(_next_prompts, self._on_prompts, self._on_store_failed)

    @property
    def _busy(self) -> bool:
        return bool(self._request or self._drafts)

    def _on_prompts(self, found: list[Prompt]) -> None:
        self._choosing = False
        usable = [prompt for prompt in found if prompt.id not in self._failed_prompts]
        self.no_prompts = not found
        if self._first:
            self._fill()
        elif found and not usable:
            self.trouble = self._last_failure
        elif usable and not (self._held or self._busy or self.trouble) and self._begun:
            self._write(usable[: self._wanted()])
            return
        self._changed()

    def _wanted(self) -> int:
        """Prompts in one request. After a failure one alone, so that it shows whose it is."""
        if self._someone_waits() or self._failures:
            return 1
        return max(1, min(self._target - self._waiting, _MOST_TOGETHER))

    def _write(self, chosen: Sequence[Prompt]) -> None:
        self._request = f"annotate-{next(self._numbers)}"
        self._asked = [self._draft(prompt) for prompt in chosen]
        self._drafts = list(self._asked)
        asked = tuple(
            PromptToAnswer(prompt=prompt.messages, seed=self._rng.randrange(2**31)) for prompt in chosen
        )
        name, policy, sampling = self._request, self._policy, self._sampling
        if len(asked) > 1:
            many = GenerateMany(id=name, policy=policy, prompts=asked, n=CANDIDATES, sampling=sampling)
            self._engine.submit(many, self._on_event)
        else:
            (only,) = asked
            one = Generate(
                id=name,
                policy=policy,
                prompt=only.prompt,
                n=CANDIDATES,
                sampling=sampling,
                seed=only.seed,
            )
            self._engine.submit(one, self._on_event)
        self._changed()

    def _draft(self, prompt: Prompt) -> Draft:
        swapped = self._rng.random() < 0.5
        return Draft(prompt=prompt, swapped=swapped, policy=self._policy, sampling=self._sampling)

    def _forget_trouble(self) -> None:
        self.trouble = self._last_failure = None
        self._failures = 0
        self._held = False
        self._failed_prompts.clear()

    def _drop(self) -> None:
        request, drafts = self._request, self._drafts
        self._request, self._drafts = "", []
        if request and any(not draft.written for draft in drafts):
            self._engine.control(Cancel(target=request))

    # --- what the engine says ---------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        if getattr(event, "request", None) != self._request or not self._request:
            return
        match event:
            case told.TextDelta() | told.CandidateRestarted() | told.CandidateDone():
                place, index = divmod(event.index, CANDIDATES)
                draft = self._asked[place]
                draft.hear(index, event)
                pair = draft.pair()
                if pair is not None and not draft.written:
                    self._store_pair(draft, pair)
            case told.RequestFinished():
                self._on_finished()
            case told.RequestFailed():
                self._on_failed(event)
            case _:
                return
        self._changed()

    def _store_pair(self, draft: Draft, pair: tuple[NewCandidate, NewCandidate]) -> None:
        self._failures = 0
        # The draft stays until it is on the disk, so that its texts stay on the screen.
        draft.written = True
        self._store.submit(
            lambda project: keep(project, draft, pair),
            lambda kept: self._on_stored(draft, *kept),
            lambda error: self._on_keeping_failed(draft, error),
        )

    def _on_stored(self, draft: Draft, comparison: Comparison, waiting: int) -> None:
        if draft in self._drafts:
            self._drafts.remove(draft)
            self._waiting = waiting
            self._stored(comparison)
            self._fill()

    def _on_keeping_failed(self, draft: Draft, error: StoreError) -> None:
        if draft in self._drafts:
            self._drafts.remove(draft)
        self._on_store_failed(error)

    def _end_request(self) -> list[Draft]:
        """It is over; what it left unfinished, which is given up."""
        self._request = ""
        unfinished = [draft for draft in self._drafts if not draft.written]
        self._drafts = [draft for draft in self._drafts if draft.written]
        return unfinished

    def _on_finished(self) -> None:
        unfinished = self._end_request()
        if len(self._asked) == 1 and unfinished:
            sentence = "The engine ended without writing both responses."
            self._count_failure(unfinished, "unfinished", sentence)
            return
        # What a batch left out is asked for alone: then the engine says why.
        self._first[:0] = [draft.prompt for draft in unfinished]
        self._fill()

    def _on_failed(self, event: told.RequestFailed) -> None:
        unfinished = self._end_request()
        if event.code in _NO_MODEL:
            self.trouble = Trouble(event.code, event.message)
        else:
            self._count_failure(unfinished, event.code, event.message)

    def _count_failure(self, unfinished: Sequence[Draft], code: str, sentence: str) -> None:
        """Another prompt after a failure; the third in a row is for a person to see."""
        self._failures += 1
        self._last_failure = Trouble(code, sentence)
        if self._failures >= MOST_FAILURES:
            self.trouble = self._last_failure
            return
        if code in _NOT_THE_PROMPT or len(self._asked) > 1:
            self._first[:0] = [draft.prompt for draft in unfinished]
        else:
            self._failed_prompts.update(draft.prompt.id for draft in unfinished)
        self._fill()

    def _on_store_failed(self, error: StoreError) -> None:
        self._choosing = False
        self.trouble = Trouble(error.code, str(error))
        self._changed()


def _next_prompts(project: Project) -> list[Prompt]:
    return prompts.prompts_needing_comparisons(project, _CHOICE_OF_PROMPTS)
