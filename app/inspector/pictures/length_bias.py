"""Whether the margin goes with the length of the response. Qt-free.

Nothing here depends on β but the size of the margins: `scaled` carries it over to another one.
"""

from dataclasses import dataclass, replace

import numpy as np

from app.inspector.figures import Floats, Ints
from app.inspector.pictures.correlation import Correlation, pearson, spearman
from app.inspector.pictures.equal_bins import starts_of_bins
from app.store.figures.intervals import Z95

_MOST_BINS, _LEAST_IN_BIN = 9, 20
"""A mean of fewer pairs has an interval that the normal distribution makes too narrow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Means:
    """The mean of one column over bins of another, with its 95 % interval; one entry a bin."""

    edges: Floats
    """Where each bin begins."""
    x: Floats
    y: Floats
    low: Floats
    high: Floats
    pairs: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class LengthBias:
    pairs: int
    longer_chosen: int
    """Pairs whose chosen response has more tokens than the rejected one."""
    shorter_chosen: int
    pearson: Correlation | None
    spearman: Correlation | None
    slope: float | None
    """Margin a token, by least squares."""
    means: Means

    def scaled(self, factor: float) -> "LengthBias":
        """The same with all margins `factor` times as large; `factor` > 0, so no correlation changes."""
        means = self.means
        return replace(
            self,
            slope=None if self.slope is None else self.slope * factor,
            means=replace(means, y=means.y * factor, low=means.low * factor, high=means.high * factor),
        )


def length_bias(difference: Floats, margin: Floats) -> LengthBias:
    """`difference` in tokens, chosen minus rejected."""
    linear = pearson(difference, margin)
    return LengthBias(
        pairs=len(difference),
        longer_chosen=int(np.count_nonzero(difference > 0)),
        shorter_chosen=int(np.count_nonzero(difference < 0)),
        pearson=linear,
        spearman=spearman(difference, margin),
        slope=None if linear is None else float(linear.value * margin.std() / difference.std()),
        means=binned_means(difference, margin),
    )


def binned_means(x: Floats, y: Floats) -> Means:
    """Means of y over bins of equally many pairs; the interval is mean ± 1.96 · s / √n."""
    order = np.argsort(x)
    x, y = x[order], y[order]
    starts = starts_of_bins(x, min(_MOST_BINS, len(x) // _LEAST_IN_BIN)) if len(x) >= _LEAST_IN_BIN else None
    if starts is None:
        none = np.empty(0)
        return Means(edges=none, x=none, y=none, low=none, high=none, pairs=np.empty(0, dtype=np.int64))
    pairs = np.diff(np.append(starts, len(x)))
    mean_x, mean_y = np.add.reduceat(x, starts) / pairs, np.add.reduceat(y, starts) / pairs
    away = y - np.repeat(mean_y, pairs)
    deviation = np.sqrt(np.add.reduceat(away * away, starts) / np.maximum(pairs - 1, 1))
    # One pair alone says nothing about how far its like may lie from it.
    half = np.where(pairs > 1, Z95 * deviation / np.sqrt(pairs), np.inf)
    return Means(
        edges=x[starts],
        x=mean_x,
        y=mean_y,
        low=mean_y - half,
        high=mean_y + half,
        pairs=pairs.astype(np.int64),
    )
