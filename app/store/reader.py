"""A thread for heavy reads: figures, tables and searches that must not hold up a verdict. Qt-free."""

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.store.errors import StoreClosed, StoreError
from app.store.handle import Project
from app.store.project import open_reader
from app.store.writer import Deliver, as_store_error

T = TypeVar("T")

_LOOK_UP_AFTER = 5_000
"""Steps of SQLite's machine, under a millisecond, after which a query asks whether it is still wanted."""


class _Job:
    """Something to be read, and whether anybody still wants it."""

    def __init__(self, work: Callable[["_Job"], Callable[[], None]]) -> None:
        self.work = work
        self.given_up = False


class Reader:
    """A `StoreReader` over a connection of its own that cannot write.

    It sees what was saved before each of its queries. The file is opened with the first piece of work, and
    again after one that failed.
    """

    def __init__(self, path: Path, deliver: Deliver) -> None:
        self._path, self._deliver = path, deliver
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._project: Project | None = None
        self._running: _Job | None = None
        self._guard = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="store-reader", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[Project], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> Callable[[], None]:
        """Queue `work`; exactly one of `done` and `failed` is delivered, in the order of submission.

        Call the result to give it up: a query under way ends early, and nothing is delivered any more.
        """

        def outcome(job: _Job) -> Callable[[], None]:
            try:
                result = work(self._opened())
            except BaseException as raised:
                # Whatever one job does, the thread lives on for the others.
                problem = as_store_error(raised)
                if not job.given_up:
                    self._close_file()
                return lambda: None if job.given_up else failed(problem)
            return lambda: None if job.given_up else done(result)

        def give_up() -> None:
            job.given_up = True

        job = _Job(outcome)
        with self._guard:
            if not self._closed:
                self._jobs.put(job)
                return give_up
        error = StoreClosed("The project was closed before this could be read. Open it and try again.")
        self._deliver(lambda: failed(error))
        return give_up

    def close(self) -> None:
        """Drop what waits, end what runs, and end the thread. A second call does nothing."""
        with self._guard:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.given_up or self._closed:
                continue
            self._running = job
            self._deliver(job.work(job))
        self._close_file()

    def _opened(self) -> Project:
        if self._project is None:
            self._project = open_reader(self._path)
            # Asked by the query itself, so that one given up before it began ends as well, and no other does.
            self._project.db.conn.set_progress_handler(self._is_over, _LOOK_UP_AFTER)
        return self._project

    def _is_over(self) -> bool:
        return self._closed or (self._running is not None and self._running.given_up)

    def _close_file(self) -> None:
        if self._project is not None:
            self._project.close()
            self._project = None
