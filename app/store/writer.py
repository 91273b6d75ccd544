"""The one thread that writes to a project: work in, results out, strictly in order. Qt-free."""

import logging
import queue
import sqlite3
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from app.store.errors import StoreBug, StoreClosed, StoreError, from_sqlite_error
from app.store.handle import Project

T = TypeVar("T")

Deliver = Callable[[Callable[[], None]], None]
"""Has a callback run where its listener lives; the app posts it to the GUI thread."""

_log = logging.getLogger(__name__)


_Job = Callable[[Project], Callable[[], None] | None]
"""Works on the project and returns what is to be delivered, if anything; never raises."""


class Writer:
    """Owns an open project and does to it, one after another, what is submitted from any thread."""

    def __init__(self, project: Project, deliver: Deliver) -> None:
        """Takes the project over: it is used on the writer's thread alone and closed by `close`."""
        self._project = project
        self._deliver = deliver
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._closed = False
        self._close_error: StoreError | None = None
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[Project], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> None:
        """Queue `work`; exactly one of `done` and `failed` is delivered, in the order of submission."""

        def job(project: Project) -> Callable[[], None]:
            try:
                result = _worked(project, work)
            except BaseException as raised:
                # Whatever one job does, the thread lives on for the others.
                problem = as_store_error(raised)
                return lambda: failed(problem)
            return lambda: done(result)

        with self._guard:
            if not self._closed:
                self._jobs.put(job)
                return
        error = StoreClosed("The project was closed before this could be saved. Open it and try again.")
        self._deliver(lambda: failed(error))

    def run(self, work: Callable[[Project], T], timeout: float | None = None) -> T:
        """Do `work` after all that was submitted before and wait for its result, past `deliver`.

        Raises what the work raised as a `StoreError`, `TimeoutError` after `timeout` seconds.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("run() would wait for its own thread; call the work itself")
        future: Future[T] = Future()

        def job(project: Project) -> None:
            try:
                future.set_result(_worked(project, work))
            except BaseException as raised:
                future.set_exception(as_store_error(raised))

        with self._guard:
            if self._closed:
                raise StoreClosed("The project is closed. Open it and try again.")
            self._jobs.put(job)
        return future.result(timeout)

    def close(self) -> None:
        """Do all that was submitted, close the project and end the thread. Raises what closing raised."""
        with self._guard:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()
        if self._close_error is not None:
            error, self._close_error = self._close_error, None
            raise error

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            outcome = job(self._project)
            if outcome is None:
                continue
            try:
                self._deliver(outcome)
            except Exception:
                # The listener's side is gone or broken; what was written stays written.
                _log.exception("A result of the store could not be delivered")
        try:
            self._project.close()
        except StoreError as error:
            self._close_error = error


def _worked(project: Project, work: Callable[[Project], T]) -> T:
    try:
        result = work(project)
    except BaseException:
        project.db.rollback()
        raise
    if project.db.conn.in_transaction:
        project.db.rollback()
        raise RuntimeError("the work left a transaction open; it was rolled back")
    return result


def as_store_error(error: BaseException) -> StoreError:
    """Whatever a piece of work raised, as something with a sentence for the person."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, sqlite3.Error):
        return from_sqlite_error(error, "what was asked of the project")
    return StoreBug(
        "Something went wrong inside DPO Studio, and this was not saved. Everything saved before is intact; "
        "please report it with the details.",
        detail="".join(traceback.format_exception(error)),
    )
