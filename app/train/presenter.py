"""The Train page's logic: what to train on, from which model and how; the run under way; the runs so far.

Qt-free. One run trains at a time. Everything that takes time happens elsewhere (the engine, the store's
thread, a background thread) and comes back as a call on the presenters' thread; the page reads `state`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from app.engine_host.protocol import Engine
from app.store import settings
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.records import PairSelection, Run
from app.store.training import runs
from app.train.background import Background
from app.train.book import POLICY_SETTING, Book, config_of, load_book, recover, with_outcome
from app.train.conductor import Conductor, CurveView
from app.train.curves import Columns, columns_of, up_to
from app.train.ingredients import advice, obstacle, plan
from app.train.metric_log import CallLater, Clock
from app.train.preparation import Preparation
from app.train.starting_points import checked_model_folder, root_of, starting_points, title_of
from app.train.state import RunLine, TrainState
from app.train.training import Outcome
from dpo_engine.catalogue import STARTER
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.recommendations import recommended_learning_rate


class TrainPresenter:
    """Call `open` once when the app starts, `refresh` whenever the page comes into view."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        background: Background,
        clock: Clock,
        call_later: CallLater,
    ) -> None:
        self._store, self._background = store, background
        self._listeners: list[Callable[[], None]] = []
        self._policy_listeners: list[Callable[[str], None]] = []
        self._book: Book | None = None
        self._policy = STARTER.name
        self._start_from: str | None = None
        self._selection: PairSelection = "all"
        self._folders: list[str] = []
        self._config = TrainConfig()
        self._form_problem = ""
        self._preparing = False
        self._selected: int | None = None
        self._problem = ""
        self._conductor = Conductor(
            engine=engine,
            store=store,
            clock=clock,
            call_later=call_later,
            changed=self._changed,
            began=self.refresh,
            ended=self._on_ended,
            failed=self._on_store_failed,
        )

    # --- what the page reads --------------------------------------------------------------------------

    @property
    def state(self) -> TrainState:
        book = self._book
        progress = self._conductor.progress
        if book is None:
            return TrainState(problem=self._problem, progress=progress)
        root = root_of(self._policy, book.runs)
        points = starting_points(self._policy, book.runs, self._folders)
        return TrainState(
            loading=False,
            ingredients=book.ingredients,
            written_by=tuple((title_of(model, book.runs), n) for model, n in book.ingredients.policies),
            obstacle=obstacle(book.ingredients) or self._form_problem,
            advice=advice(book.ingredients),
            plan=plan(book.ingredients, self._config),
            starting_points=points,
            start_from=self._start_from or self._policy,
            config=self._config,
            recommended_rate=recommended_learning_rate(self._config.method, book.ingredients.train),
            preparing=self._preparing,
            progress=progress,
            runs=tuple(self._line(run, book) for run in book.runs),
            selected=self._selected,
            policy_title=title_of(self._policy, book.runs),
            back_to=next(iter(starting_points(root, book.runs)), None) if root != self._policy else None,
            problem=self._problem,
        )

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change of `state`; call the result to stop."""
        return _listening(self._listeners, listener)

    def listen_to_policy(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with the model reference once it was made the one that writes candidates."""
        return _listening(self._policy_listeners, listener)

    def draw_on(self, view: CurveView) -> None:
        """Let `view` have the curves; it hears at once which run is selected."""
        self._conductor.curve_view = view
        view.show_run(self._selected)
        if self._selected is not None:
            self._load_curves(self._selected)

    # --- reading the project --------------------------------------------------------------------------

    def open(self) -> None:
        """The app starts: runs that were under way become interrupted, with all that they did."""
        self._store.submit(recover, self._on_opened, self._on_store_failed)

    def refresh(self) -> None:
        """Count the verdicts and list the runs again."""
        if self._book is not None:
            selection = self._selection
            self._store.submit(
                lambda project: load_book(project, selection), self._on_book_loaded, self._on_store_failed
            )

    # --- the form -------------------------------------------------------------------------------------

    def choose_pairs(self, selection: PairSelection) -> None:
        """Which preferences the next run trains on."""
        self._selection = selection
        self.refresh()

    def choose_start(self, reference: str) -> None:
        self._start_from = reference
        self._changed()

    def choose_folder(self, folder: str) -> None:
        """Start from a model folder on this disk; one that is none is a sentence and changes nothing."""
        self._background.submit(
            lambda: checked_model_folder(Path(folder)), self._on_folder_checked, self._on_folder_refused
        )

    def configure(self, values: Mapping[str, object]) -> None:
        """Take over settings from the form. A wrong value is a sentence in `obstacle`, and no run starts."""
        try:
            self._config = TrainConfig(**dict(values))  # type: ignore[arg-type]  # checked by the dataclass
            self._form_problem = ""
        except (BadInput, TypeError) as error:
            self._form_problem = str(error)
        self._changed()

    def refuse_form(self, problem: str) -> None:
        """A field holds what is no value at all; `problem` says which."""
        self._form_problem = problem
        self._changed()

    def dismiss_problem(self) -> None:
        self._problem = ""
        self._changed()

    # --- training -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make a run of the verdicts as they are now and train it. Does nothing unless `can_start`."""
        state = self.state
        if not state.can_start:
            return
        self._preparing, self._problem = True, ""
        Preparation(
            store=self._store,
            background=self._background,
            policy=state.start_from,
            selection=self._selection,
            config=self._config,
            done=self._on_prepared,
            failed=self._on_preparation_failed,
        ).begin()
        self._changed()

    def resume_run(self, run_id: int) -> None:
        """Go on with a run that was interrupted, failed or stopped, from its last checkpoint."""
        line = next((line for line in self.state.runs if line.run.id == run_id), None)
        if line is not None and line.can_resume and not (self._conductor.progress or self._preparing):
            self._problem = ""
            self._begin(line.run, resume=True)

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
            if self._conductor.curve_view:
                self._conductor.curve_view.show_run(run_id)
            if run_id is not None:
                self._load_curves(run_id)
            self._changed()

    def use_policy(self, run_id: int) -> None:
        """Let the run's policy write the next candidates."""
        line = next((line for line in self.state.runs if line.run.id == run_id), None)
        if line is not None and line.can_use:
            self._use(line.run.folder)

    def use_untrained(self) -> None:
        """Let the model below all training write the next candidates again."""
        if self._book is not None:
            self._use(root_of(self._policy, self._book.runs))

    # --- inside: answers ------------------------------------------------------------------------------

    def _on_opened(self, book: Book) -> None:
        self._config = config_of(book)
        self._take(book)
        if self._selected is None and book.runs:
            self.select(book.runs[0].id)
        self._changed()

    def _on_book_loaded(self, book: Book) -> None:
        self._take(book)
        self._changed()

    def _take(self, book: Book) -> None:
        self._book, self._policy = book, book.policy

    def _on_store_failed(self, error: StoreError) -> None:
        self._fail(str(error))

    def _on_folder_checked(self, reference: str) -> None:
        if reference not in self._folders:
            self._folders.append(reference)
        self._problem = ""
        self.choose_start(reference)

    def _on_folder_refused(self, error: Exception) -> None:
        self._fail(str(error))

    def _on_prepared(self, run: Run) -> None:
        self._preparing = False
        self._begin(run, resume=False)

    def _on_preparation_failed(self, sentence: str) -> None:
        self._preparing = False
        self._fail(sentence)

    def _on_policy_set(self, reference: str) -> None:
        self._policy, self._start_from = reference, None
        for listener in list(self._policy_listeners):
            listener(reference)
        self.refresh()
        self._changed()

    def _on_curves_loaded(self, run: Run, columns: Columns, had_begun: bool) -> None:
        view = self._conductor.curve_view
        if view is None:
            return
        if self._conductor.has_begun(run.id) and not had_begun:
            # Read before the run went back to its checkpoint: what came after that is no part of it now.
            columns = up_to(columns, self._conductor.first_step)
        view.curves_loaded(run.id, columns, run.total_steps)

    def _on_ended(self, run_id: int, outcome: Outcome) -> None:
        if self._book is not None:
            # As the project file will say in a moment, so that the list never says anything else.
            self._book = with_outcome(self._book, run_id, outcome)
        if outcome.status == "failed":
            self._problem = outcome.message
        self.refresh()

    # --- inside: small things -------------------------------------------------------------------------

    def _use(self, reference: str) -> None:
        self._store.submit(
            lambda project: settings.set_setting(project, POLICY_SETTING, reference),
            lambda _: self._on_policy_set(reference),
            self._on_store_failed,
        )

    def _begin(self, run: Run, *, resume: bool) -> None:
        self.select(run.id)
        self._conductor.begin(run, resume=resume)
        self.refresh()
        self._changed()

    def _load_curves(self, run_id: int) -> None:
        if self._conductor.curve_view is None:
            return
        had_begun = self._conductor.has_begun(run_id)
        self._store.submit(
            lambda project: (columns_of(runs.metrics(project, run_id)), runs.get_run(project, run_id)),
            lambda found: self._on_curves_loaded(found[1], found[0], had_begun),
            self._on_store_failed,
        )

    def _line(self, run: Run, book: Book) -> RunLine:
        progress = self._conductor.progress
        own = progress if progress and progress.run.id == run.id else None
        if own:
            run = replace(run, step=own.step, total_steps=own.total_steps)
        margin = own.margin if own and own.margin is not None else book.margins.get(run.id)
        return RunLine(
            run=run, margin=margin, phase=own.phase if own else None, in_use=run.folder == self._policy
        )

    def _fail(self, sentence: str) -> None:
        self._problem = sentence
        self._changed()

    def _changed(self) -> None:
        for listener in list(self._listeners):
            listener()


def _listening(listeners: list[Callable[..., None]], listener: Callable[..., None]) -> Callable[[], None]:
    listeners.append(listener)
    return lambda: listeners.remove(listener) if listener in listeners else None
