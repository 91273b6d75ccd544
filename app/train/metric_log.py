"""Metrics on their way into the project file: gathered, and written a few times a second at most. Qt-free."""

from collections.abc import Callable, Sequence

from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import MetricRow
from app.store.training import runs

SECONDS_BETWEEN_WRITES = 0.25
SECONDS_AFTER_A_FAILURE = 5.0

Clock = Callable[[], float]
CallLater = Callable[[float, Callable[[], None]], None]
"""Call the second argument after that many seconds, on the thread of the presenters."""


class MetricLog:
    """One run's metrics. One write is under way at a time; what cannot be written is tried again.

    Nothing is lost where it never can be: the run's folder has every row, and the project file catches up
    from there.
    """

    def __init__(
        self,
        store: StoreAccess,
        run_id: int,
        *,
        clock: Clock,
        call_later: CallLater,
        failed: Callable[[StoreError], None],
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._clock = clock
        self._call_later = call_later
        self._failed = failed
        self._waiting: list[MetricRow] = []
        self._due = clock()
        self._scheduled = False
        self._writing = False

    def add(self, row: MetricRow) -> None:
        self._waiting.append(row)
        self._write_or_wait()

    def flush(self) -> None:
        """Hand over now what waits (the run ended); later work on the store finds it written."""
        if self._waiting:
            self._write()

    def _write_or_wait(self) -> None:
        if self._scheduled or self._writing or not self._waiting:
            return
        wait = self._due - self._clock()
        if wait <= 0:
            self._write()
        else:
            self._scheduled = True
            self._call_later(wait, self._on_due)

    def _on_due(self) -> None:
        self._scheduled = False
        self._write_or_wait()

    def _write(self) -> None:
        rows, self._waiting = tuple(self._waiting), []
        self._writing = True
        self._due = self._clock() + SECONDS_BETWEEN_WRITES
        self._store.submit(
            lambda project: _record(project, self._run_id, rows),
            self._on_written,
            lambda error: self._on_failed(rows, error),
        )

    def _on_written(self, _: None) -> None:
        self._writing = False
        self._write_or_wait()

    def _on_failed(self, rows: Sequence[MetricRow], error: StoreError) -> None:
        self._writing = False
        self._waiting[:0] = rows
        self._due = self._clock() + SECONDS_AFTER_A_FAILURE
        self._failed(error)
        self._write_or_wait()


def _record(project: Project, run_id: int, rows: Sequence[MetricRow]) -> None:
    runs.record_metrics(project, run_id, rows)
