"""A curve's points, growing at the end, and the few of them that a plot of some width needs. Qt-free.

Points arrive one by one at the rate of the engine and are kept in a buffer that doubles; painting asks for
an envelope at its own rate. Nothing is forgotten: the start of a training curve is what its end is read
against, so the buffer grows (16 bytes a point) where a ring would overwrite.
"""

import math
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]

_FIRST_CAPACITY = 256


class Series:
    """Points (x, y) with x strictly rising; `version` changes with every change."""

    def __init__(self) -> None:
        self._x: Floats = np.empty(_FIRST_CAPACITY)
        self._y: Floats = np.empty(_FIRST_CAPACITY)
        self._length = 0
        self.version = 0

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
            self._length = int(np.searchsorted(self.x, x, side="left"))
        if self._length == len(self._x):
            self._grow(2 * self._length)
        self._x[self._length] = x
        self._y[self._length] = y
        self._length += 1
        self.version += 1

    def extend(self, points: Iterable[tuple[float, float]]) -> None:
        for x, y in points:
            self.append(x, y)

    def replace(self, x: ArrayLike, y: ArrayLike) -> None:
        """Become these points, sorted by x; the last one of several at the same x stays."""
        xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        finite = np.isfinite(xs) & np.isfinite(ys)
        xs, ys = xs[finite], ys[finite]
        order = np.argsort(xs, kind="stable")
        xs, ys = xs[order], ys[order]
        kept = np.append(xs[1:] != xs[:-1], True) if len(xs) else np.zeros(0, dtype=bool)
        self._length = 0
        self._grow(max(_FIRST_CAPACITY, int(kept.sum())))
        self._length = int(kept.sum())
        self._x[: self._length] = xs[kept]
        self._y[: self._length] = ys[kept]
        self.version += 1

    def put_before(self, x: ArrayLike, y: ArrayLike) -> None:
        """Add earlier points, read from elsewhere; where both have an x, the point that is here stays."""
        self.replace(np.append(np.asarray(x, dtype=np.float64), self.x), np.append(y, self.y))

    def drop_after(self, x: float) -> None:
        """Forget every point right of `x`."""
        self._length = int(np.searchsorted(self.x, x, side="right"))
        self.version += 1

    def clear(self) -> None:
        self._length = 0
        self.version += 1

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

        The range is cut into `buckets` (a plot's pixels) by number of points; each keeps its first,
        lowest, highest and last point, so that no peak is lost. One point beyond either end is included,
        so that the line runs out of the picture. Few points are given as they are. O(points in range).
        """
        start = max(0, int(np.searchsorted(self.x, low, side="left")) - 1)
        end = min(self._length, int(np.searchsorted(self.x, high, side="right")) + 1)
        x, y = self._x[start:end], self._y[start:end]
        if len(x) <= 4 * buckets:
            return x.copy(), y.copy()
        size = -(-len(x) // buckets)
        whole = len(x) - len(x) % size
        rows = y[:whole].reshape(-1, size)
        first = np.arange(0, whole, size)
        picked = np.sort(
            np.stack(
                [first, first + rows.argmin(axis=1), first + rows.argmax(axis=1), first + size - 1], axis=1
            )
        ).ravel()
        if whole < len(x):
            rest = y[whole:]
            tail = {whole, whole + int(rest.argmin()), whole + int(rest.argmax()), len(x) - 1}
            picked = np.append(picked, sorted(tail))
        picked = np.unique(picked)
        return x[picked], y[picked]

    def _grow(self, capacity: int) -> None:
        for name in ("_x", "_y"):
            larger = np.empty(capacity)
            larger[: self._length] = getattr(self, name)[: self._length]
            setattr(self, name, larger)
