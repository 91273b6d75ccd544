"""Writes ahead: has the engine draw candidates so that comparisons wait for the annotator. Qt-free.

One comparison is written at a time. Its two texts are a `Draft` while they come in; when both are done the
comparison is stored, its sides drawn at random. Writing stops when enough comparisons wait, when there is no
prompt to write for, or with a `Trouble` that a person has to do something about.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import msgspec

from app.engine_host.protocol import Engine
from app.store import comparisons, prompts
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Comparison, NewCandidate, Prompt
from dpo_engine import events as told
from dpo_engine.config import SamplingConfig
from dpo_engine.errors import Cancelled, EngineDied, FetchFailed, ModelUnusable, NotFetched
from dpo_engine.events import Event
from dpo_engine.requests import Cancel, Generate

READY_TARGET = 4
MOST_FAILURES = 3
_CHOICE_OF_PROMPTS = 16
_NO_MODEL = (NotFetched.code, ModelUnusable.code, FetchFailed.code)
_NOT_THE_PROMPT = (EngineDied.code, Cancelled.code)
"""Failures after which the same prompt is tried again."""


@dataclass(frozen=True)
class Trouble:
    """Why nothing is written: `code` of the error and its sentence."""

    code: str
    sentence: str


@dataclass
class Draft:
    """Two candidates being written; `texts` and `done` by candidate, `sides` by side of the screen."""

    prompt: Prompt
    request: str
    swapped: bool
    policy: str
    sampling: SamplingConfig
    written: bool = False
    """Both are done and on their way to the disk."""
    texts: list[str] = field(default_factory=lambda: ["", ""])
    done: list[told.CandidateDone | None] = field(default_factory=lambda: [None, None])

    def side(self, index: int) -> int:
        """Side of the screen (0 left, 1 right) on which candidate `index` stands."""
        return 1 - index if self.swapped else index

    def text_on(self, side: int) -> str:
        return self.texts[self.side(side)]

    def done_on(self, side: int) -> told.CandidateDone | None:
        """What stands on this side, once it is finished."""
        return self.done[self.side(side)]


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
        target: int = READY_TARGET,
    ) -> None:
        self.draft: Draft | None = None
        self.trouble: Trouble | None = None
        self.no_prompts = False
        self._engine, self._store, self._rng = engine, store, rng
        self._stored, self._changed, self._target = stored, changed, target
        self._policy = ""
        self._sampling = SamplingConfig()
        self._waiting = 0
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
        """How many comparisons wait now; fewer than the target has the next one written."""
        self._waiting = waiting
        self._fill()

    def set_sampling(self, sampling: SamplingConfig) -> None:
        """For what is written from now on."""
        self._sampling = sampling

    def stand_by(self) -> None:
        """Drop what is being written, forget all trouble, and write no more until `begin`."""
        self._begun = False
        self._drop_draft()
        self._forget_trouble()

    def put_first(self, prompt: Prompt) -> None:
        """Write for this prompt next, even when enough comparisons wait; ends a hold."""
        self._first.append(prompt)
        self.no_prompts = False
        self.go_on()

    def write_now(self, prompt: Prompt) -> None:
        """Write for this prompt at once; what is half written for another one is dropped."""
        self._drop_draft()
        self._first.insert(0, prompt)
        self.go_on()

    def hold(self) -> None:
        """Stop writing until `go_on`; what was half written is dropped."""
        self._held = True
        self._drop_draft()
        self._changed()

    def go_on(self) -> None:
        """Try again after trouble or a hold."""
        self._forget_trouble()
        self._fill()

    @property
    def held(self) -> bool:
        return self._held

    # --- choosing a prompt and asking -------------------------------------------------------------------

    def _fill(self) -> None:
        stopped = self._held or self.trouble is not None or not self._begun
        enough = self._waiting >= self._target and not self._first
        if stopped or enough or self._choosing or self.draft is not None:
            return
        if self._first:
            self._write(self._first.pop(0))
            return
        self._choosing = True
        self._store.submit(_next_prompts, self._on_prompts, self._on_store_failed)

    def _on_prompts(self, found: list[Prompt]) -> None:
        self._choosing = False
        usable = [prompt for prompt in found if prompt.id not in self._failed_prompts]
        self.no_prompts = not found
        if self._first:
            self._fill()
        elif found and not usable:
            self.trouble = self._last_failure
        elif usable and not (self._held or self.draft or self.trouble) and self._begun:
            self._write(usable[0])
            return
        self._changed()

    def _write(self, prompt: Prompt) -> None:
        request = f"annotate-{next(self._numbers)}"
        self.draft = Draft(
            prompt=prompt,
            request=request,
            swapped=self._rng.random() < 0.5,
            policy=self._policy,
            sampling=self._sampling,
        )
        self._engine.submit(
            Generate(
                id=request,
                policy=self._policy,
                prompt=prompt.messages,
                n=2,
                sampling=self._sampling,
                seed=self._rng.randrange(2**31),
            ),
            self._on_event,
        )
        self._changed()

    def _forget_trouble(self) -> None:
        self.trouble = self._last_failure = None
        self._failures = 0
        self._held = False
        self._failed_prompts.clear()

    def _drop_draft(self) -> None:
        draft, self.draft = self.draft, None
        if draft is not None and not draft.written:
            self._engine.control(Cancel(target=draft.request))

    # --- what the engine says ---------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        draft = self.draft
        if draft is None or getattr(event, "request", None) != draft.request:
            return
        match event:
            case told.TextDelta():
                draft.texts[event.index] += event.text
            case told.CandidateRestarted():
                draft.texts[event.index] = ""
            case told.CandidateDone():
                draft.texts[event.index] = event.text
                draft.done[event.index] = event
            case told.RequestFinished():
                self._on_written(draft)
            case told.RequestFailed():
                self._on_failed(draft, event)
            case _:
                return
        self._changed()

    def _on_written(self, draft: Draft) -> None:
        first, second = draft.done
        if first is None or second is None:
            self.draft = None
            self._count_failure(draft, "unfinished", "The engine ended without writing both responses.")
            return
        self._failures = 0
        # The draft stays until it is on the disk, so that its texts stay on the screen.
        draft.written = True
        pair = (_candidate(draft, first), _candidate(draft, second))
        self._store.submit(
            lambda project: _keep(project, draft, pair),
            lambda kept: self._on_stored(draft, *kept),
            lambda error: self._on_keeping_failed(draft, error),
        )

    def _on_stored(self, draft: Draft, comparison: Comparison, waiting: int) -> None:
        if draft is self.draft:
            self.draft = None
            self._waiting = waiting
            self._stored(comparison)
            self._fill()

    def _on_keeping_failed(self, draft: Draft, error: StoreError) -> None:
        if draft is self.draft:
            self.draft = None
        self._on_store_failed(error)

    def _on_failed(self, draft: Draft, event: told.RequestFailed) -> None:
        self.draft = None
        if event.code in _NO_MODEL:
            self.trouble = Trouble(event.code, event.message)
        else:
            self._count_failure(draft, event.code, event.message)

    def _count_failure(self, draft: Draft, code: str, sentence: str) -> None:
        """Another prompt after a failure; the third in a row is for a person to see."""
        self._failures += 1
        self._last_failure = Trouble(code, sentence)
        if self._failures >= MOST_FAILURES:
            self.trouble = self._last_failure
            return
        if code in _NOT_THE_PROMPT:
            self._first.insert(0, draft.prompt)
        else:
            self._failed_prompts.add(draft.prompt.id)
        self._fill()

    def _on_store_failed(self, error: StoreError) -> None:
        self._choosing = False
        self.trouble = Trouble(error.code, str(error))
        self._changed()


def _next_prompts(project: Project) -> list[Prompt]:
    return prompts.prompts_needing_comparisons(project, _CHOICE_OF_PROMPTS)


def _keep(project: Project, draft: Draft, pair: tuple[NewCandidate, NewCandidate]) -> tuple[Comparison, int]:
    comparison = comparisons.add_comparison(project, draft.prompt.id, pair, swapped=draft.swapped)
    return comparison, comparisons.waiting_count(project, fresh_only=True)


def _candidate(draft: Draft, done: told.CandidateDone) -> NewCandidate:
    return NewCandidate(
        text=done.text,
        model=draft.policy,
        fingerprint=done.fingerprint,
        sampling=msgspec.to_builtins(draft.sampling),
        seed=done.seed,
        finish_reason=done.finish_reason,
        tokens=done.tokens,
        seconds=done.seconds,
    )
