"""Where the lowest and the highest of every few points stand, kept up to date as points come. Qt-free.

With it an envelope of a million points looks at the peaks of eight thousand blocks instead.
"""

import numpy as np
from numpy.typing import NDArray

from app.widgets.plots.points import Floats

BLOCK = 128
"""Points whose extremes are kept together."""

Places = NDArray[np.intp]


class Peaks:
    """Of whole blocks only: the points after the last one are few enough to be looked at."""

    def __init__(self) -> None:
        self._lowest: Places = np.empty(0, dtype=np.intp)
        self._highest: Places = np.empty(0, dtype=np.intp)
        self._blocks = 0

    def forget_from(self, place: int) -> None:
        """The points from `place` on are no more, or other ones."""
        self._blocks = min(self._blocks, place // BLOCK)

    def cover(self, y: Floats) -> None:
        """Look at the blocks that have become whole; O(new points)."""
        first, last = self._blocks, len(y) // BLOCK
        if last <= first:
            return
        if last > len(self._lowest):
            self._grow(max(last, 2 * len(self._lowest)))
        rows = y[first * BLOCK : last * BLOCK].reshape(-1, BLOCK)
        starts = np.arange(first, last) * BLOCK
        self._lowest[first:last] = starts + rows.argmin(axis=1)
        self._highest[first:last] = starts + rows.argmax(axis=1)
        self._blocks = last

    def extremes(self, y: Floats, start: int, size: int, buckets: int) -> tuple[Places, Places]:
        """Places of the lowest and of the highest of each bucket of `size` points from `start` on.

        `start` and `size` are multiples of `BLOCK`, and the buckets were covered.
        """
        blocks = slice(start // BLOCK, start // BLOCK + buckets * size // BLOCK)
        lowest = self._lowest[blocks].reshape(buckets, -1)
        highest = self._highest[blocks].reshape(buckets, -1)
        rows = np.arange(buckets)
        return lowest[rows, y[lowest].argmin(axis=1)], highest[rows, y[highest].argmax(axis=1)]

    def _grow(self, capacity: int) -> None:
        for name in ("_lowest", "_highest"):
            larger = np.empty(capacity, dtype=np.intp)
            larger[: self._blocks] = getattr(self, name)[: self._blocks]
            setattr(self, name, larger)
