"""Growing curves and the envelope that is drawn of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.widgets.plots.series import Series


def made(points: list[tuple[float, float]]) -> Series:
    series = Series()
    series.extend(points)
    return series


def test_points_are_kept_in_order_while_the_buffer_grows() -> None:
    series = made([(float(n), float(n * n)) for n in range(1000)])
    assert len(series) == 1000
    assert series.x.tolist() == [float(n) for n in range(1000)]
    assert series.y[999] == 999.0**2
    assert series.last == (999.0, 999.0**2)


def test_points_that_are_not_finite_are_left_out() -> None:
    series = made([(1, 1.0), (2, math.nan), (3, math.inf), (4, 4.0)])
    assert series.x.tolist() == [1.0, 4.0]


def test_going_back_replaces_what_came_after() -> None:
    series = made([(1, 1.0), (2, 2.0), (3, 3.0)])
    series.append(2, 20.0)
    assert series.x.tolist() == [1.0, 2.0]
    assert series.y.tolist() == [1.0, 20.0]


def test_drop_after_and_clear() -> None:
    series = made([(1, 1.0), (2, 2.0), (3, 3.0)])
    series.drop_after(2)
    assert series.x.tolist() == [1.0, 2.0]
    series.clear()
    assert series.last is None
    assert series.nearest(1.0) is None


def test_every_change_is_a_new_version() -> None:
    series = Series()
    seen = [series.version]
    for change in (
        lambda: series.append(1, 1.0),
        lambda: series.replace([1, 2], [3, 4]),
        lambda: series.drop_after(1),
        series.clear,
    ):
        change()
        seen.append(series.version)
    assert len(set(seen)) == len(seen)


def test_replace_sorts_and_keeps_the_last_of_equal_steps() -> None:
    series = Series()
    series.replace([3, 1, 2, 1], [30, 10, math.nan, 11])
    assert series.x.tolist() == [1.0, 3.0]
    assert series.y.tolist() == [11.0, 30.0]


def test_loaded_points_go_before_and_yield_to_live_ones() -> None:
    series = made([(3, 33.0), (4, 44.0)])
    series.put_before([1, 2, 3], [1, 2, 3])
    assert series.x.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert series.y.tolist() == [1.0, 2.0, 33.0, 44.0]


@pytest.mark.parametrize(("x", "expected"), [(0.0, 1.0), (2.4, 2.0), (2.6, 3.0), (99.0, 3.0)])
def test_nearest(x: float, expected: float) -> None:
    point = made([(1, 1.0), (2, 2.0), (3, 3.0)]).nearest(x)
    assert point is not None
    assert point[0] == expected


def test_few_points_are_drawn_as_they_are() -> None:
    series = made([(float(n), float(n)) for n in range(100)])
    x, y = series.envelope(0, 100, 50)
    assert x.tolist() == series.x.tolist()
    assert y.tolist() == series.y.tolist()


def test_a_range_takes_one_point_beyond_either_end() -> None:
    series = made([(float(n), 0.0) for n in range(10)])
    x, _ = series.envelope(3.5, 5.5, 100)
    assert x.tolist() == [3.0, 4.0, 5.0, 6.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_envelope_is_small_and_loses_no_peak(length: int, buckets: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    series = Series()
    series.replace(np.arange(length), generator.normal(size=length))
    x, y = series.envelope(0, length, buckets)
    assert len(x) <= 4 * buckets + 4
    assert (np.diff(x) > 0).all()
    assert y.min() == series.y.min()
    assert y.max() == series.y.max()
    assert x[0] == 0
    assert x[-1] == length - 1
    assert (series.y[x.astype(int)] == y).all(), "every drawn point is a real one"


def test_a_hundred_thousand_points() -> None:
    series = Series()
    for n in range(100_000):
        series.append(n, n % 7)
    x, _ = series.envelope(0, 100_000, 300)
    assert len(series) == 100_000
    assert len(x) <= 1204
