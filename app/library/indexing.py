"""Making findable what an import brought in: some texts at a time, between other writing. Qt-free."""

from collections.abc import Callable

from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.library.search_index import index_some


class Indexing:
    """`told` hears how many texts a search does not find yet, after each piece of work; 0 at its end."""

    def __init__(self, store: StoreAccess, told: Callable[[int], None]) -> None:
        self._store, self._told = store, told
        self._going = False
        self._closed = False

    def go_on(self) -> None:
        """Begin, or find out that there is nothing to do; while it works nothing changes."""
        if not self._going and not self._closed:
            self._going = True
            self._store.submit(index_some, self._on_done, self._on_failed)

    def close(self) -> None:
        """Do no more; the rest is done when the project is opened again."""
        self._closed = True

    def _on_done(self, left: int) -> None:
        self._going = False
        if self._closed:
            return
        self._told(left)
        if left:
            self.go_on()

    def _on_failed(self, _error: StoreError) -> None:
        # Nothing is lost but findability, and whatever is wrong with the file is said where it matters more.
        self._going = False
