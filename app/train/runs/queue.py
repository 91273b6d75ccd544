"""The runs that wait to be trained, one after another. Qt-free.

Their order is in the project file. When the app starts they wait until the person says go on: nobody wants a
machine to begin an hour of work because a window was opened.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Run
from app.store.training import run_queue


@dataclass(frozen=True, kw_only=True)
class QueueState:
    waiting: tuple[int, ...] = ()
    """Ids of the runs, the next one first."""
    held: bool = False
    """Nothing starts by itself until the person says go on."""


class Queue:
    """`begin` starts a run; `changed` hears that something was saved (the runs are to be read again)."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        begin: Callable[[Run], None],
        changed: Callable[[], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        self.held = False
        self._store = store
        self._begin, self._changed, self._failed = begin, changed, failed
        self._waiting: tuple[Run, ...] = ()
        self._left: set[int] = set()
        """Runs that left the queue: rows read just before still have them in it."""

    @property
    def state(self) -> QueueState:
        return QueueState(waiting=tuple(run.id for run in self._waiting), held=self.held)

    def take(self, runs: tuple[Run, ...]) -> None:
        """The runs as the project file has them now."""
        self._left &= {run.id for run in runs if run.queue_place is not None}
        waiting = (run for run in runs if run.queue_place is not None and run.id not in self._left)
        self._waiting = tuple(sorted(waiting, key=lambda run: run.queue_place or 0))

    def start_next(self) -> None:
        """Begin the next run if one waits and may; the caller knows that nothing trains."""
        if self._waiting and not self.held:
            run = self._waiting[0]
            self._forget(run.id)
            self._begin(run)
            self._save(lambda project: run_queue.take_out(project, run.id))

    def hold(self) -> None:
        """Let nothing start by itself from now on."""
        self.held = True
        self._changed()

    def go_on(self) -> None:
        """Let the waiting runs start, one after another."""
        self.held = False
        self._changed()

    def put_last(self, run_id: int) -> None:
        self._left.discard(run_id)
        self._save(lambda project: run_queue.put_last(project, run_id))

    def put_first(self, run_id: int) -> None:
        self._left.discard(run_id)
        self._save(lambda project: run_queue.put_first(project, run_id))

    def move(self, run_id: int, places: int) -> None:
        """So many places later, earlier where negative."""
        self._save(lambda project: run_queue.move(project, run_id, places))

    def leave(self, run_id: int) -> None:
        """The run waits no longer; it stays in the list."""
        if any(run.id == run_id for run in self._waiting):
            self._forget(run_id)
            self._save(lambda project: run_queue.take_out(project, run_id))

    def _forget(self, run_id: int) -> None:
        self._left.add(run_id)
        self._waiting = tuple(run for run in self._waiting if run.id != run_id)

    def _save(self, work: Callable[[Project], None]) -> None:
        self._store.submit(work, lambda _: self._changed(), self._failed)
