"""A curve smoothed: the exponential moving average of its points, corrected for its start. Qt-free.

s_n = Σ_{i≤n} w^{n−i} y_i / Σ_{i≤n} w^{n−i}: with the weights' own sum below, the first points are averages of
what there is and not pulled to zero (Kingma & Ba 2015, section 3, the same correction as Adam's).
"""

import numpy as np

from app.widgets.plots.points import Floats
from app.widgets.plots.series import Series

_AT_ONCE = 64_000
"""Points smoothed before the caller's other work has its turn: about a millisecond."""
_BLOCK = 64


class Smoothed:
    """Follows `source`; `line` has what is smoothed so far."""

    def __init__(self, source: Series, window: int) -> None:
        """`window`: about how many points are averaged, from 2. A point counts 1 − 1/window of the next."""
        self.source = source
        self.line = Series()
        self._weight = 1.0 - 1.0 / window
        self._generation = source.generation
        self._sum = 0.0
        """Σ w^{n−i} y_i up to the last point of `line`."""
        powers: Floats = np.float64(self._weight) ** np.arange(_BLOCK + 1)
        self._powers = powers
        distance = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)[None, :]
        self._mix: Floats = np.where(distance >= 0, powers[np.maximum(distance, 0)], 0.0)

    @property
    def caught_up(self) -> bool:
        return self._generation == self.source.generation and len(self.line) == len(self.source)

    def catch_up(self) -> bool:
        """Smooth some of the points that came; whether that was the last of them."""
        if self._generation != self.source.generation:
            self._generation = self.source.generation
            self.line.clear()
            self._sum = 0.0
        done = len(self.line)
        x, y = self.source.x[done : done + _AT_ONCE], self.source.y[done : done + _AT_ONCE]
        if len(y):
            counts = np.arange(done + 1, done + len(y) + 1)
            weights = (1.0 - self._weight**counts) / (1.0 - self._weight)
            self.line.add_after(x, self._sums(y) / weights)
        return self.caught_up

    def _sums(self, y: Floats) -> Floats:
        """Σ w^{n−i} y_i at each of these points: in blocks by a matrix, from block to block one by one."""
        blocks = -(-len(y) // _BLOCK)
        padded = np.zeros((blocks, _BLOCK))
        padded.ravel()[: len(y)] = y
        local = padded @ self._mix.T
        carried = np.empty(blocks)
        sum_before, over_block = self._sum, float(self._powers[_BLOCK])
        for number, end in enumerate(local[:, -1].tolist()):
            carried[number] = sum_before
            sum_before = over_block * sum_before + end
        sums = (local + carried[:, None] * self._powers[None, 1:]).ravel()[: len(y)]
        self._sum = float(sums[-1])
        return sums
