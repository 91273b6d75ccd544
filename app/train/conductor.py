"""Conducts the run under way: asks the engine, follows its events, stores and draws what they bring.

Qt-free.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar
from uuid import uuid4

from app.engine_host.protocol import Engine
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import MetricRow, Run, RunStatus
from app.store.training import runs
from app.train.curves import Columns, drawn
from app.train.metric_log import CallLater, Clock, MetricLog
from app.train.training import Outcome, Phase, Training, TrainingProgress
from dpo_engine import events as told
from dpo_engine import requests as ask
from dpo_engine.conversations import Split
from dpo_engine.events import Event


class CurveView(Protocol):
    """Who draws the curves. Each call names the run, as the one that trains need not be the one shown."""

    def show_run(self, run_id: int | None) -> None:
        """Show this run's curves, with the points heard of so far."""

    def curves_loaded(self, run_id: int, columns: Columns, planned_steps: int) -> None:
        """Points from the project file. Those that came in live meanwhile stay."""

    def points_added(
        self, run_id: int, step: int, metrics: Mapping[str, float], planned_steps: int
    ) -> None: ...

    def curves_cut(self, run_id: int, after_step: int) -> None:
        """The steps after this one are no part of the run any more."""


Hearer = Callable[[Run, Event], None]
T = TypeVar("T")


class Conductor:
    """At most one run at a time. `changed` is called after every event, `ended` once the run is over,
    `failed` with a sentence when something could not be stored."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        clock: Clock,
        call_later: CallLater,
        changed: Callable[[], None],
        began: Callable[[], None],
        ended: Callable[[int, Outcome], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        self.first_step = 0
        """Where the run under way began (a checkpoint's step when it was resumed)."""
        self._engine, self._store = engine, store
        self._clock, self._call_later = clock, call_later
        self._changed, self._began, self._ended, self._failed = changed, began, ended, failed
        self._training: Training | None = None
        self._log: MetricLog | None = None
        self._views: list[CurveView] = []
        self._hearers: list[Hearer] = []

    def draw_on(self, view: CurveView) -> Callable[[], None]:
        """Let `view` have the points of what trains from now on; call the result to stop. Those of before are
        in the project file, or on their way into it."""
        if self._log is not None:
            self._log.flush()
        return _listening(self._views, view)

    def hear(self, hearer: Hearer) -> Callable[[], None]:
        """Let `hearer` have each event of the run that trains; call the result to stop."""
        return _listening(self._hearers, hearer)

    @property
    def views(self) -> tuple[CurveView, ...]:
        return tuple(self._views)

    @property
    def progress(self) -> TrainingProgress | None:
        return self._training.progress if self._training else None

    def has_begun(self, run_id: int) -> bool:
        """Whether this run is under way and already training."""
        training = self._training
        return training is not None and training.begun and training.run.id == run_id

    def begin(self, run: Run, *, resume: bool) -> None:
        training = Training(run, f"train-{uuid4().hex[:12]}", resumed=resume)
        self._training = training
        log = self._log = MetricLog(
            self._store,
            run.id,
            clock=self._clock,
            call_later=self._call_later,
            failed=lambda error: self._on_log_failed(training, error),
        )
        self._engine.submit(
            ask.Train(id=training.request, run=run.folder, resume=resume),
            lambda event: self._on_event(training, log, event),
        )

    def pause(self) -> None:
        if training := self._in("training"):
            self._engine.control(ask.Pause(target=training.request))
            training.set_phase("pausing")

    def go_on(self) -> None:
        """After a pause, asked for or in force."""
        if training := self._in("pausing", "paused"):
            self._engine.control(ask.Resume(target=training.request))
            if training.progress.phase == "pausing":
                training.set_phase("training")

    def stop_and_keep(self) -> None:
        if training := self._in("training", "pausing", "paused"):
            self._engine.control(ask.StopAndKeep(target=training.request))
            training.set_phase("stopping")

    def cancel(self) -> None:
        if training := self._in("waiting", "loading", "training", "pausing", "paused", "stopping"):
            self._engine.control(ask.Cancel(target=training.request))
            training.set_phase("cancelling")

    def _in(self, *phases: Phase) -> Training | None:
        training = self._training
        return training if training and training.progress.phase in phases else None

    def _on_event(self, training: Training, log: MetricLog, event: Event) -> None:
        if training is not self._training:
            return
        training.hear(event)
        match event:
            case told.RequestStarted() | told.TrainingResumed():
                self._store_status(training, "running")
            case told.TrainingPaused():
                self._store_status(training, "paused")
            case told.TrainingStarted():
                self._on_training_started(training, event)
            case told.StepDone(step=step, metrics=metrics):
                self._on_point(training, log, step, "train", metrics)
            case told.Evaluated(step=step, metrics=metrics):
                self._on_point(training, log, step, "held_out", metrics)
            case told.RequestFinished():
                log.flush()
                self._end(training, training.finished())
            case told.RequestFailed():
                log.flush()
                self._end(training, training.failed(event))
            case _:
                pass
        for hearer in tuple(self._hearers):
            hearer(training.run, event)
        self._changed()

    def _on_training_started(self, training: Training, event: told.TrainingStarted) -> None:
        run = training.run
        self.first_step = event.first_step
        if training.resumed:
            # The engine goes over the steps after its checkpoint again: those are no part of the run now.
            for view in self.views:
                view.curves_cut(run.id, event.first_step)
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
        self._began()

    def _on_point(
        self, training: Training, log: MetricLog, step: int, split: Split, metrics: Mapping[str, float]
    ) -> None:
        run_id = training.run.id
        log.add(MetricRow(run_id=run_id, step=step, split=split, metrics=dict(metrics)))
        for view in self.views:
            view.points_added(run_id, step, drawn(metrics), training.progress.total_steps)

    def _on_log_failed(self, training: Training, error: StoreError) -> None:
        training.note(f"The curves are not being saved at the moment: {error}")
        self._changed()

    def _end(self, training: Training, outcome: Outcome) -> None:
        self._training = None
        run_id = training.run.id
        self._submit(
            lambda project: runs.set_status(
                project, run_id, outcome.status, step=outcome.step, message=outcome.message
            )
        )
        self._ended(run_id, outcome)

    def _store_status(self, training: Training, status: RunStatus) -> None:
        run_id = training.run.id
        self._submit(lambda project: runs.set_status(project, run_id, status))

    def _submit(self, work: Callable[[Project], object]) -> None:
        self._store.submit(work, lambda _: None, self._failed)


def _listening(listeners: list[T], listener: T) -> Callable[[], None]:
    listeners.append(listener)
    return lambda: listeners.remove(listener) if listener in listeners else None
