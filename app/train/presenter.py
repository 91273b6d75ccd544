"""The Train page's logic: the run under way, the runs so far, and who writes the candidates. Qt-free.

One run trains at a time, and others may wait for it. Everything that takes time happens elsewhere (the
engine, the store's thread, a background thread) and comes back as a call on the presenters' thread; the page
reads `state`. What belongs to one topic is in its own part: `form`, `queue`, `runs`.
"""

from collections.abc import Callable, Mapping

from app.store import settings
from app.store.errors import StoreError
from app.store.records import Run
from app.store.training import runs as stored
from app.store.undo.journal import Done
from app.train.book import POLICY_SETTING, Book, config_of, load_book, recover, with_outcome
from app.train.conductor import CurveView, Hearer
from app.train.curves import Columns, columns_of, up_to
from app.train.form import Form
from app.train.lines import Lines
from app.train.runs.desk import RunsDesk
from app.train.setup.command import write_command
from app.train.starting_points import root_of
from app.train.state import RunLine, TrainState
from app.train.tools import Tools
from app.train.trainer import Trainer
from app.train.training import Outcome, Phase
from dpo_engine.catalogue import STARTER
from dpo_engine.events import EngineReady, Event
from dpo_engine.presets import PRESETS, matching
from dpo_engine.settings_file import known_settings

LAST_RUN = "last"
"""Beside the presets' keys: what the newest run was trained with."""


class TrainPresenter:
    """Call `open` once when the app starts, `refresh` whenever the page comes into view."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._listeners: list[Callable[[], None]] = []
        self._policy_listeners: list[Callable[[str], None]] = []
        self._end_listeners: list[Callable[[Run, Outcome], None]] = []
        self._book: Book | None = None
        self._policy = STARTER.name
        self._selected: int | None = None
        self._problem = ""
        self._on_battery = False
        self.form = Form(
            background=tools.background, changed=self._changed, reload=self.refresh, failed=self._fail
        )
        self.runs = RunsDesk(tools, changed=self._changed, reload=self.refresh)
        self._trainer = Trainer(
            tools,
            changed=self._changed,
            reload=self.refresh,
            began=self._on_began,
            ended=self._on_ended,
            failed=self._fail,
            said=self.runs.say,
        )
        self.queue = self._trainer.queue
        self._conductor = self._trainer.conductor
        self._lines = Lines()
        self._stop_listening = tools.history.listen(self._on_undone)
        self._stop_hearing = tools.engine.subscribe(self._on_engine_event)

    # --- what the page reads --------------------------------------------------------------------------

    @property
    def state(self) -> TrainState:
        progress = self._conductor.progress
        if self._book is None:
            return TrainState(problem=self._problem, progress=progress)
        return self._lines.state(
            book=self._book,
            policy=self._policy,
            form=self.form,
            desk=self.runs.state,
            queue=self.queue.state,
            preparing=self._trainer.preparing,
            progress=progress,
            selected=self._selected,
            on_battery=self._on_battery,
            problem=self._problem,
        )

    @property
    def phase(self) -> Phase | None:
        """Of the run under way; None while nothing trains."""
        progress = self._conductor.progress
        return progress.phase if progress else None

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change of `state`; call the result to stop."""
        return _listening(self._listeners, listener)

    def listen_to_policy(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with the model reference once it was made the one that writes candidates."""
        return _listening(self._policy_listeners, listener)

    def listen_to_ends(self, listener: Callable[[Run, Outcome], None]) -> Callable[[], None]:
        """Call `listener` with each run that ends, and how; call the result to stop."""
        return _listening(self._end_listeners, listener)

    def draw_on(self, view: CurveView) -> Callable[[], None]:
        """Let `view` have the curves, of the selected run at once; call the result to stop."""
        stop = self._conductor.draw_on(view)
        view.show_run(self._selected)
        for run_id in (*self.runs.state.compared, self._selected):
            if run_id is not None:
                self._load_curves(run_id, (view,))
        return stop

    def hear(self, hearer: Hearer) -> Callable[[], None]:
        """Let `hearer` have each event of the run that trains; call the result to stop."""
        return self._conductor.hear(hearer)

    # --- reading the project --------------------------------------------------------------------------

    def open(self) -> None:
        """The app starts: runs that were under way become interrupted, with all that they did."""
        self.tools.store.submit(recover, self._on_opened, self._on_store_failed)

    def refresh(self) -> None:
        """Count the verdicts and list the runs again."""
        if self._book is not None:
            selection = self.form.selection
            self.tools.store.submit(
                lambda project: load_book(project, selection), self._on_book_loaded, self._on_store_failed
            )
            self.tools.background.submit(self.tools.on_battery, self._on_power, lambda _error: None)

    def close(self) -> None:
        self._stop_listening()
        self._stop_hearing()

    # --- settings -------------------------------------------------------------------------------------

    def use_preset(self, key: str) -> None:
        """Fill the form with ready-made settings, or (`LAST_RUN`) with those of the newest run."""
        if self._book is None:
            return
        if key == LAST_RUN:
            newest = next(iter(self._book.runs), None)
            if newest is not None:
                self.form.change(known_settings(newest.config))
            return
        preset = next(one for one in PRESETS if one.key == key)
        self.form.use(preset.make(self.form.config.method, self._book.ingredients.train))

    def write_command(self, done: Callable[[str], None]) -> None:
        """Call `done` with the command line that does what Start would do now."""
        state = self.state
        write_command(
            store=self.tools.store,
            background=self.tools.background,
            policy=state.start_from,
            selection=self.form.selection,
            config=state.config,
            done=done,
            failed=self._fail,
        )

    # --- training -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make a run of the verdicts as they are now and train it, after the one that trains if there is one.
        Does nothing unless `can_start`."""
        state = self.state
        if state.can_start:
            self._trainer.make(state.start_from, state.config, self.form.selection)

    def start_again(self, run_id: int, changes: Mapping[str, object]) -> None:
        """Make a run of the same pairs and the same model as `run_id`, with some settings changed, and train
        it as `start` does. Settings that are none are a sentence and start nothing."""
        if run := self._run(run_id):
            self._trainer.make_again(run, changes)

    def keep_step(self, run_id: int, step: int) -> None:
        """Make the checkpoint of a step the run's policy; a run that trains is ended first."""
        if run := self._run(run_id):
            self._trainer.keep_step(run, step)

    def resume_run(self, run_id: int) -> None:
        """Go on with a run that was interrupted, failed or stopped, from its last checkpoint; while another
        one trains it waits for its turn."""
        line = self._line(run_id)
        if line is not None and line.can_resume and not self._trainer.preparing:
            self._trainer.resume(line.run)

    def pause(self) -> None:
        """Hold after the present step; the engine still writes candidates and scores."""
        self._conductor.pause()
        self._changed()

    def go_on(self) -> None:
        """After a pause (asked for or in force)."""
        self._conductor.go_on()
        self._changed()

    def stop_and_keep(self) -> None:
        """End after the present step; what the policy has become is the run's result."""
        self._conductor.stop_and_keep()
        self._changed()

    def cancel(self) -> None:
        """End without a result; the run stays, and can be resumed from its last checkpoint."""
        self._conductor.cancel()
        self._changed()

    # --- runs -----------------------------------------------------------------------------------------

    def select(self, run_id: int | None) -> None:
        """Show the curves of a run."""
        if run_id != self._selected:
            self._selected = run_id
            for view in self._conductor.views:
                view.show_run(run_id)
            drawn = self.runs.state.seeds_of(run_id) if self.runs.state.band else ()
            for other in dict.fromkeys((*drawn, *([] if run_id is None else [run_id]))):
                self._load_curves(other)
            self._changed()

    def compare(self, run_id: int, wanted: bool) -> None:
        """Draw a run's curves beside those of the selected one, or no longer."""
        if wanted:
            self._load_curves(run_id)
        self.runs.compare(run_id, wanted)

    def show_band(self, wanted: bool) -> None:
        """Draw the runs that are the selected one with other seeds, and itself, as one band."""
        if wanted:
            for run_id in self.runs.state.seeds_of(self._selected):
                self._load_curves(run_id)
        self.runs.show_band(wanted)

    def use_policy(self, run_id: int) -> None:
        """Let the run's policy write the next candidates."""
        line = self._line(run_id)
        if line is not None and line.can_use:
            self._use(line.run.folder)

    def use_untrained(self) -> None:
        """Let the model below all training write the next candidates again."""
        if self._book is not None:
            self._use(root_of(self._policy, self._book.runs))

    def delete_run(self, run_id: int) -> None:
        """Put a run into the trash, unless it trains or writes the candidates now."""
        line = self._line(run_id)
        if line is None:
            return
        if line.in_use:
            self.runs.say(
                f"{line.run.name} writes the candidates now. Choose another policy first.", problem=True
            )
        elif line.can_delete:
            self.runs.delete(run_id)

    def dismiss_problem(self) -> None:
        self._problem = ""
        self._changed()

    # --- inside: answers ------------------------------------------------------------------------------

    def _on_opened(self, book: Book) -> None:
        self.form.config = config_of(book)
        self._take(book)
        self.queue.held = bool(self.queue.state.waiting)
        if self._selected is None and book.runs:
            self.select(book.runs[0].id)
        self._changed()

    def _on_book_loaded(self, book: Book) -> None:
        self._follow_recommendation(book)
        self._take(book)
        self._trainer.start_next()
        self._changed()

    def _follow_recommendation(self, book: Book) -> None:
        """With more pairs other settings are recommended; who has not changed any goes along."""
        before = self._book.ingredients.train if self._book is not None else 0
        config, now = self.form.config, book.ingredients.train
        preset = matching(config, before) if now != before and not self.form.problem else None
        if preset is not None and preset.key == "recommended":
            self.form.use(preset.make(config.method, now))

    def _take(self, book: Book) -> None:
        self._book, self._policy = book, book.policy
        self.queue.take(book.runs)
        self.runs.take(book.runs, book.deleted)
        if self._selected is not None and self._run(self._selected) is None:
            self.select(book.runs[0].id if book.runs else None)

    def _on_engine_event(self, event: Event) -> None:
        if isinstance(event, EngineReady):
            self.form.device = event.device
            self._changed()

    def _on_store_failed(self, error: StoreError) -> None:
        self._fail(str(error))

    def _on_power(self, on_battery: bool) -> None:
        if on_battery != self._on_battery:
            self._on_battery = on_battery
            self._changed()

    def _on_undone(self, _done: Done) -> None:
        self.refresh()

    def _on_policy_set(self, reference: str) -> None:
        self._policy, self.form.start_from = reference, None
        for listener in list(self._policy_listeners):
            listener(reference)
        self.refresh()
        self._changed()

    def _on_curves_loaded(
        self, run: Run, columns: Columns, had_begun: bool, views: tuple[CurveView, ...]
    ) -> None:
        if self._conductor.has_begun(run.id) and not had_begun:
            # Read before the run went back to its checkpoint: what came after that is no part of it now.
            columns = up_to(columns, self._conductor.first_step)
        for view in views:
            view.curves_loaded(run.id, columns, run.total_steps)

    def _on_began(self, run: Run) -> None:
        self.select(run.id)
        self.refresh()
        self._changed()

    def _on_ended(self, run_id: int, outcome: Outcome) -> None:
        if self._book is not None:
            # As the project file will say in a moment, so that the list never says anything else.
            self._book = with_outcome(self._book, run_id, outcome)
        if outcome.status == "failed":
            self._problem = outcome.message
        run = self._run(run_id)
        if run is not None:
            self.runs.measure_again(run)
            for listener in list(self._end_listeners):
                listener(run, outcome)
        self.refresh()

    # --- inside: small things -------------------------------------------------------------------------

    def _use(self, reference: str) -> None:
        self.tools.store.submit(
            lambda project: settings.set_setting(project, POLICY_SETTING, reference),
            lambda _: self._on_policy_set(reference),
            self._on_store_failed,
        )

    def _load_curves(self, run_id: int, views: tuple[CurveView, ...] | None = None) -> None:
        to = self._conductor.views if views is None else views
        if not to:
            return
        had_begun = self._conductor.has_begun(run_id)
        self.tools.store.submit(
            lambda project: (columns_of(stored.metrics(project, run_id)), stored.get_run(project, run_id)),
            lambda found: self._on_curves_loaded(found[1], found[0], had_begun, to),
            self._on_store_failed,
        )

    def _run(self, run_id: int) -> Run | None:
        runs = self._book.runs if self._book is not None else ()
        return next((run for run in runs if run.id == run_id), None)

    def _line(self, run_id: int) -> RunLine | None:
        return next((line for line in self.state.runs if line.run.id == run_id), None)

    def _fail(self, sentence: str) -> None:
        self._problem = sentence
        self._changed()

    def _changed(self) -> None:
        for listener in list(self._listeners):
            listener()


def _listening(listeners: list[Callable[..., None]], listener: Callable[..., None]) -> Callable[[], None]:
    listeners.append(listener)
    return lambda: listeners.remove(listener) if listener in listeners else None
