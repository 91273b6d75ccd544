"""How sure a share is: the interval that holds the true one in 95 of 100 such samples."""

from dataclasses import dataclass
from math import sqrt

Z95 = 1.959963984540054
"""The standard normal's quantile at 0.975."""


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both included."""

    low: float
    high: float


def wilson(hits: int, of: int, z: float = Z95) -> Interval:
    """Wilson's score interval of a share of `hits` among `of` trials; from 0 to 1 where nothing was tried.

    Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if of == 0:
        return Interval(0.0, 1.0)
    share = hits / of
    scale = 1 + z * z / of
    middle = (share + z * z / (2 * of)) / scale
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / scale
    return Interval(0.0 if hits == 0 else middle - half, 1.0 if hits == of else middle + half)
