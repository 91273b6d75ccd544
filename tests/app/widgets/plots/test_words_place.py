"""Words of a level stand where no curve runs through them."""

import numpy as np
import pytest

from app.widgets.plots.points import Floats
from app.widgets.plots.words_place import PLACES, Place, free_place


def _place(*curves: tuple[list[float], list[float]], present: Place = PLACES[0], level: float = 0.5) -> Place:
    arrays: list[tuple[Floats, Floats]] = [(np.array(x), np.array(y)) for x, y in curves]
    return free_place(
        arrays, level=level, view=(0.0, 100.0), heights=(0.0, 1.0), share=(0.3, 0.2), present=present
    )


@pytest.mark.parametrize(
    ("curve", "wanted"),
    [
        (([], []), Place()),
        (([0.0, 100.0], [0.9, 0.9]), Place()),
        (([0.0, 60.0], [0.6, 0.6]), Place()),
        (([60.0, 100.0], [0.6, 0.6]), Place(right=False)),
        # Steeply through both boxes, without a point in them.
        (([0.0, 100.0], [0.55, 0.65]), Place(above=False)),
        (([0.0, 20.0, 100.0], [0.6, 0.4, 0.6]), Place(above=False)),
    ],
)
def test_it_is_off_the_curve(curve: tuple[list[float], list[float]], wanted: Place) -> None:
    assert _place(curve) == wanted


def test_it_stays_while_it_is_free() -> None:
    there = Place(right=False, above=False)
    assert _place(([0.0, 100.0], [0.9, 0.9]), present=there) == there


def test_it_does_not_leave_the_picture() -> None:
    crowded = ([0.0, 100.0], [0.1, 0.2])
    assert _place(crowded, level=0.05) == PLACES[0]
    assert _place(([70.0, 100.0], [0.12, 0.12]), level=0.05) == Place(right=False)
