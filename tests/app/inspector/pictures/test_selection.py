"""Which pairs a brush holds."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.inspector.pictures.brush import Brush
from app.inspector.pictures.movement import movement
from app.inspector.pictures.scales import Scale
from app.inspector.pictures.selection import Region, Span, inside, lasso, rectangle
from tests.app.inspector.pictures.columns import columns_of, random_columns

UNIT = Scale(0.0, 1.0)


@given(st.floats(-5, 5), st.floats(-5, 5), st.lists(st.floats(-5, 5), max_size=30))
def test_spans_that_touch_share_no_value_and_lose_none(a: float, b: float, values: list[float]) -> None:
    low, high = sorted((a, b))
    column = np.array(values, dtype=np.float64)
    spans = [Span(high=low), Span(low, high), Span(low=high)]
    assert sum(int(span.holds(column).sum()) for span in spans) == len(values)


def test_a_rectangle_reaches_beyond_the_rim_that_it_touches() -> None:
    region = rectangle((0.5, 0.2), (1.0, 0.0), UNIT, UNIT)
    assert region.x == Span(0.5, math.inf)
    assert region.y == Span(-math.inf, 0.2)
    held = region.holds(np.array([0.5, 9.0, 0.4, 0.7]), np.array([0.1, -7.0, 0.1, 0.2]))
    assert held.tolist() == [True, True, False, False]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=40))
def test_a_square_drawn_freely_is_that_square(points: list[tuple[float, float]]) -> None:
    x, y = (np.array([point[axis] for point in points], dtype=np.float64) for axis in (0, 1))
    square = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    expected = (x >= 0.25) & (x < 0.75) & (y >= 0.25) & (y < 0.75)
    assert inside(square, x, y).tolist() == expected.tolist()


def test_a_lasso_leaves_out_its_bay() -> None:
    """A U: what lies between its arms is outside."""
    u = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.6, 0.9), (0.6, 0.4), (0.4, 0.4), (0.4, 0.9), (0.1, 0.9))
    region = lasso(u, UNIT, UNIT)
    assert region is not None
    assert region.holds(np.array([0.2, 0.5, 0.8, 0.5]), np.array([0.8, 0.8, 0.8, 0.2])).tolist() == [
        True,
        False,
        True,
        True,
    ]


def test_a_lasso_at_the_rim_holds_what_stands_there_for_beyond() -> None:
    region = lasso(((0.5, -0.1), (1.1, -0.1), (1.1, 0.5), (0.5, 0.5)), UNIT, UNIT)
    assert region is not None
    assert region.holds(np.array([40.0, 40.0]), np.array([0.2, 0.8])).tolist() == [True, False]


def test_two_corners_go_round_nothing() -> None:
    assert lasso(((0.0, 0.0), (1.0, 1.0)), UNIT, UNIT) is None


def test_each_picture_brushes_its_own_numbers() -> None:
    columns = columns_of(
        [4.0, -4.0, 0.0], [0.0, 0.0, 0.0], difference=[10, -10, 0], held_out=[True, True, True]
    )
    assert Brush("margins", Region(Span(low=0.3))).holds(columns).tolist() == [True, False, False]
    assert Brush("log_ratios", Region(Span(), Span(high=0.0))).holds(columns).tolist() == [False, True, False]
    assert Brush("length", Region(Span(low=0.0))).holds(columns).tolist() == [True, False, True]
    # σ(0.4) = 0.599 both ways; the pair without a preference has no confidence.
    assert Brush("calibration", Region(Span(0.5, 0.7))).holds(columns).tolist() == [True, True, False]


def test_calibration_brushes_held_out_pairs_only() -> None:
    columns = random_columns(200)
    held = Brush("calibration", Region(Span())).holds(columns)
    assert held.tolist() == columns.held_out.tolist()


def test_a_brush_of_margins_follows_beta() -> None:
    gap, brush = [1.0, 3.0, 8.0], Brush("margins", Region(Span(0.25, 0.5)))
    assert brush.holds(columns_of(gap, [0.0] * 3, beta=0.1)).tolist() == [False, True, False]
    assert brush.holds(columns_of(gap, [0.0] * 3, beta=0.05)).tolist() == [False, False, True]


def test_movement_counts_each_pair_once() -> None:
    found = movement(columns_of([1.0, -1.0, 1.0, -1.0, 0.0], [1.0, -1.0, -1.0, 1.0, 0.0]))
    assert (found.both_rose, found.both_fell, found.parted, found.crossed) == (1, 2, 1, 1)
    assert found.beyond == 0
    far = movement(columns_of([*np.linspace(-1, 1, 99), 300.0], np.linspace(-1, 1, 100)))
    assert far.beyond == 1
