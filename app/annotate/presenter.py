"""The Annotate page's logic, joined together: what is shown, and what a key means now. Qt-free.

Each topic has an object of its own; this one hears of all, and tells the page what they come to.
"""

import random
import time
from collections.abc import Callable

from app.annotate import desk
from app.annotate.assembly import Means, Parts, Told
from app.annotate.overview import state_of
from app.annotate.state import AnnotateState
from app.engine_host.protocol import Engine
from app.history import History
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.records import Comparison
from dpo_engine.events import DeviceMemory, Event


class AnnotatePresenter:
    """Listeners hear that `state` is another one; the page reads it and calls the methods below.

    What one topic does alone is that object's own method (`give` is `Judging.give`).
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        reader: StoreAccess,
        history: History,
        annotator: str,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reader` is for what takes longer than a verdict may; `rng` draws sides and seeds; `clock` counts
        seconds from any start."""
        rng = rng or random.Random()  # noqa: S311 (sides and seeds, no secrets)
        means = Means(
            engine=engine,
            store=store,
            reader=reader,
            history=history,
            clock=clock,
            rng=rng,
            rng_of_store=random.Random(rng.random()),  # noqa: S311
        )
        self._means = means
        self._listeners: list[Callable[[], None]] = []
        self._begun = False
        self._failure = ""
        parts = self._parts = Parts(means, self._told(), annotator)
        self._line, self._ahead, self._writers = parts.line, parts.ahead, parts.writers
        self._judging, self._figures, self._choices = parts.judging, parts.figures, parts.choices
        self._margins, self._pace, self._voice = parts.margins, parts.pace, parts.voice
        self._history = history
        self._stops = (engine.subscribe(self._on_any_event), history.watch(self._changed))
        self._bind(parts)

    def _told(self) -> Told:
        return Told(
            changed=self._changed,
            failed=self._on_failed,
            looked=self._on_looked,
            written=self._on_written,
            writing_changed=self._on_writing_changed,
            chosen=self._on_chosen,
            sat_down=self._on_sat_down,
            noted=self._on_noted,
            counted=self._on_figures,
        )

    def _bind(self, parts: Parts) -> None:
        judging, prompting, remarks = parts.judging, parts.prompting, parts.remarks
        choices, writers = parts.choices, parts.writers
        self.give, self.give_edited, self.edit_last = judging.give, judging.give_edited, judging.edit_last
        self.undo, self.redo, self.judge_again = judging.undo, judging.redo, judging.judge_again
        self.write_again, self.stop_writing = prompting.write_again, prompting.stop_writing
        self.add_prompt, self.continue_from_winner = prompting.add_prompt, prompting.continue_from_winner
        self.flag, self.set_comment, self.set_tags = remarks.flag, remarks.comment, remarks.tag
        self.set_order, self.set_goal = choices.set_order, choices.set_goal
        self.set_overlap, self.set_repeats = choices.set_overlap, choices.set_repeats
        self.set_annotator, self.add_annotator = choices.set_annotator, choices.add_annotator
        self.set_policy, self.use_model = writers.set_policy, writers.use_model
        self.set_sampling, self.set_opponent = writers.set_sampling, writers.set_opponent
        self.when_policy_changes, self.cancel_fetching = writers.listen, writers.models.cancel

    # --- for the page and the shell ---------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Hear that `state` is another one; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def start(self) -> None:
        """Go on where the project was left."""
        who, rng = self._parts.who(), self._means.rng_of_store
        self._means.store.submit(
            lambda project: desk.begin(project, who, rng), self._on_begun, self._on_failed
        )

    def refresh(self) -> None:
        """Look again at the project: another page may have changed it."""
        if self._begun:
            self._judging.look_again()
            self._figures.look()
            self._choices.look()

    def close(self) -> None:
        """Write no more; what is half written is dropped."""
        for stop in self._stops:
            stop()
        self._judging.close()
        self._margins.close()
        self._ahead.stand_by()
        self._writers.models.cancel()
        self._listeners.clear()

    def try_again(self) -> None:
        """After a problem: save, open, fetch or write again, whichever it was."""
        if self._voice.try_again():
            return
        self._failure = ""
        self._voice.hush()
        if not self._begun:
            self.start()
        else:
            self._writers.try_again()
            self._line.look_ahead()
        self._changed()

    def dismiss_problem(self) -> None:
        self._voice.hush()
        self._changed()

    @property
    def state(self) -> AnnotateState:
        return state_of(self._parts, begun=self._begun, failure=self._failure)

    # --- what the others tell ---------------------------------------------------------------------------

    def _on_begun(self, beginning: desk.Beginning) -> None:
        self._begun = True
        self._choices.begin(beginning)
        self._line.begin(beginning.asking, beginning.outlook)
        if not self._choices.needs_annotator:
            self._line.show_next()
        self._writers.begin(beginning.policy, beginning.sampling, beginning.opponent)
        self._history.refresh()
        self._figures.look()

    def _on_looked(self, waiting: int) -> None:
        self._ahead.set_waiting(waiting)
        self._margins.news()

    def _on_written(self, comparison: Comparison) -> None:
        self._line.written(comparison)
        self._history.refresh()  # one side written again is an act

    def _on_writing_changed(self) -> None:
        if self._ahead.trouble is not None:
            self._line.wait_no_more()
        if self._ahead.draft is None and not self._judging.busy:
            self._line.return_skipped()
        self._margins.go_on()
        self._changed()

    def _on_sat_down(self) -> None:
        self._judging.last = None
        self._pace.somebody_else()
        self._figures.somebody_else()

    def _on_chosen(self) -> None:
        """Who writes, or in which order it is asked, may be another."""
        by_margin = self._line.asking.order == "margin"
        self._margins.want(self._writers.policy if by_margin else "")
        self._changed()

    def _on_noted(self) -> None:
        self._history.refresh()
        self._choices.look()

    def _on_figures(self) -> None:
        meter = self._figures.meter
        if meter is not None:
            self._pace.expect(meter.median_seconds, meter.verdicts)
        self._changed()

    def _on_any_event(self, event: Event) -> None:
        if isinstance(event, DeviceMemory):
            self._pace.memory(event.used, event.total)

    def _on_failed(self, error: StoreError) -> None:
        self._failure = str(error)
        self._changed()

    def _changed(self) -> None:
        for listener in list(self._listeners):
            listener()
