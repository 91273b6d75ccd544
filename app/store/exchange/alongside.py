"""Writing a batch on another thread while the next one is made ready, on one connection.

SQLite does one statement of a connection at a time, whichever thread asks, where it was built to be shared by
threads; where it was not, whatever is given is done at once.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

_SHARED = sqlite3.threadsafety == 3
"""A connection may be used by two threads at the same time (PEP 249)."""


class Alongside:
    """For a `with` block: one piece of work at a time, begun by `give` and waited for by `wait`.

    Meanwhile the caller may read through the same connection what this work does not change, and must write
    nothing: when a statement fails, SQLite may have undone the whole transaction, and what comes next would
    be kept. `wait` tells.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="import-write")
        self._given: Future[None] | None = None

    def __enter__(self) -> "Alongside":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def give(self, work: Callable[[], None]) -> None:
        """Begin it, after what was given before. Raises what that raised."""
        self.wait()
        self._given = self._threads.submit(work)
        if not _SHARED:
            self.wait()

    def wait(self) -> None:
        """Until nothing is being done. Raises what went wrong since."""
        given, self._given = self._given, None
        if given is not None:
            given.result()
