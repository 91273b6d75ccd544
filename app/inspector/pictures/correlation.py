"""How strongly two columns go together, and how sure that is. Qt-free, without SciPy.

Intervals hold the true value in 95 of 100 such samples.
"""

import math
from dataclasses import dataclass

import numpy as np

from app.inspector.figures import Floats
from app.store.figures.intervals import Z95, Interval

_LEAST = 4
"""Pairs below which there is no interval: its width has √(n − 3) below the line."""


@dataclass(frozen=True)
class Correlation:
    """`value` from -1 to 1."""

    value: float
    interval: Interval


def pearson(x: Floats, y: Floats) -> Correlation | None:
    """The correlation of the values; None below 4 pairs or where a column is constant.

    Interval: R. A. Fisher (1921), On the probable error of a coefficient of correlation: artanh r is near
    normal with variance 1 / (n - 3).
    """
    value = _correlation(x, y)
    return None if value is None else Correlation(value, _interval(value, 1.0, len(x)))


def spearman(x: Floats, y: Floats) -> Correlation | None:
    """The correlation of the ranks, equal values sharing theirs; None as for `pearson`.

    Interval: D. G. Bonett, T. A. Wright (2000), Sample size requirements for estimating Pearson, Kendall
    and Spearman correlations: the variance is (1 + ρ²/2) / (n - 3).
    """
    value = _correlation(ranks(x), ranks(y))
    return None if value is None else Correlation(value, _interval(value, 1 + value * value / 2, len(x)))


def ranks(values: Floats) -> Floats:
    """1 for the smallest; equal values get the mean of the ranks they take up together."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.concatenate([starts[1:], [len(values)]])
    result = np.empty(len(values))
    result[order] = np.repeat((starts + 1 + ends) / 2, ends - starts)
    return result


def _correlation(x: Floats, y: Floats) -> float | None:
    if len(x) < _LEAST or x.min() == x.max() or y.min() == y.max():
        return None
    away_x, away_y = x - x.mean(), y - y.mean()
    size = math.sqrt(float(away_x @ away_x) * float(away_y @ away_y))
    return None if size == 0 else max(-1.0, min(1.0, float(away_x @ away_y) / size))


def _interval(value: float, variance: float, pairs: int) -> Interval:
    if abs(value) == 1:
        return Interval(value, value)
    middle, half = math.atanh(value), Z95 * math.sqrt(variance / (pairs - 3))
    return Interval(math.tanh(middle - half), math.tanh(middle + half))
