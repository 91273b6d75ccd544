"""The Annotate page's logic: what is shown, what a key means now, and when a verdict counts. Qt-free.

A verdict is acknowledged, and the next comparison shown, only when the store has it on disk. The next one
is already in memory by then, so that nothing stands between the acknowledgement and its showing.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Literal

from app.annotate import desk
from app.annotate.model_supply import ModelSupply
from app.annotate.write_ahead import Draft, WriteAhead
from app.engine_host.protocol import Engine
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Choice, Comparison, Prompt, Verdict, VerdictCounts
from app.store.verdicts import give_verdict
from dpo_engine.config import SamplingConfig

Phase = Literal["opening", "fetching", "no_model", "writing", "ready", "saving", "held", "empty", "trouble"]

NO_COUNTS = VerdictCounts(preferences=0, held_out=0, ties=0, both_bad=0, skips=0, today=0)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A short word to the person; a new `number` means a new notice."""

    number: int
    text: str
    kind: Literal["saved", "hint", "problem"]


@dataclass(frozen=True, kw_only=True)
class AnnotateState:
    """Everything the page shows."""

    phase: Phase
    comparison: Comparison | None
    draft: Draft | None
    """The two texts coming in; shown when there is no comparison."""
    message: str
    stage: str
    done: int
    total: int
    waiting: int
    counts: VerdictCounts
    policy: str
    sampling: SamplingConfig
    notice: Notice | None


class AnnotatePresenter:
    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        annotator: str,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._annotator, self._clock = store, annotator, clock
        self._listeners: list[Callable[[], None]] = []
        self._policy_listeners: list[Callable[[str], None]] = []
        self._policy, self._sampling = "", SamplingConfig()
        self._begun = False
        self._shown: Comparison | None = None
        self._shown_at = 0.0
        self._next: Comparison | None = None
        self._saving = False
        self._looking = 0
        self._skipped: set[int] = set()
        self._waiting = 0
        self._counts = NO_COUNTS
        self._failure = ""
        self._notice: Notice | None = None
        self._notices = count(1)
        self._models = ModelSupply(engine=engine, there=self._on_model_there, changed=self._changed)
        self._ahead = WriteAhead(
            engine=engine,
            store=store,
            rng=rng or random.Random(),  # noqa: S311 (sides and seeds, no secrets)
            stored=self._on_written,
            changed=self._on_writing_changed,
        )

    # --- for the page -----------------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Hear that `state` is another one."""
        self._listeners.append(listener)

    def when_policy_changes(self, listener: Callable[[str], None]) -> None:
        self._policy_listeners.append(listener)

    def start(self) -> None:
        """Go on where the project was left."""
        self._store.submit(desk.begin, self._on_begun, self._on_failed)

    @property
    def state(self) -> AnnotateState:
        trouble = self._ahead.trouble
        return AnnotateState(
            phase=self._phase(),
            comparison=self._shown,
            draft=self._ahead.draft,
            message=self._failure or self._models.problem or (trouble.sentence if trouble else ""),
            stage=self._models.stage,
            done=self._models.done,
            total=self._models.total,
            waiting=self._waiting,
            counts=self._counts,
            policy=self._policy,
            sampling=self._sampling,
            notice=self._notice,
        )

    @property
    def policy(self) -> str:
        return self._policy

    def give(self, choice: Choice, strength: int = 1) -> None:
        """The person's verdict on what is shown. Ignored, with a hint, while there is nothing to judge."""
        shown = self._shown
        if shown is None or self._saving:
            if shown is None:
                self._say("Both responses have to be there first.", "hint")
            return
        self._saving = True
        seconds = max(0.0, self._clock() - self._shown_at)

        def work(project: Project) -> Verdict:
            return give_verdict(
                project, shown.id, choice, strength=strength, annotator=self._annotator, seconds=seconds
            )

        self._store.submit(work, self._on_saved, self._on_save_failed)
        self._changed()

    def undo(self) -> None:
        """Take back the latest verdict; its comparison comes back on the screen."""
        if self._saving or not self._begun:
            return
        self._saving = True
        self._store.submit(
            lambda project: desk.undo(project, self._annotator), self._on_undone, self._on_save_failed
        )

    def redo(self) -> None:
        if self._saving or not self._begun:
            return
        self._saving = True
        self._store.submit(
            lambda project: desk.redo(project, self._annotator), self._on_redone, self._on_save_failed
        )

    def stop_writing(self) -> None:
        """End what is being written on the screen; `write_again` goes on."""
        if self._shown is None and self._ahead.draft is not None:
            self._ahead.hold()

    def write_again(self) -> None:
        """Both responses anew: of what is shown, of what is being written, or after a stop."""
        shown, draft = self._shown, self._ahead.draft
        if shown is not None and not self._saving:
            self._shown = None
            self._store.submit(
                lambda project: desk.replace(project, shown.id), lambda _: None, self._on_failed
            )
            self._ahead.hold()
            self._ahead.put_first(shown.prompt)
        elif draft is not None:
            self._ahead.hold()
            self._ahead.put_first(draft.prompt)
        else:
            self._ahead.go_on()
        self._changed()

    def try_again(self) -> None:
        """After a problem: fetch, open or write again, whichever it was."""
        self._failure = ""
        if not self._begun:
            self.start()
        elif self._models.problem:
            self._models.want(self._policy)
        else:
            self._ahead.go_on()
        self._changed()

    def cancel_fetching(self) -> None:
        self._models.cancel()

    def use_model(self, reference: str) -> None:
        """Try a model (a folder, a hub id, the starter); it becomes the policy only if it can write."""
        self._models.try_out(reference, self.set_policy)

    def add_prompt(self, text: str, system: str = "") -> None:
        text, system = text.strip(), system.strip()
        if not text:
            return

        def added(prompt: Prompt) -> None:
            self._say("Your prompt comes next.", "hint")
            self._ahead.put_first(prompt)

        self._store.submit(lambda project: desk.add_prompt(project, text, system), added, self._on_failed)

    def set_sampling(self, sampling: SamplingConfig) -> None:
        """For what is written from now on."""
        self._sampling = sampling
        self._ahead.set_sampling(sampling)
        self._store.submit(
            lambda project: desk.keep_sampling(project, sampling), lambda _: None, self._on_failed
        )
        self._changed()

    def set_policy(self, policy: str) -> None:
        """Another model writes from now on; what waits by others leaves the queue."""
        if policy == self._policy and not self._models.problem:
            return
        self._policy = policy
        self._next = None
        self._store.submit(
            lambda project: desk.change_policy(project, policy),
            lambda _retired: self._look_ahead(),
            self._on_failed,
        )
        for listener in self._policy_listeners:
            listener(policy)
        self._ahead.set_policy(policy)
        self._models.want(policy)
        self._changed()

    # --- what the store and the engine answer -----------------------------------------------------------

    def _on_begun(self, beginning: desk.Beginning) -> None:
        self._begun = True
        self._policy, self._sampling = beginning.policy, beginning.sampling
        self._take(beginning.outlook)
        for listener in self._policy_listeners:
            listener(self._policy)
        self._show_next()
        self._models.want(self._policy)

    def _on_model_there(self) -> None:
        self._ahead.begin(self._policy, self._sampling, self._waiting)
        self._changed()

    def _on_written(self, comparison: Comparison) -> None:
        if self._shown is None and not self._saving:
            self._show(comparison)
        else:
            self._look_ahead()

    def _on_writing_changed(self) -> None:
        if self._shown is None and not self._saving and self._ahead.draft is None and self._skipped:
            # Nothing else will come: what was skipped for later is due now.
            self._skipped.clear()
            self._look_ahead()
        self._changed()

    def _on_saved(self, verdict: Verdict) -> None:
        self._saving = False
        self._failure = ""
        if verdict.choice == "skip":
            self._skipped.add(verdict.comparison_id)
            self._say("Skipped for later", "saved")
        else:
            self._say("Saved", "saved")
        self._show_next()

    def _on_undone(self, undone: tuple[Verdict, Comparison] | None) -> None:
        self._saving = False
        if undone is None:
            self._say("There is nothing to undo.", "hint")
            return
        _verdict, comparison = undone
        self._skipped.discard(comparison.id)
        self._say("Verdict undone", "saved")
        self._show(comparison)

    def _on_redone(self, verdict: Verdict | None) -> None:
        self._saving = False
        if verdict is None:
            self._say("There is nothing to redo.", "hint")
            return
        self._say("Verdict given again", "saved")
        if self._shown is not None and self._shown.id == verdict.comparison_id:
            self._show_next()
        else:
            self._look_ahead()

    def _on_save_failed(self, error: StoreError) -> None:
        self._saving = False
        self._say(str(error), "problem")

    def _on_failed(self, error: StoreError) -> None:
        self._failure = str(error)
        self._changed()

    # --- what is on the screen --------------------------------------------------------------------------

    def _show_next(self) -> None:
        self._shown, comparison = None, self._next
        self._next = None
        if comparison is not None:
            self._show(comparison)
        else:
            self._look_ahead()
            self._changed()

    def _show(self, comparison: Comparison) -> None:
        self._shown = comparison
        self._shown_at = self._clock()
        if self._next is not None and self._next.id == comparison.id:
            self._next = None
        self._looking += 1
        turn, skipped = self._looking, tuple(self._skipped)
        self._store.submit(
            lambda project: desk.show(project, comparison.id, skipped),
            lambda outlook: self._on_outlook(turn, outlook),
            self._on_failed,
        )
        self._changed()

    def _look_ahead(self) -> None:
        self._looking += 1
        turn = self._looking
        in_hand = (*self._skipped, *((self._shown.id,) if self._shown else ()))
        self._store.submit(
            lambda project: desk.outlook(project, in_hand),
            lambda outlook: self._on_outlook(turn, outlook),
            self._on_failed,
        )

    def _on_outlook(self, turn: int, outlook: desk.Outlook) -> None:
        if turn != self._looking:
            return
        self._take(outlook)
        self._ahead.set_waiting(self._waiting)
        if self._shown is None and self._next is not None and not self._saving:
            self._show_next()
        self._changed()

    def _take(self, outlook: desk.Outlook) -> None:
        self._next, self._waiting, self._counts = outlook.next, outlook.waiting, outlook.counts

    def _phase(self) -> Phase:
        if self._shown is not None:
            return "saving" if self._saving else "ready"
        if self._failure:
            return "trouble"
        if not self._begun:
            return "opening"
        if self._models.fetching:
            return "fetching"
        if self._models.problem:
            return "no_model"
        if self._ahead.trouble is not None:
            return "trouble"
        if self._ahead.held:
            return "held"
        return "empty" if self._ahead.no_prompts else "writing"

    def _say(self, text: str, kind: Literal["saved", "hint", "problem"]) -> None:
        self._notice = Notice(number=next(self._notices), text=text, kind=kind)
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()
