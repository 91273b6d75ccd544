"""What presenters know of the store: work to be done on its own thread, and the answer. Qt-free."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from app.store.errors import StoreError
from app.store.handle import Project

T = TypeVar("T")


class StoreAccess(Protocol):
    """`app.store.writer.Writer` is the real one."""

    def submit(
        self, work: Callable[[Project], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> object:
        """Run `work` on the store's thread, in order; then call `done` or `failed` on the presenters'."""


class StoreReader(Protocol):
    """A `StoreAccess` for reading whose work can be given up; `app.store.reader.Reader` is the real one."""

    def submit(
        self, work: Callable[[Project], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> Callable[[], None]:
        """As `StoreAccess.submit`; call the result to give it up: then neither is called."""
