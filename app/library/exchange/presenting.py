"""What the presenters of import, export, merge and agreement have in common. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from app.history import History
from app.library.exchange.errands import Errands
from app.library.exchange.long_work import LongWork, Progress
from app.shell.secrets import Secrets
from app.store.access import StoreAccess, StoreReader
from app.store.library.filters import Filter
from app.store.writer import Deliver

Ended = Literal["import", "export", "merge"]
S = TypeVar("S", bound=Any)


@dataclass(frozen=True, kw_only=True)
class Means:
    """What they work with."""

    project: Path
    store: StoreAccess
    reader: StoreReader
    """One of its own: an export reads for as long as it writes."""
    errands: Errands
    deliver: Deliver
    history: History
    secrets: Secrets
    annotator: Callable[[], str]
    clock: Callable[[], float]
    shown: Callable[[], Filter]
    """What the Library shows."""
    changed: Callable[[], None]
    """Other pages have to read again."""
    ended: Callable[[Ended, str], None]
    """Something long is over; how, as a sentence."""


class Presenter(Generic[S]):
    """Holds a state, a frozen dataclass, and tells who listens after every change of it."""

    def __init__(self, means: Means, state: S) -> None:
        self._means = means
        self._state = state
        self._listeners: list[Callable[[], None]] = []

    @property
    def state(self) -> S:
        return self._state

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change of the state; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _change(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)
        for listener in list(self._listeners):
            listener()

    def _long_work(self) -> LongWork:
        """Its progress becomes the state's `progress`, for as long as it is not cancelled."""

        def show(progress: Progress) -> None:
            if not work.is_cancelled():
                self._change(progress=progress)

        work = LongWork(lambda progress: self._means.deliver(lambda: show(progress)), self._means.clock)
        return work
