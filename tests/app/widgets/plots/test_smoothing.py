"""The smoothed line is the mean that its formula says, however the points came."""

import numpy as np
import pytest

from app.widgets.plots.series import Series
from app.widgets.plots.smoothing import Smoothed


def by_hand(y: list[float], window: int) -> list[float]:
    """The definition, term by term."""
    weight = 1 - 1 / window
    found = []
    for end in range(1, len(y) + 1):
        weights = [weight ** (end - 1 - place) for place in range(end)]
        found.append(sum(w * v for w, v in zip(weights, y, strict=False)) / sum(weights))
    return found


@pytest.mark.parametrize("window", [2, 10, 100])
def test_it_is_its_definition(window: int) -> None:
    y = np.random.default_rng(1).normal(size=300).tolist()
    series = Series()
    smoothed = Smoothed(series, window)
    for step, value in enumerate(y, start=1):
        series.append(step, value)
        if step % 37 == 0:
            smoothed.catch_up()
    smoothed.catch_up()
    assert smoothed.line.x.tolist() == series.x.tolist()
    assert smoothed.line.y == pytest.approx(by_hand(y, window), abs=1e-12)


def test_it_begins_at_the_first_point_and_keeps_a_constant() -> None:
    series = Series()
    series.extend((step, 0.5) for step in range(1, 200))
    smoothed = Smoothed(series, 50)
    assert smoothed.catch_up()
    assert smoothed.line.y == pytest.approx(np.full(199, 0.5))


def test_many_points_are_smoothed_in_turns() -> None:
    series = Series()
    series.replace(np.arange(1, 200_001), np.ones(200_000))
    smoothed = Smoothed(series, 20)
    turns = 1
    while not smoothed.catch_up():
        turns += 1
        assert len(smoothed.line) < 200_000
    assert turns > 2
    assert smoothed.line.y[-1] == pytest.approx(1.0)
    assert smoothed.caught_up


def test_a_resumed_run_is_smoothed_again() -> None:
    series = Series()
    series.extend((step, 1.0) for step in range(1, 11))
    smoothed = Smoothed(series, 5)
    smoothed.catch_up()
    series.append(6, 3.0)
    assert not smoothed.caught_up
    smoothed.catch_up()
    assert smoothed.line.y == pytest.approx(by_hand([1.0] * 5 + [3.0], 5))
