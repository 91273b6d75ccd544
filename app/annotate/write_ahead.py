"""Writes ahead: has the engine draw candidates so that comparisons wait for the annotator. Qt-free.

One batch is under way at a time. While someone waits for a comparison it is for one prompt; else for all
that are still wanted, together, which takes hardly longer than one of them. As soon as both responses to a
prompt are there the comparison is stored, its sides drawn at random, so that a cancel or a crash loses only
what is unfinished. Writing stops when enough comparisons wait, when there is no prompt to write for, or with
a `Trouble` that a person has to do something about.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from app.annotate.commission import Commission, out_of_memory
from app.annotate.drafts import Author, Draft, new_draft
from app.annotate.keeping import keep
from app.annotate.pace import Pace
from app.engine_host.protocol import Engine
from app.store.access import StoreAccess
from app.store.collecting import prompts
from app.store.errors import NoSuchRow, StoreError
from app.store.handle import Project
from app.store.records import Comparison, Prompt
from dpo_engine.errors import Cancelled, EngineDied, FetchFailed, ModelUnusable, NotFetched
from dpo_engine.events import RequestFailed

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
        annotator: Callable[[], str],
        gave_up: Callable[[str], None],
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`someone_waits`: is there nothing to judge, so that the next comparison is waited for?

        `gave_up` hears, with a sentence, of one side that could not be written again.
        """
        self.trouble: Trouble | None = None
        self.no_prompts = False
        self.pace = pace or Pace()
        self._engine, self._store, self._rng, self._clock = engine, store, rng, clock
        self._stored, self._changed = stored, changed
        self._someone_waits, self._annotator, self._gave_up = someone_waits, annotator, gave_up
        self._authors: tuple[Author, ...] = ()
        self._waiting = 0
        self._commission: Commission | None = None
        self._drafts: list[Draft] = []
        """Asked for, and not on the disk yet."""
        self._choosing = False
        self._begun = False
        self._failures = 0
        self._last_failure: Trouble | None = None
        self._held = False
        self._filling = False
        self._first: list[Prompt] = []
        self._failed_prompts: set[int] = set()
        self._names = (f"annotate-{number}" for number in count(1))

    def begin(self, authors: Sequence[Author], waiting: int) -> None:
        """Write with these (one for both responses, or one for each); `waiting` are there already."""
        self._authors, self._waiting = tuple(authors), waiting
        self._begun = True
        self._fill()

    def set_authors(self, authors: Sequence[Author]) -> None:
        """For what is written from now on."""
        self._authors = tuple(authors)

    def set_waiting(self, waiting: int) -> None:
        """How many comparisons wait now; fewer than wanted has the next ones written."""
        self._waiting = waiting
        self._fill()

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

    def write_draft(self, draft: Draft) -> None:
        """Write what is missing of this draft at once; what is half written for others is dropped."""
        self._drop()
        self._forget_trouble()
        self._write([draft])

    def cut(self, draft: Draft) -> None:
        """Write no more of a draft that was judged as it is; it stays until `let_go`."""
        draft.written = True
        if self._commission is not None and not self._commission.leave_out(draft):
            self._end_commission()

    def let_go(self, draft: Draft) -> None:
        """It is kept elsewhere, or given up."""
        if draft in self._drafts:
            self._drafts.remove(draft)
            self._fill()

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

    @property
    def idle(self) -> bool:
        """Nothing is being written, and nothing will be until somebody asks."""
        return not (self._drafts or self._choosing or self._commission)

    @property
    def behind(self) -> int:
        """How many more are wanted."""
        return max(0, self.pace.target - self._waiting)

    # --- choosing prompts and asking --------------------------------------------------------------------

    def _fill(self) -> None:
        stopped = self._held or self.trouble is not None or not self._begun
        if self._waiting < self.pace.few:
            self._filling = True
        elif self._waiting >= self.pace.target:
            self._filling = False
        if stopped or not (self._filling or self._first) or not self.idle:
            return
        if self._first:
            self._write([self._new_draft(self._first.pop(0))])
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
        elif usable and self.idle and not (self._held or self.trouble) and self._begun:
            self._write([self._new_draft(prompt) for prompt in usable[: self._wanted()]])
            return
        self._changed()

    def _wanted(self) -> int:
        """Prompts in one batch. After a failure one alone, so that it shows whose it is."""
        if self._someone_waits() or self._failures:
            return 1
        return max(1, min(self.behind, self.pace.together))

    def _new_draft(self, prompt: Prompt) -> Draft:
        return new_draft(prompt, self._authors, swapped=self._rng.random() < 0.5)

    def _write(self, drafts: list[Draft]) -> None:
        self._drafts = list(drafts)
        self._commission = Commission(
            engine=self._engine,
            drafts=drafts,
            names=self._names,
            rng=self._rng,
            clock=self._clock,
            complete=self._on_complete,
            ended=self._on_ended,
            changed=self._changed,
        )
        self._changed()

    def _forget_trouble(self) -> None:
        self.trouble = self._last_failure = None
        self._failures = 0
        self._held = False
        self._failed_prompts.clear()

    def _drop(self) -> None:
        self._drafts = []
        if self._commission is not None:
            self._commission.cancel()
            self._end_commission()

    def _end_commission(self) -> None:
        self._commission = None

    # --- what becomes of it -----------------------------------------------------------------------------

    def _on_complete(self, draft: Draft) -> None:
        self._failures = 0
        # The draft stays until it is on the disk, so that its texts stay on the screen.
        draft.written = True
        annotator = self._annotator()
        self._store.submit(
            lambda project: keep(project, draft, annotator),
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
        if isinstance(error, NoSuchRow):
            self._fill()  # its prompt was deleted meanwhile
        else:
            self._on_store_failed(error)

    def _on_ended(self, commission: Commission, failure: RequestFailed | None) -> None:
        unfinished = [draft for draft in commission.unfinished if not draft.written]
        self._drafts = [draft for draft in self._drafts if draft.written]
        self._end_commission()
        if failure is None:
            self.pace.wrote(len(commission.drafts), commission.seconds)
            self._on_finished(commission, unfinished)
        elif failure.code in _NO_MODEL:
            self.trouble = Trouble(failure.code, failure.message)
        else:
            if out_of_memory(failure):
                self.pace.ran_out_of_memory()
            self._count_failure(commission, unfinished, failure.code, failure.message)

    def _on_finished(self, commission: Commission, unfinished: list[Draft]) -> None:
        if len(commission.drafts) == 1 and unfinished:
            sentence = "The engine ended without writing both responses."
            self._count_failure(commission, unfinished, "unfinished", sentence)
            return
        # What a batch left out is asked for alone: then the engine says why.
        self._first[:0] = [draft.prompt for draft in unfinished]
        self._fill()

    def _count_failure(
        self, commission: Commission, unfinished: Sequence[Draft], code: str, sentence: str
    ) -> None:
        """Another prompt after a failure; the third in a row is for a person to see."""
        self._failures += 1
        self._last_failure = Trouble(code, sentence)
        if unfinished and unfinished[0].replaces is not None:
            self._gave_up(sentence)
            self._fill()
            return
        if self._failures >= MOST_FAILURES:
            self.trouble = self._last_failure
            return
        if code in _NOT_THE_PROMPT or len(commission.drafts) > 1:
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
