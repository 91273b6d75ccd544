"""Envelopes of very many points: from kept extremes, and the same as from all the points."""

import numpy as np
import pytest

from app.widgets.plots.peaks import BLOCK, Peaks
from app.widgets.plots.series import Series

POINTS = 200_000


@pytest.fixture
def noisy() -> Series:
    generator = np.random.default_rng(3)
    series = Series()
    series.replace(np.arange(1, POINTS + 1), generator.normal(size=POINTS).cumsum())
    return series


def test_extremes_are_those_of_all_points() -> None:
    y = np.random.default_rng(5).normal(size=10 * BLOCK + 7)
    peaks = Peaks()
    peaks.cover(y[: 3 * BLOCK])
    peaks.cover(y)
    lowest, highest = peaks.extremes(y, 2 * BLOCK, 4 * BLOCK, 2)
    for bucket, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        part = slice((2 + 4 * bucket) * BLOCK, (6 + 4 * bucket) * BLOCK)
        assert y[low] == y[part].min()
        assert y[high] == y[part].max()
        assert part.start <= low < part.stop


def test_what_came_anew_is_looked_at_again() -> None:
    y = np.zeros(2 * BLOCK)
    peaks = Peaks()
    peaks.cover(y)
    y[BLOCK + 5] = 9.0
    peaks.forget_from(BLOCK + 5)
    peaks.cover(y)
    assert peaks.extremes(y, 0, BLOCK, 2)[1].tolist() == [0, BLOCK + 5]


@pytest.mark.parametrize("view", [(0, POINTS), (777, 150_123), (50_000, 51_000), (199_000, 250_000)])
def test_no_peak_is_lost(noisy: Series, view: tuple[int, int]) -> None:
    low, high = view
    x, y = noisy.envelope(low, high, 300)
    inside = slice(max(0, low - 1), min(POINTS, high))
    assert y.max() == noisy.y[inside].max()
    assert y.min() == noisy.y[inside].min()
    assert len(x) <= 4 * 302
    assert (np.diff(x) > 0).all()
    assert (noisy.y[x.astype(int) - 1] == y).all(), "every point of it is one of the curve's"


def test_a_lone_spike_is_in_every_envelope(noisy: Series) -> None:
    spike = 123_457
    noisy.drop_after(0)
    flat = np.zeros(POINTS)
    flat[spike - 1] = 1.0
    noisy.replace(np.arange(1, POINTS + 1), flat)
    for start in range(0, spike, 7_919):
        assert noisy.envelope(start, POINTS, 250)[1].max() == 1.0


def test_the_picture_slides_and_does_not_shimmer(noisy: Series) -> None:
    """Moved by a little, all but the ends of the envelope are the same points."""
    before = set(noisy.envelope(40_000, 140_000, 300)[0].tolist())
    after = set(noisy.envelope(40_100, 140_100, 300)[0].tolist())
    assert len(before & after) > 0.97 * len(before)


def test_points_that_come_are_in_it(noisy: Series) -> None:
    noisy.envelope(0, POINTS, 100)
    for step in range(POINTS + 1, POINTS + 1000):
        noisy.append(step, 1e6 if step == POINTS + 500 else 0.0)
    assert noisy.envelope(0, 2 * POINTS, 100)[1].max() == 1e6
    noisy.append(POINTS + 400, 0.0)
    assert noisy.envelope(0, 2 * POINTS, 100)[1].max() < 1e6, "a resumed run went over them again"


def test_a_line_breaks_where_steps_are_missing() -> None:
    series = Series()
    series.extend((step, 1.0) for step in (1, 2, 3, 6, 7, 8))
    x, _, joined = series.pieces(0, 10, 100)
    assert x.tolist() == [1, 2, 3, 6, 7, 8]
    assert joined[:-1].tolist() == [True, True, False, True, True]


def test_steps_at_other_distances_have_no_gaps() -> None:
    series = Series()
    series.extend((step, 1.0) for step in (10, 20, 30, 40, 43))
    assert series.pieces(0, 50, 100)[2].all()


def test_a_gap_shows_among_very_many_points(noisy: Series) -> None:
    x, y = noisy.x.copy(), noisy.y.copy()
    there = (x < 90_000) | (x > 110_000)
    noisy.replace(x[there], y[there])
    x, _, joined = noisy.pieces(0, POINTS, 200)
    (broken,) = np.flatnonzero(~joined)
    assert (x[broken], x[broken + 1]) == (89_999, 110_001)
