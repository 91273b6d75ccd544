"""The rows of the table as they are wanted: all keys in order, and what stands in some of them. Qt-free.

A new filter or order gives its first rows at once and all keys a moment later, from a slower reader, so that
the page never waits for a count. Rows that are looked at and not known are fetched a block at a time, the
latest wish first; meanwhile a row of before is shown where there is one.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from app.store.access import StoreReader
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.library import table as library
from app.store.library.filters import Filter, Sort
from app.store.library.table import Keys, LibraryRow

BLOCK = 100
_FIRST = 2 * BLOCK
_KEPT = 6_000
"""Rows that are remembered."""

Span = tuple[int, int]
"""From one row to another, both included."""


class TableRows:
    """`changed` hears that there are other rows, `filled` from which to which row there is something new."""

    def __init__(
        self,
        reader: StoreReader,
        slow_reader: StoreReader,
        *,
        changed: Callable[[], None],
        filled: Callable[[int, int], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        self.keys: Keys = np.empty(0, dtype=np.int64)
        self.complete = False
        """Whether `keys` are all there are."""
        self._reader, self._slow_reader = reader, slow_reader
        self._changed, self._filled, self._failed = changed, filled, failed
        self._known: OrderedDict[int, LibraryRow | None] = OrderedDict()
        self._fresh: set[int] = set()
        self._wanted: list[int] = []
        self._fetching: int | None = None
        self._give_up: list[Callable[[], None]] = []
        self._version = 0

    def show(self, wanted: Filter, sort: Sort) -> None:
        """Read the rows of this filter in this order; what was asked for before is given up."""
        self.stop()
        self._fresh.clear()
        version = self._version

        def first(project: Project) -> list[LibraryRow]:
            return library.page(project, wanted, sort, limit=_FIRST)

        def take_first(found: list[LibraryRow]) -> None:
            if version != self._version or self.complete:
                return
            self._remember(found, [row.key for row in found])
            keys = np.fromiter((row.key for row in found), dtype=np.int64, count=len(found))
            if len(found) < _FIRST:
                self._take_all(version, keys)
            elif not np.array_equal(self.keys[:_FIRST], keys):
                # Rows below, if there were any, are not those of this filter.
                self.keys = keys
                self._changed()

        self.complete = False
        self._give_up = [
            self._reader.submit(first, take_first, self._failed),
            self._slow_reader.submit(
                lambda project: library.ids(project, wanted, sort),
                lambda keys: self._take_all(version, keys),
                self._failed,
            ),
        ]

    def stop(self) -> None:
        """Give up what is being read."""
        for give_up in self._give_up:
            give_up()
        self._give_up = []
        self._wanted.clear()
        self._fetching = None
        self._version += 1

    def row(self, place: int) -> LibraryRow | None:
        """What stands there; None while it is being fetched, or when it is gone."""
        key = int(self.keys[place])
        if key not in self._fresh:
            self._want(place // BLOCK)
        return self._known.get(key)

    def keys_of(self, spans: Sequence[Span]) -> Keys:
        """The keys of these rows."""
        parts = [self.keys[first : last + 1] for first, last in spans]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def place_of(self, key: int) -> int:
        """Where this row is; -1 where it is not among them."""
        found = np.flatnonzero(self.keys == key)
        return int(found[0]) if found.size else -1

    def _take_all(self, version: int, keys: Keys) -> None:
        if version != self._version:
            return
        self.keys, self.complete = keys, True
        self._changed()

    def _want(self, block: int) -> None:
        if block in self._wanted:
            self._wanted.remove(block)
        self._wanted.append(block)
        # What was scrolled past long ago need not come any more.
        del self._wanted[:-4]
        self._fetch()

    def _fetch(self) -> None:
        if self._fetching is not None or not self._wanted:
            return
        block = self._wanted.pop()
        version, first = self._version, block * BLOCK
        keys = [int(key) for key in self.keys[first : first + BLOCK]]
        if all(key in self._fresh for key in keys):
            self._fetch()
            return
        self._fetching = block

        def take(found: dict[int, LibraryRow]) -> None:
            if version != self._version:
                return
            self._fetching = None
            self._remember(list(found.values()), keys)
            self._filled(first, first + len(keys) - 1)
            self._fetch()

        def failed(error: StoreError) -> None:
            if version == self._version:
                self._fetching = None
                self._failed(error)

        self._give_up.append(self._reader.submit(lambda project: library.rows(project, keys), take, failed))
        del self._give_up[2:-2]

    def _remember(self, found: Sequence[LibraryRow], asked: Sequence[int]) -> None:
        by_key = {row.key: row for row in found}
        for key in asked:
            self._known[key] = by_key.get(key)
            self._known.move_to_end(key)
            self._fresh.add(key)
        while len(self._known) > _KEPT:
            key, _row = self._known.popitem(last=False)
            self._fresh.discard(key)
