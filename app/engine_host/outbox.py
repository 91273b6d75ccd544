"""Hands news from the engine's thread to the GUI thread, many at a time. Qt-free."""

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Outbox(Generic[Item]):
    """A queue whose reader is woken once for all that has gathered, not once for each item."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: list[Item] = []

    def put(self, item: Item) -> bool:
        """Add an item; True when the reader has to be woken: it has not been since it last took all."""
        with self._lock:
            self._items.append(item)
            return len(self._items) == 1

    def take_all(self) -> list[Item]:
        """Everything put since the last call, in order."""
        with self._lock:
            items, self._items = self._items, []
            return items
