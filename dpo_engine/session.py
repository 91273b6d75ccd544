"""The engine at work: takes requests from any thread and answers them one after another with events.

Longer work makes room for shorter: at every safe point of a training or a scoring, a waiting request of a
shorter kind is answered inside it, at most one a training step so that both get on. Work in the
background ends for what is not shorter. Fetching is network work and runs apart, on a thread of its own.
Whatever goes wrong becomes a `RequestFailed`, and the session lives on until `Shutdown`.
"""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from dpo_engine import __version__
from dpo_engine.errors import Cancelled, GaveWay, OutOfMemory
from dpo_engine.events import (
    DeviceMemory,
    EngineReady,
    Event,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    TrainingPaused,
    TrainingResumed,
)
from dpo_engine.requests import (
    Cancel,
    Control,
    FetchModel,
    Pause,
    Request,
    Resume,
    Shutdown,
    StopAndKeep,
    Train,
)
from dpo_engine.service.fetch_thread import FetchThread
from dpo_engine.service.job import Job, gives_way, in_background, rank

if TYPE_CHECKING:
    from dpo_engine.service.jobs import Work
    from dpo_engine.service.shelf import ModelShelf

Emit = Callable[[Event], None]
DoWork = Callable[[Job], "Work"]

SECONDS_BETWEEN_MEMORY = 1.0


class Session:
    """`put` messages from any thread, `run` on one; `emit` is called from one thread at a time.

    Most events come from the thread of `run`, those of a fetch from its own.
    """

    def __init__(self, emit: Emit, *, do: DoWork | None = None) -> None:
        """`do` gives the work for a job; by default what `jobs.work_for` does with the real models."""
        self._emit_unlocked = emit
        self._emitting = threading.Lock()
        self._inbox: SimpleQueue[Request | Control] = SimpleQueue()
        self._waiting: list[Job] = []
        self._running: list[Job] = []
        self._ending = False
        self._memory_told = 0.0
        self._do = do
        self._shelf: ModelShelf | None = None
        self._device: Any = None
        self._fetching = FetchThread(self._emit, self._work)

    def put(self, message: Request | Control) -> None:
        """Hand in a request or control; from any thread, even from a signal handler."""
        self._inbox.put(message)

    def run(self) -> None:
        """Serve until `Shutdown`. PyTorch is imported here, before `EngineReady`."""
        self._prepare()
        while not self._ending:
            if not self._waiting:
                self._receive(self._inbox.get())
            self._receive_all()
            if self._waiting and not self._ending:
                self._serve(self._taken_next())
        self._fetching.end()
        for job in self._waiting:
            self._fail_unserved(job)

    def _prepare(self) -> None:
        from dpo_engine.models import libraries

        libraries.quieten()
        from dpo_engine.compute import device
        from dpo_engine.service.shelf import ModelShelf

        self._shelf = ModelShelf()
        self._device = device.pick_device("auto")
        device.settle_process(self._device)
        self._emit(
            EngineReady(
                version=__version__,
                device=self._device.type,
                device_name=device.device_name(self._device),
                memory_total=device.memory_of(self._device).total,
            )
        )

    def _emit(self, event: Event) -> None:
        with self._emitting:
            self._emit_unlocked(event)

    def _work(self, job: Job) -> "Work":
        if self._do is not None:
            return self._do(job)
        from dpo_engine.service.jobs import work_for

        assert self._shelf is not None  # noqa: S101  # made by `_prepare`
        return work_for(job.request, self._shelf, job.directive)

    # What comes in

    def _receive_all(self) -> None:
        while True:
            try:
                self._receive(self._inbox.get_nowait())
            except Empty:
                return

    def _receive(self, message: Request | Control) -> None:
        match message:
            case Shutdown():
                self._ending = True
                for job in self._running:
                    job.cancelled = True
            case Cancel(target=target):
                self._cancel(target)
            case Pause(target=target) | Resume(target=target):
                for job in self._known(target):
                    job.paused = isinstance(message, Pause) and isinstance(job.request, Train)
            case StopAndKeep(target=target):
                for job in self._known(target):
                    job.keep = True
            case FetchModel():
                self._fetching.put(Job(message))
            case _:
                self._waiting.append(Job(message))

    def _known(self, target: str) -> list[Job]:
        return [job for job in (*self._running, *self._waiting) if job.id == target]

    def _cancel(self, target: str) -> None:
        self._fetching.cancel(target)
        for job in self._running:
            job.cancelled = job.cancelled or job.id == target
        for job in [job for job in self._waiting if job.id == target]:
            self._waiting.remove(job)
            self._fail_unserved(job)

    def _fail_unserved(self, job: Job) -> None:
        self._emit(RequestStarted(request=job.id))
        self._emit(RequestFailed(request=job.id, code=Cancelled.code, message="Cancelled before it began."))

    # What is done

    def _taken_next(self) -> Job:
        """The one that has waited longest; of those in the background only where nothing else waits."""
        job = min(self._waiting, key=lambda waiting: in_background(waiting.request))
        self._waiting.remove(job)
        return job

    def _serve(self, job: Job) -> None:
        from dpo_engine.service.failures import failure, is_out_of_memory

        self._running.append(job)
        self._emit(RequestStarted(request=job.id))
        try:
            with closing(self._work(job)) as events:  # type: ignore[type-var]  # every work is a generator
                for event in events:
                    if event is not None:
                        job.heard(event)
                        self._emit(event)
                    self._between(job)
        except Exception as error:
            self._emit(failure(job.id, error, job.doing))
            if self._shelf is not None and (isinstance(error, OutOfMemory) or is_out_of_memory(error)):
                self._shelf.clear()
        else:
            self._emit(RequestFinished(request=job.id))
        finally:
            self._running.remove(job)
            self._give_back_memory()

    def _between(self, job: Job) -> None:
        """A safe point of `job`: hear what came in, make room for shorter work, hold while paused."""
        self._tell_memory()
        self._receive_all()
        job.end_if_cancelled()
        if job.paused and not job.is_ending:
            self._hold(job)
        self._end_if_it_gives_way(job)
        self._serve_a_shorter_one(job)
        job.end_if_cancelled()

    def _end_if_it_gives_way(self, job: Job) -> None:
        if any(gives_way(job.request, waiting.request) for waiting in self._waiting):
            raise GaveWay("Scoring in the background ended to make room. What is scored is kept.")

    def _serve_a_shorter_one(self, job: Job) -> None:
        if job.made_room or job.is_ending:
            return
        shorter = next((one for one in self._waiting if rank(one.request) < rank(job.request)), None)
        if shorter is not None:
            job.made_room = True
            self._waiting.remove(shorter)
            self._serve(shorter)

    def _hold(self, job: Job) -> None:
        """A paused training: everything shorter is answered as if it were not there."""
        self._emit(TrainingPaused(request=job.id, step=job.step))
        while job.paused and not job.is_ending:
            job.made_room = False
            self._serve_a_shorter_one(job)
            if not job.made_room and job.paused and not job.is_ending:
                self._receive(self._inbox.get())
            self._receive_all()
        if not job.is_ending:
            self._emit(TrainingResumed(request=job.id, step=job.step))

    def _give_back_memory(self) -> None:
        """What was kept for the next step of work that is over now; not while it only makes room."""
        if self._device is None or self._running:
            return
        from dpo_engine.compute.device import free_cached_memory

        free_cached_memory(self._device)

    def _tell_memory(self) -> None:
        now = time.monotonic()
        if self._device is None or now - self._memory_told < SECONDS_BETWEEN_MEMORY:
            return
        from dpo_engine.compute.device import memory_of

        self._memory_told = now
        memory = memory_of(self._device)
        self._emit(DeviceMemory(used=memory.used, total=memory.total))
