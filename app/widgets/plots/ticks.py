"""Where an axis has its marks, and what they say. Qt-free."""

import math
from collections.abc import Sequence
from itertools import pairwise

_MOST_DECADES = 6
_FEW = 3


def log_ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Values to mark on a logarithmic axis from 10^`low` to 10^`high`.

    Powers of ten where there are two or more in view, every other one and so on where there are many; else
    round numbers, which are closer together.
    """
    first, last = math.ceil(low), math.floor(high)
    if last - first >= 1:
        stride = max(1, -(-(last - first) // min(most, _MOST_DECADES)))
        return tuple(10.0**power for power in range(first, last + 1, stride))
    bottom, top = 10.0**low, 10.0**high
    few = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1.0, 2.0, 5.0)]
    few = [value for value in few if bottom <= value <= top]
    if len(few) >= _FEW:
        return tuple(few)
    step = round_step((top - bottom) / most)
    count = math.floor(top / step) - math.ceil(bottom / step) + 1
    return tuple(step * (math.ceil(bottom / step) + number) for number in range(max(0, count)))


def round_step(least: float) -> float:
    """The smallest of …, 1, 2, 5, 10, … that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= least * (1 - 1e-9))


def words_of_ticks(values: Sequence[float]) -> list[str]:
    """The marks of an axis, all with the same number of decimals; very small and large ones as powers."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest and (largest < 1e-3 or largest >= 1e6):
        return [_as_power(value) for value in values]
    distances = [abs(one - other) for one, other in pairwise(values) if one != other]
    smallest = min(distances, default=largest or 1.0)
    uneven = distances and max(distances) > 2 * smallest
    if uneven:
        return [f"{value:g}".replace("-", "−") for value in values]
    decimals = min(6, max(0, -math.floor(math.log10(smallest) + 1e-9)))
    return [f"{value:,.{decimals}f}".replace("-", "−") for value in values]


def _as_power(value: float) -> str:
    """2e−5 and not 2.0e-05."""
    if value == 0:
        return "0"
    mantissa, _, power = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(power)}".replace("-", "−")
