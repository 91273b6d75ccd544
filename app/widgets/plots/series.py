"""A curve's points, growing at the end, and the few of them that a plot of some width needs. Qt-free.

Points arrive one by one at the rate of the engine and are kept in a buffer that doubles; painting asks for
an envelope at its own rate. Nothing is forgotten: the start of a training curve is what its end is read
against, so the buffer grows (16 bytes a point) where a ring would overwrite.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.widgets.plots.peaks import BLOCK, Peaks
from app.widgets.plots.points import Floats

_FIRST_CAPACITY = 256
_HOLE = 1.5
"""Points further apart than this many times the usual distance have a gap between them."""
_LOOKED_AT = 1000


class Series:
    """Points (x, y) with x strictly rising. `version` changes with every change, `generation` with every
    one that is no mere addition at the end."""

    def __init__(self) -> None:
        self._x: Floats = np.empty(_FIRST_CAPACITY)
        self._y: Floats = np.empty(_FIRST_CAPACITY)
        self._length = 0
        self._peaks = Peaks()
        self._all_holes: tuple[int, NDArray[np.intp]] = (0, np.empty(0, dtype=np.intp))
        """Of which version, and the places after which points are missing."""
        self.version = 0
        self.generation = 0

    def __len__(self) -> int:
        return self._length

    @property
    def x(self) -> Floats:
        """The x of every point: a view, valid until the next change."""
        return self._x[: self._length]

    @property
    def y(self) -> Floats:
        """The y of every point: a view, valid until the next change."""
        return self._y[: self._length]

    @property
    def last(self) -> tuple[float, float] | None:
        if not self._length:
            return None
        return float(self._x[self._length - 1]), float(self._y[self._length - 1])

    def append(self, x: float, y: float) -> None:
        """Add a point. One that is not finite leaves a gap; one at or before the last x replaces what
        stood from there on (a resumed run goes over some steps again)."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return
        if self._length and x <= self._x[self._length - 1]:
            self._cut(int(np.searchsorted(self.x, x, side="left")))
        if self._length == len(self._x):
            self._grow(2 * self._length)
        self._x[self._length] = x
        self._y[self._length] = y
        self._length += 1
        self.version += 1

    def extend(self, points: Iterable[tuple[float, float]]) -> None:
        for x, y in points:
            self.append(x, y)

    def add_after(self, x: Floats, y: Floats) -> None:
        """Add points that are finite, in order, and after all that are here."""
        length = self._length + len(x)
        if length > len(self._x):
            self._grow(max(length, 2 * len(self._x)))
        self._x[self._length : length] = x
        self._y[self._length : length] = y
        self._length = length
        self.version += 1

    def replace(self, x: ArrayLike, y: ArrayLike) -> None:
        """Become these points, sorted by x; the last one of several at the same x stays."""
        xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        finite = np.isfinite(xs) & np.isfinite(ys)
        xs, ys = xs[finite], ys[finite]
        order = np.argsort(xs, kind="stable")
        xs, ys = xs[order], ys[order]
        kept = np.append(xs[1:] != xs[:-1], True) if len(xs) else np.zeros(0, dtype=bool)
        self._cut(0)
        self.add_after(xs[kept], ys[kept])

    def put_before(self, x: ArrayLike, y: ArrayLike) -> None:
        """Add earlier points, read from elsewhere; where both have an x, the point that is here stays."""
        self.replace(np.append(np.asarray(x, dtype=np.float64), self.x), np.append(y, self.y))

    def drop_after(self, x: float) -> None:
        """Forget every point right of `x`."""
        self._cut(int(np.searchsorted(self.x, x, side="right")))

    def clear(self) -> None:
        self._cut(0)

    def nearest(self, x: float) -> tuple[float, float] | None:
        """The point whose x is closest; None when there is none."""
        if not self._length:
            return None
        right = int(np.searchsorted(self.x, x))
        candidates = [i for i in (right - 1, right) if 0 <= i < self._length]
        best = min(candidates, key=lambda i: abs(float(self._x[i]) - x))
        return float(self._x[best]), float(self._y[best])

    def envelope(self, low: float, high: float, buckets: int) -> tuple[Floats, Floats]:
        """At most 4 points a bucket that draw like all the points from `low` to `high`.

        The range is cut into about `buckets` (a plot's pixels) by number of points; each keeps its first,
        lowest, highest and last point, so that no peak is lost. The cuts stay where they are while the range
        moves, so that the picture slides and does not shimmer. One point beyond either end is included, so
        that the line runs out of the picture. Few points are given as they are. Fast however many points
        there are: the extremes of whole blocks are kept.
        """
        places = self._picked(*self._range(low, high), buckets)
        return self._x[places], self._y[places]

    def pieces(self, low: float, high: float, buckets: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """The envelope, and of each of its points whether the line goes on to the next: not over a gap."""
        start, end = self._range(low, high)
        places = self._picked(start, end, buckets)
        holes = self._holes(start, end)
        if 0 < len(holes) <= buckets:
            # Where a few gaps begin and end is drawn exactly.
            places = np.union1d(places, np.concatenate([holes, holes + 1]))
        joined = np.ones(len(places), dtype=bool)
        if len(holes):
            # A hole at place i lies between i and i + 1.
            before = np.searchsorted(holes, places)
            joined[:-1] = before[1:] == before[:-1]
        return self._x[places], self._y[places], joined

    def _range(self, low: float, high: float) -> tuple[int, int]:
        start = max(0, int(np.searchsorted(self.x, low, side="left")) - 1)
        return start, min(self._length, int(np.searchsorted(self.x, high, side="right")) + 1)

    def _picked(self, start: int, end: int, buckets: int) -> NDArray[np.intp]:
        if end - start <= 4 * buckets:
            return np.arange(start, end)
        size = _bucket_size(end - start, buckets)
        first, last = -(-start // size) * size, end // size * size
        picked = []
        for one, other in ((start, min(first, end)), (max(last, start), end)):
            if other > one:
                part = self._y[one:other]
                picked += [one, one + int(part.argmin()), one + int(part.argmax()), other - 1]
        whole = max(0, (last - first) // size)
        starts = first + size * np.arange(whole)
        lowest, highest = self._extremes(first, size, whole)
        return np.unique(
            np.concatenate(
                [np.array(picked, dtype=np.intp), starts, lowest, highest, starts + size - 1], dtype=np.intp
            )
        )

    def _extremes(self, first: int, size: int, whole: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if size % BLOCK == 0 and whole:
            self._peaks.cover(self.y)
            return self._peaks.extremes(self._y, first, size, whole)
        rows = self._y[first : first + whole * size].reshape(whole, size)
        starts = first + size * np.arange(whole)
        if not whole:
            return starts, starts
        return starts + rows.argmin(axis=1), starts + rows.argmax(axis=1)

    def _holes(self, start: int, end: int) -> NDArray[np.intp]:
        """Places in a range after which points are missing, as steps without a finite number leave them."""
        x = self._x[start:end]
        if len(x) < 3 or x[-1] - x[0] == len(x) - 1:
            return np.empty(0, dtype=np.intp)
        if self._all_holes[0] != self.version:
            distances = np.diff(self.x)
            usual = np.median(distances[:: max(1, len(distances) // _LOOKED_AT)])
            self._all_holes = self.version, np.flatnonzero(distances > _HOLE * usual)
        holes = self._all_holes[1]
        return holes[np.searchsorted(holes, start) : np.searchsorted(holes, end - 1)]

    def _cut(self, length: int) -> None:
        self._length = length
        self._peaks.forget_from(length)
        self.version += 1
        self.generation += 1

    def _grow(self, capacity: int) -> None:
        for name in ("_x", "_y"):
            larger = np.empty(capacity)
            larger[: self._length] = getattr(self, name)[: self._length]
            setattr(self, name, larger)


def _bucket_size(points: int, buckets: int) -> int:
    """Points a bucket, rounded up to one of four sizes an octave: a point more in view moves no cut. From
    512 on it is a multiple of 128."""
    size = -(-points // buckets)
    step = 1 << max(0, size.bit_length() - 3)
    return -(-size // step) * step
