"""The Annotate page's logic: what is shown, what a key means now, and when a verdict counts. Qt-free.

A verdict is acknowledged, and the next comparison shown, only when the store has it on disk. The next one
is already in memory by then, so that nothing stands between the acknowledgement and its showing.
"""

import random
import time
from collections.abc import Callable
from itertools import count

from app.annotate import desk
from app.annotate.ledger import Ledger
from app.annotate.model_supply import ModelSupply
from app.annotate.state import (
    NO_COUNTS,
    AnnotateState,
    Notice,
    Phase,
    Problem,
    phase_while_nothing_is_shown,
)
from app.annotate.write_ahead import WriteAhead
from app.engine_host.protocol import Engine
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.records import Choice, Comparison, Prompt, Verdict
from dpo_engine.config import SamplingConfig


class AnnotatePresenter:
    """Listeners hear that `state` is another one; the page reads it and calls the methods below."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        annotator: str,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rng` draws sides and seeds; `clock` counts seconds from any start."""
        self._store, self._clock = store, clock
        self._listeners: list[Callable[[], None]] = []
        self._policy_listeners: list[Callable[[str], None]] = []
        self._policy, self._sampling = "", SamplingConfig()
        self._begun = False
        self._shown: Comparison | None = None
        self._shown_at = 0.0
        self._next: Comparison | None = None
        self._awaited: Prompt | None = None
        self._looking = 0
        self._skipped: set[int] = set()
        self._waiting = 0
        self._counts = NO_COUNTS
        self._failure = ""
        self._problem: Problem | None = None
        self._notice: Notice | None = None
        self._notices = count(1)
        self._ledger = Ledger(
            store=store,
            annotator=annotator,
            saved=self._on_saved,
            undone=self._on_undone,
            redone=self._on_redone,
            changed=self._changed,
        )
        self._models = ModelSupply(engine=engine, there=self._on_model_there, changed=self._changed)
        self._ahead = WriteAhead(
            engine=engine,
            store=store,
            rng=rng or random.Random(),  # noqa: S311 (sides and seeds, no secrets)
            stored=self._on_written,
            changed=self._on_writing_changed,
            someone_waits=lambda: self._shown is None,
        )

    # --- for the page and the shell ---------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Hear that `state` is another one; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def when_policy_changes(self, listener: Callable[[str], None]) -> None:
        """Hear which model writes, now and whenever it is another one."""
        self._policy_listeners.append(listener)
        if self._policy:
            listener(self._policy)

    def start(self) -> None:
        """Go on where the project was left."""
        self._store.submit(desk.begin, self._on_begun, self._on_failed)

    def close(self) -> None:
        """Write no more; what is half written is dropped."""
        self._ahead.stand_by()
        self._models.cancel()
        self._listeners.clear()

    @property
    def state(self) -> AnnotateState:
        trouble = self._ahead.trouble
        stopped = self._models.problem or (trouble.sentence if trouble else "")
        return AnnotateState(
            phase=self._phase(),
            comparison=self._shown,
            draft=self._ahead.draft,
            message=self._failure or stopped,
            stage="Trying the model" if self._models.trying else self._models.stage,
            trying=self._models.trying,
            done=self._models.done,
            total=self._models.total,
            waiting=self._waiting,
            writing_stopped=stopped if self._shown is not None else "",
            counts=self._counts,
            policy=self._policy,
            sampling=self._sampling,
            notice=self._notice,
            problem=self._ledger.problem or self._problem,
        )

    # --- verdicts ---------------------------------------------------------------------------------------

    def give(self, choice: Choice, strength: int = 1) -> None:
        """The person's verdict on what is shown. Ignored, with a hint, while there is nothing to judge."""
        if self._shown is None:
            self._say("Both responses have to be there first.")
        elif not self._ledger.busy:
            self._problem = None
            seconds = max(0.0, self._clock() - self._shown_at)
            self._ledger.give(self._shown, choice, strength, seconds)

    def undo(self) -> None:
        """Take back the latest verdict; its comparison comes back on the screen."""
        if self._begun:
            self._ledger.undo()

    def redo(self) -> None:
        """Give back the verdict that was undone last."""
        if self._begun:
            self._ledger.redo()

    def try_again(self) -> None:
        """After a problem: save, open, fetch or write again, whichever it was."""
        if self._ledger.problem is not None:
            self._ledger.try_again()
            return
        self._failure, self._problem = "", None
        if not self._begun:
            self.start()
        else:
            self._ahead.stand_by()
            self._models.want(self._policy)
            self._look_ahead()
        self._changed()

    def dismiss_problem(self) -> None:
        self._problem = None
        self._ledger.dismiss()
        self._changed()

    # --- what is written --------------------------------------------------------------------------------

    def stop_writing(self) -> None:
        """End what is being written on the screen; `write_again` goes on."""
        if self._shown is None and self._ahead.draft is not None:
            self._awaited = None
            self._ahead.hold()
            self._look_ahead()

    def write_again(self) -> None:
        """Both responses anew: of what is shown, of what is being written, or after a stop."""
        shown, draft = self._shown, self._ahead.draft
        if self._ledger.busy:
            return
        if shown is not None:
            self._shown = None
            self._store.submit(
                lambda project: desk.replace(project, shown.id), lambda _: None, self._on_failed
            )
            self._await(shown.prompt)
        elif draft is not None:
            self._await(draft.prompt)
        else:
            self._ahead.go_on()
        self._changed()

    def add_prompt(
        self, text: str, system: str = "", answered: Callable[[str], None] = lambda _problem: None
    ) -> None:
        """Keep a prompt of the person's own and write for it next. `answered`: "" or why it was refused."""

        def added(prompt: Prompt) -> None:
            answered("")
            self._say("Your prompt comes next.")
            self._ahead.put_first(prompt)

        self._store.submit(
            lambda project: desk.add_prompt(project, text.strip(), system.strip()),
            added,
            lambda error: answered(str(error)),
        )

    def set_sampling(self, sampling: SamplingConfig) -> None:
        """For what is written from now on."""
        if sampling == self._sampling:
            return
        self._sampling = sampling
        self._ahead.set_sampling(sampling)
        self._store.submit(
            lambda project: desk.keep_sampling(project, sampling),
            lambda _: self._say("New sampling settings for what is written next."),
            self._on_side_failed,
        )
        self._changed()

    # --- which model writes -----------------------------------------------------------------------------

    def set_policy(self, policy: str) -> None:
        """Another model writes from now on; what waits by others leaves the queue."""
        if policy == self._policy and not (self._models.problem or self._models.fetching):
            return
        self._policy, self._next, self._awaited = policy, None, None
        self._looking += 1  # an answer that is under way may still hold what the old one wrote
        turn = self._looking
        self._store.submit(
            lambda project: desk.change_policy(project, policy),
            lambda _retired: self._look_ahead() if turn == self._looking else None,
            self._on_failed,
        )
        for listener in self._policy_listeners:
            listener(policy)
        self._ahead.stand_by()
        self._models.want(policy)
        self._changed()

    def use_model(self, reference: str) -> None:
        """Try a model (a folder, a hub id, the starter); it becomes the policy only if it can write."""

        def fails(sentence: str) -> None:
            if sentence:
                self._problem = Problem(sentence=sentence, can_retry=False)
            self._changed()

        self._problem = None
        self._models.try_out(reference, self.set_policy, fails)

    def cancel_fetching(self) -> None:
        """End the fetching, or the trial of a model; what was downloaded is kept."""
        self._models.cancel()

    # --- what the store and the engine answer -----------------------------------------------------------

    def _on_begun(self, beginning: desk.Beginning) -> None:
        self._begun = True
        self._sampling = beginning.sampling
        self._take(beginning.outlook)
        if not self._policy:
            self._policy = beginning.policy
            for listener in self._policy_listeners:
                listener(self._policy)
        self._show_next()
        self._models.want(self._policy)

    def _on_model_there(self) -> None:
        if self._begun:
            self._ahead.begin(self._policy, self._sampling, self._waiting)
        self._changed()

    def _on_written(self, comparison: Comparison) -> None:
        awaited = self._awaited is not None and self._awaited.id == comparison.prompt.id
        if awaited or (self._shown is None and not self._ledger.busy):
            self._awaited = None
            self._show(comparison)
        else:
            self._look_ahead()

    def _on_writing_changed(self) -> None:
        if self._ahead.trouble is not None:
            self._awaited = None
        if self._shown is None and not self._ledger.busy and self._ahead.draft is None and self._skipped:
            # Nothing else will come: what was skipped for later is due now.
            self._skipped.clear()
            self._look_ahead()
        self._changed()

    def _on_saved(self, verdict: Verdict) -> None:
        self._failure = ""
        if self._ahead.held:
            self._ahead.go_on()
        if verdict.choice == "skip":
            self._skipped.add(verdict.comparison_id)
        self._notice = Notice(
            number=next(self._notices),
            text="Skipped for later" if verdict.choice == "skip" else "Saved",
            kind="saved",
            choice=verdict.choice,
        )
        self._show_next()

    def _on_undone(self, undone: tuple[Verdict, Comparison] | None) -> None:
        if undone is None:
            self._say("There is nothing to undo.")
            return
        _verdict, comparison = undone
        self._skipped.discard(comparison.id)
        self._awaited = None
        self._say("Verdict undone")
        self._show(comparison)

    def _on_redone(self, verdict: Verdict | None) -> None:
        if verdict is None:
            self._say("There is nothing to redo.")
            return
        self._say("Verdict given again")
        if self._shown is not None and self._shown.id == verdict.comparison_id:
            self._show_next()
        else:
            self._look_ahead()

    def _on_failed(self, error: StoreError) -> None:
        self._failure = str(error)
        self._changed()

    def _on_side_failed(self, error: StoreError) -> None:
        self._problem = Problem(sentence=str(error), can_retry=False)
        self._changed()

    # --- what is on the screen --------------------------------------------------------------------------

    def _await(self, prompt: Prompt) -> None:
        """Nothing else comes on the screen before this prompt's responses are written."""
        self._awaited = prompt
        self._ahead.write_now(prompt)

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
        busy = self._ledger.busy or self._awaited is not None
        if self._shown is None and self._next is not None and not busy:
            self._show_next()
        self._changed()

    def _take(self, outlook: desk.Outlook) -> None:
        self._next, self._waiting, self._counts = outlook.next, outlook.waiting, outlook.counts

    def _phase(self) -> Phase:
        if self._shown is not None:
            return "saving" if self._ledger.busy else "ready"
        return phase_while_nothing_is_shown(
            begun=self._begun, failure=self._failure, models=self._models, ahead=self._ahead
        )

    def _say(self, text: str) -> None:
        self._notice = Notice(number=next(self._notices), text=text, kind="hint")
        self._changed()

    def _changed(self) -> None:
        for listener in list(self._listeners):
            listener()
