"""The Train page's logic: what to train on, from which model, how; the run under way; the runs so far. Qt-free.

One run trains at a time. Everything that takes time happens elsewhere (the engine, the store's thread, a
background thread) and comes back as a call on the presenters' thread; the page reads `state` and draws.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import uuid4

from app.engine_host.protocol import Engine
from app.store import runs, settings
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import MetricRow, Run, RunStatus
from app.train.background import Background
from app.train.book import POLICY_SETTING, Book, load_book, recover
from app.train.curves import Columns, columns_of
from app.train.ingredients import Ingredients, advice, obstacle
from app.train.metric_log import CallLater, Clock, MetricLog
from app.train.preparation import Preparation
from app.train.starting_points import (
    WITH_POLICY,
    StartingPoint,
    checked_model_folder,
    root_of,
    starting_points,
    title_of,
)
from app.train.training import Outcome, Phase, Training, TrainingProgress
from dpo_engine import events as told
from dpo_engine import requests as ask
from dpo_engine.catalogue import STARTER
from dpo_engine.config import TrainConfig, recommended_learning_rate
from dpo_engine.errors import BadInput
from dpo_engine.events import Event

T = TypeVar("T")

RESUMABLE: tuple[RunStatus, ...] = ("created", "interrupted", "failed", "stopped")


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run as the list shows it."""

    run: Run
    margin: float | None
    phase: Phase | None
    """Of the run under way; None for all others."""
    in_use: bool
    """It writes the next candidates."""

    @property
    def can_use(self) -> bool:
        return self.phase is None and self.run.status in WITH_POLICY and not self.in_use

    @property
    def can_resume(self) -> bool:
        return self.phase is None and self.run.status in RESUMABLE


@dataclass(frozen=True, kw_only=True)
class TrainState:
    """Everything the page shows besides the curves."""

    loading: bool = True
    ingredients: Ingredients = Ingredients(preferences=0, held_out=0)
    written_by: tuple[tuple[str, int], ...] = ()
    """Title of a policy and how many of the preferences it wrote."""
    obstacle: str = ""
    """Why no run can start, as a sentence; empty when one can."""
    advice: str = ""
    starting_points: tuple[StartingPoint, ...] = ()
    start_from: str = STARTER.name
    config: TrainConfig = TrainConfig()
    recommended_rate: float = 0.0
    preparing: bool = False
    progress: TrainingProgress | None = None
    runs: tuple[RunLine, ...] = ()
    selected: int | None = None
    policy_title: str = ""
    """Who writes the next candidates."""
    back_to: StartingPoint | None = None
    """The untrained model below the present policy, when that is another one."""
    problem: str = ""
    """What did not work a moment ago, as a sentence."""

    @property
    def can_start(self) -> bool:
        return not (self.loading or self.obstacle or self.preparing or self.progress)

    @property
    def selected_line(self) -> RunLine | None:
        return next((line for line in self.runs if line.run.id == self.selected), None)


class CurveView(Protocol):
    """Who draws the curves. Each call names the run, as the one that trains need not be the one shown."""

    def show_run(self, run_id: int | None) -> None: ...

    def curves_loaded(self, run_id: int, columns: Columns, planned_steps: int) -> None: ...

    def points_added(self, run_id: int, step: int, metrics: Mapping[str, float], planned_steps: int) -> None: ...

    def curves_cut(self, run_id: int, after_step: int) -> None: ...


class TrainPresenter:
    """Call `open` once when the app starts, `refresh` whenever the page comes into view."""

    def __init__(
        self, *, engine: Engine, store: StoreAccess, background: Background, clock: Clock, call_later: CallLater
    ) -> None:
        self._engine, self._store, self._background = engine, store, background
        self._clock, self._call_later = clock, call_later
        self._listeners: list[Callable[[], None]] = []
        self._policy_listeners: list[Callable[[str], None]] = []
        self._curve_view: CurveView | None = None
        self._book: Book | None = None
        self._policy = STARTER.name
        self._start_from: str | None = None
        self._folders: list[str] = []
        self._config = TrainConfig()
        self._form_problem = ""
        self._preparing = False
        self._training: Training | None = None
        self._log: MetricLog | None = None
        self._selected: int | None = None
        self._problem = ""

    # --- what the page reads --------------------------------------------------------------------------

    @property
    def state(self) -> TrainState:
        book = self._book
        progress = self._training.progress if self._training else None
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
        self._curve_view = view
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
            self._store.submit(load_book, self._on_book_loaded, self._on_store_failed)

    # --- the form -------------------------------------------------------------------------------------

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
            config=self._config,
            done=self._on_prepared,
            failed=self._on_preparation_failed,
        ).begin()
        self._changed()

    def resume_run(self, run_id: int) -> None:
        """Go on with a run that was interrupted, failed or stopped, from its last checkpoint."""
        line = next((line for line in self.state.runs if line.run.id == run_id), None)
        if line is not None and line.can_resume and not (self._training or self._preparing):
            self._problem = ""
            self._begin(line.run, resume=True)

    def pause(self) -> None:
        self._control("training", "pausing", ask.Pause)

    def go_on(self) -> None:
        """After a pause (asked for or in force)."""
        if self._training and self._training.progress.phase in ("pausing", "paused"):
            self._engine.control(ask.Resume(target=self._training.request))
            if self._training.progress.phase == "pausing":
                self._training.set_phase("training")
            self._changed()

    def stop_and_keep(self) -> None:
        """End after the present step; what the policy has become is the run's result."""
        if self._training and self._training.progress.phase in ("training", "pausing", "paused"):
            self._engine.control(ask.StopAndKeep(target=self._training.request))
            self._training.set_phase("stopping")
            self._changed()

    def cancel(self) -> None:
        """End without a result; the run stays, and can be resumed from its last checkpoint."""
        if self._training and self._training.progress.phase != "cancelling":
            self._engine.control(ask.Cancel(target=self._training.request))
            self._training.set_phase("cancelling")
            self._changed()

    # --- runs -----------------------------------------------------------------------------------------

    def select(self, run_id: int | None) -> None:
        """Show the curves of a run."""
        if run_id != self._selected:
            self._selected = run_id
            if self._curve_view:
                self._curve_view.show_run(run_id)
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
        known = TrainConfig.__dataclass_fields__
        try:
            self._config = TrainConfig(**{k: v for k, v in book.form.items() if k in known})  # type: ignore[arg-type]
        except (BadInput, TypeError):
            self._config = TrainConfig()
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

    def _on_curves_loaded(self, run_id: int, columns: Columns) -> None:
        run = self._run(run_id)
        if self._curve_view and run_id == self._selected and run is not None:
            self._curve_view.curves_loaded(run_id, columns, run.total_steps)

    # --- inside: the run under way --------------------------------------------------------------------

    def _begin(self, run: Run, *, resume: bool) -> None:
        request = f"train-{uuid4().hex[:12]}"
        training = Training(run, request, resumed=resume)
        self._training = training
        self._log = MetricLog(
            self._store,
            run.id,
            clock=self._clock,
            call_later=self._call_later,
            failed=lambda error: self._on_log_failed(training, error),
        )
        self.select(run.id)
        self.refresh()
        self._engine.submit(
            ask.Train(id=request, run=run.folder, resume=resume), lambda event: self._on_event(training, event)
        )
        self._changed()

    def _on_event(self, training: Training, event: Event) -> None:
        if training is not self._training:
            return
        training.hear(event)
        match event:
            case told.RequestStarted():
                self._store_status("running")
            case told.TrainingStarted():
                self._on_training_started(training, event)
            case told.StepDone(step=step, metrics=metrics):
                self._on_point(training.run.id, step, "train", metrics)
            case told.Evaluated(step=step, metrics=metrics):
                self._on_point(training.run.id, step, "held_out", metrics)
            case told.TrainingPaused():
                self._store_status("paused")
            case told.TrainingResumed():
                self._store_status("running")
            case told.RequestFinished():
                self._end(training, training.finished())
            case told.RequestFailed():
                self._end(training, training.failed(event))
            case _:
                pass
        self._changed()

    def _on_training_started(self, training: Training, event: told.TrainingStarted) -> None:
        run = training.run
        if training.resumed:
            # The engine goes over the steps after its checkpoint again: those are no part of the run now.
            if self._curve_view:
                self._curve_view.curves_cut(run.id, event.first_step)
            self._submit(lambda project: runs.catch_up(project, run.id, alive=True))
        self._submit(
            lambda project: runs.set_status(
                project,
                run.id,
                "running",
                step=event.first_step,
                total_steps=event.total_steps,
                train_pairs=event.train_pairs,
                held_out_pairs=event.held_out_pairs,
            )
        )
        self.refresh()

    def _on_point(self, run_id: int, step: int, split: str, metrics: Mapping[str, float]) -> None:
        assert self._log is not None and self._training is not None
        row = MetricRow(
            run_id=run_id,
            step=step,
            split="train" if split == "train" else "held_out",
            metrics=dict(metrics),
        )
        self._log.add(row)
        if self._curve_view:
            total = self._training.progress.total_steps
            self._curve_view.points_added(run_id, step, row.metrics, total)

    def _on_log_failed(self, training: Training, error: StoreError) -> None:
        training.note(f"The curves are not being saved at the moment: {error}")
        self._changed()

    def _end(self, training: Training, outcome: Outcome) -> None:
        assert self._log is not None
        self._log.flush()
        self._training, self._log = None, None
        run_id, ended = training.run.id, outcome
        self._submit(
            lambda project: runs.set_status(project, run_id, ended.status, step=ended.step, message=ended.message)
        )
        if outcome.status == "failed":
            self._problem = outcome.message
        self.refresh()

    def _store_status(self, status: RunStatus) -> None:
        assert self._training is not None
        run_id = self._training.run.id
        self._submit(lambda project: runs.set_status(project, run_id, status))

    def _control(
        self, needed: Phase, then: Phase, control: Callable[..., ask.Pause | ask.Resume | ask.Cancel]
    ) -> None:
        if self._training and self._training.progress.phase == needed:
            self._engine.control(control(target=self._training.request))
            self._training.set_phase(then)
            self._changed()

    # --- inside: small things -------------------------------------------------------------------------

    def _use(self, reference: str) -> None:
        self._store.submit(
            lambda project: settings.set_setting(project, POLICY_SETTING, reference),
            lambda _: self._on_policy_set(reference),
            self._on_store_failed,
        )

    def _load_curves(self, run_id: int) -> None:
        if self._curve_view is None or (self._training and self._training.begun and run_id == self._training.run.id):
            return
        self._store.submit(
            lambda project: columns_of(runs.metrics(project, run_id)),
            lambda columns: self._on_curves_loaded(run_id, columns),
            self._on_store_failed,
        )

    def _line(self, run: Run, book: Book) -> RunLine:
        progress = self._training.progress if self._training else None
        own = progress if progress and progress.run.id == run.id else None
        margin = book.margins.get(run.id)
        return RunLine(
            run=run,
            margin=own.margin if own and own.margin is not None else margin,
            phase=own.phase if own else None,
            in_use=run.folder == self._policy,
        )

    def _run(self, run_id: int) -> Run | None:
        known: Iterable[Run] = self._book.runs if self._book else ()
        if self._training and self._training.run.id == run_id:
            known = (*known, self._training.run)
        return next((run for run in known if run.id == run_id), None)

    def _submit(self, work: Callable[[Project], object]) -> None:
        self._store.submit(work, lambda _: None, self._on_store_failed)

    def _fail(self, sentence: str) -> None:
        self._problem = sentence
        self._changed()

    def _changed(self) -> None:
        for listener in list(self._listeners):
            listener()


def _listening(listeners: list[Callable[..., None]], listener: Callable[..., None]) -> Callable[[], None]:
    listeners.append(listener)
    return lambda: listeners.remove(listener) if listener in listeners else None


def as_sequence(lines: Iterable[RunLine]) -> Sequence[RunLine]:
    return tuple(lines)
