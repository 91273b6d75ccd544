"""What stretch of numbers a picture shows, and where its ticks stand. Qt-free.

A few extreme pairs must not press all others into a corner, nor disappear: a stretch ends at Tukey's far
fences where the rest would otherwise get less than half of the room; what lies beyond is drawn at its rim.
"""

import math
from dataclasses import dataclass

import numpy as np

from app.inspector.figures import Floats

_REACH = 3.0
"""Interquartile ranges beyond the quartiles. Source: J. W. Tukey (1977), Exploratory Data Analysis, 2D."""
_SQUEEZE = 2.0
"""How many times longer than its fenced part a stretch must be before it is cut there."""
_NICE = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, `low` < `high`. Open at a side: values lie beyond it and are shown at the rim."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    @property
    def length(self) -> float:
        return self.high - self.low

    def clamped(self, values: Floats) -> Floats:
        """What lies beyond is put on the rim."""
        return np.clip(values, self.low, self.high)

    def beyond(self, values: Floats) -> int:
        """How many values are shown at the rim because they lie outside."""
        return int(np.count_nonzero((values < self.low) | (values > self.high)))

    def padded(self, share: float) -> "Scale":
        """With room of this share of its length at both ends."""
        room = share * self.length
        return Scale(self.low - room, self.high + room, self.open_low, self.open_high)


def scale_of(values: Floats, *, around: tuple[float, ...] = (0.0,)) -> Scale:
    """The stretch that shows these finite values and all of `around`; from -1 to 1 around a single one."""
    ordered = np.sort(values) if values.size else np.zeros(1)
    low, high = float(ordered[0]), float(ordered[-1])
    inner_low, inner_high = _fenced(ordered)
    bottom, top = min(inner_low, *around), max(inner_high, *around)
    if bottom == top:
        return Scale(bottom - 1.0, top + 1.0)
    return Scale(bottom, top, open_low=low < bottom, open_high=high > top)


def nice_step(length: float, most: int) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that divides `length` into at most `most` steps."""
    smallest = length / max(most, 1)
    power = 10.0 ** math.floor(math.log10(smallest))
    return next(step * power for step in _NICE if step * power >= smallest * (1 - 1e-9))


def nearest_nice(length: float) -> float:
    """The one of 1, 2 or 5 times a power of ten that is the smallest number of times away."""
    power = 10.0 ** math.floor(math.log10(length))
    return power * min(_NICE, key=lambda step: abs(math.log(step * power / length)))


def ticks(scale: Scale, step: float) -> list[float]:
    """The multiples of the step on the scale, lowest first."""
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def places_for(step: float) -> int:
    """Decimals that tell ticks of this step apart."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def quantile(ordered: Floats, share: float) -> float:
    """The value below which this share of rising values lies, by linear interpolation (R's type 7).

    Source: R. J. Hyndman, Y. Fan (1996), Sample quantiles in statistical packages.
    """
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    low, high = float(ordered[below]), float(ordered[above])
    return low + (place - below) * (high - low)


def _fenced(ordered: Floats) -> tuple[float, float]:
    low, high = float(ordered[0]), float(ordered[-1])
    first, third = quantile(ordered, 0.25), quantile(ordered, 0.75)
    reach = _REACH * (third - first)
    bottom = float(ordered[np.searchsorted(ordered, first - reach, side="left")])
    top = float(ordered[np.searchsorted(ordered, third + reach, side="right") - 1])
    if bottom == top or high - low <= _SQUEEZE * (top - bottom):
        return low, high
    return bottom, top
