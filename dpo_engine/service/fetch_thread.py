"""Fetches run apart from the rest: on their own thread, one after another."""

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from dpo_engine.events import Event, RequestFinished, RequestStarted
from dpo_engine.service.failures import failure
from dpo_engine.service.job import Job

SECONDS_TO_END = 30.0
"""How long the end of the session waits for a fetch in the middle of a conversion."""


class FetchThread:
    """The thread starts with the first fetch. `put`, `cancel` and `end` are called by the session."""

    def __init__(self, emit: Callable[[Event], None], work: Callable[[Job], Iterator[Event | None]]) -> None:
        self._emit = emit
        self._work = work
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._known: list[Job] = []
        self._thread: threading.Thread | None = None

    def put(self, job: Job) -> None:
        self._known.append(job)
        self._queue.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="engine-fetch", daemon=True)
            self._thread.start()

    def cancel(self, target: str) -> None:
        """At its next safe point; one that waits fails when its turn comes, which is soon."""
        for job in list(self._known):
            job.cancelled = job.cancelled or job.id == target

    def end(self) -> None:
        """Cancel everything and wait."""
        for job in list(self._known):
            job.cancelled = True
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(SECONDS_TO_END)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._serve(job)
            self._known.remove(job)

    def _serve(self, job: Job) -> None:
        self._emit(RequestStarted(request=job.id))
        try:
            self._follow(job)
        except Exception as error:
            self._emit(failure(job.id, error, job.doing))
        else:
            self._emit(RequestFinished(request=job.id))

    def _follow(self, job: Job) -> None:
        job.end_if_cancelled()
        events = self._work(job)
        try:
            for event in events:
                if event is not None:
                    self._emit(event)
                job.end_if_cancelled()
        finally:
            getattr(events, "close", lambda: None)()
