"""The Annotate page's logic, joined together: what is shown, and what a key means now. Qt-free.

Each topic has an object of its own; this one makes them, and tells the page what they come to.
"""

import random
import time
from collections.abc import Callable

from app.annotate import desk
from app.annotate.choices import Choices
from app.annotate.desk import Asking
from app.annotate.figures import Figures
from app.annotate.judging import Judging
from app.annotate.line import Line
from app.annotate.margins import Margins
from app.annotate.overview import Parts, state_of
from app.annotate.pace import Pace
from app.annotate.prompting import Prompting
from app.annotate.remarks import Remarks
from app.annotate.state import AnnotateState
from app.annotate.voice import Voice
from app.annotate.write_ahead import WriteAhead
from app.annotate.writers import Writers
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
        # Drawn from on the store's thread: two threads at one generator would not repeat.
        self._rng_of_store = random.Random(rng.random())  # noqa: S311
        self._store, self._history = store, history
        self._listeners: list[Callable[[], None]] = []
        self._begun = False
        self._failure = ""
        self._pace = Pace()
        self._voice = Voice(self._changed)
        self._line = Line(
            store=store,
            asking=Asking(annotator=annotator),
            clock=clock,
            rng=self._rng_of_store,
            may_show=lambda: not (self._judging.busy or self._choices.needs_annotator),
            looked=self._on_looked,
            changed=self._changed,
            failed=self._on_failed,
        )
        self._ahead = WriteAhead(
            engine=engine,
            store=store,
            rng=rng,
            stored=self._on_written,
            changed=self._on_writing_changed,
            someone_waits=lambda: self._line.shown is None,
            annotator=self._who,
            gave_up=lambda sentence: self._prompting.on_side_given_up(sentence),  # noqa: PLW0108 (made below)
            pace=self._pace,
            clock=clock,
        )
        self._writers = Writers(
            engine=engine,
            store=store,
            ahead=self._ahead,
            line=self._line,
            voice=self._voice,
            changed=self._on_chosen,
            failed=self._on_failed,
        )
        self._figures = Figures(reader=reader, annotator=self._who, changed=self._on_figures)
        self._remarks = Remarks(
            store=store, line=self._line, voice=self._voice, annotator=self._who, noted=self._on_noted
        )
        self._judging = Judging(
            store=store,
            history=history,
            line=self._line,
            ahead=self._ahead,
            figures=self._figures,
            remarks=self._remarks,
            pace=self._pace,
            voice=self._voice,
            annotator=self._who,
            clock=clock,
            changed=self._changed,
        )
        self._prompting = Prompting(
            store=store,
            history=history,
            line=self._line,
            ahead=self._ahead,
            writers=self._writers,
            judging=self._judging,
            voice=self._voice,
            annotator=self._who,
            changed=self._changed,
            failed=self._on_failed,
        )
        self._choices = Choices(
            store=store,
            reader=reader,
            history=history,
            line=self._line,
            voice=self._voice,
            sat_down=self._on_sat_down,
            changed=self._on_chosen,
        )
        self._margins = Margins(
            engine=engine,
            store=store,
            reader=reader,
            clock=clock,
            may_score=lambda: self._ahead.idle,
            scored=self._line.look_ahead,
        )
        self._parts = Parts(
            line=self._line,
            ahead=self._ahead,
            writers=self._writers,
            judging=self._judging,
            figures=self._figures,
            choices=self._choices,
            margins=self._margins,
            pace=self._pace,
            voice=self._voice,
            history=history,
        )
        self._stops = (engine.subscribe(self._on_any_event), history.watch(self._changed))
        self._bind()

    def _bind(self) -> None:
        judging, prompting, choices, writers = self._judging, self._prompting, self._choices, self._writers
        self.give, self.give_edited, self.edit_last = judging.give, judging.give_edited, judging.edit_last
        self.undo, self.redo, self.judge_again = judging.undo, judging.redo, judging.judge_again
        self.write_again, self.stop_writing = prompting.write_again, prompting.stop_writing
        self.add_prompt, self.continue_from_winner = prompting.add_prompt, prompting.continue_from_winner
        self.flag, self.set_comment, self.set_tags = (
            self._remarks.flag,
            self._remarks.comment,
            self._remarks.tag,
        )
        self.set_order, self.set_goal, self.set_overlap = (
            choices.set_order,
            choices.set_goal,
            choices.set_overlap,
        )
        self.set_repeats = choices.set_repeats
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
        who, rng = self._who(), self._rng_of_store
        self._store.submit(lambda project: desk.begin(project, who, rng), self._on_begun, self._on_failed)

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

    def _who(self) -> str:
        return self._line.asking.annotator

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
