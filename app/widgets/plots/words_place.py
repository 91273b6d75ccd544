"""Where the words of a level line stand: at one of its ends, above or below it, off the curves. Qt-free."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.widgets.plots.points import Floats


@dataclass(frozen=True)
class Place:
    right: bool = True
    above: bool = True


PLACES = (Place(), Place(right=False), Place(above=False), Place(right=False, above=False))
"""The best one first."""


def free_place(
    curves: Iterable[tuple[Floats, Floats]],
    *,
    level: float,
    view: tuple[float, float],
    heights: tuple[float, float],
    share: tuple[float, float],
    present: Place,
) -> Place:
    """`present` while no curve runs through it, else the first that is free; the best where none is.

    `share`: the words' width and height as parts of the picture's, which shows `view` and `heights`.
    """
    curves = list(curves)
    across, up = share[0] * (view[1] - view[0]), share[1] * (heights[1] - heights[0])
    for place in (present, *PLACES):
        left = view[1] - across if place.right else view[0]
        bottom = level if place.above else level - up
        slack = 0.1 * up
        in_sight = heights[0] - slack <= bottom and bottom + up <= heights[1] + slack
        if in_sight and not any(
            _meets(x, y, (left, left + across), (bottom, bottom + up)) for x, y in curves
        ):
            return place
    return PLACES[0]


def _meets(x: Floats, y: Floats, across: tuple[float, float], up: tuple[float, float]) -> bool:
    """Whether the line through the points comes between these heights on this stretch."""
    if not len(x) or x[-1] < across[0] or across[1] < x[0]:
        return False
    ends = np.clip(across, x[0], x[-1])
    first, last = np.searchsorted(x, across)
    seen = np.append(y[first:last], np.interp(ends, x, y))
    return bool(seen.max() >= up[0] and seen.min() <= up[1])
