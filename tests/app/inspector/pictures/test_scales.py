"""What stretch of numbers a picture shows."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inspector.pictures.scales import (
    Scale,
    nearest_nice,
    nice_step,
    places_for,
    quantile,
    scale_of,
    ticks,
)

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(NUMBERS)
def test_a_scale_shows_every_value_or_says_at_which_end_it_does_not(values: list[float]) -> None:
    column = np.array(values)
    scale = scale_of(column)
    assert scale.low < scale.high
    assert scale.low <= 0 <= scale.high
    assert scale.open_low == bool((column < scale.low).any())
    assert scale.open_high == bool((column > scale.high).any())


def test_a_few_extreme_values_are_left_beyond_the_rim() -> None:
    values = np.array([*np.linspace(-1, 1, 100), 500.0])
    scale = scale_of(values)
    assert (scale.low, scale.high) == (-1.0, 1.0)
    assert scale.open_high
    assert not scale.open_low


def test_values_without_extremes_are_all_within() -> None:
    scale = scale_of(np.linspace(-3, 5, 50))
    assert (scale.low, scale.high, scale.open_low, scale.open_high) == (-3.0, 5.0, False, False)


def test_mostly_equal_values_do_not_hide_the_others() -> None:
    scale = scale_of(np.array([0.0] * 90 + [4.0] * 3))
    assert scale.high == 4.0
    assert not scale.open_high


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0]])
def test_a_scale_of_nothing_still_has_a_length(values: list[float]) -> None:
    assert scale_of(np.array(values)).length == 2.0


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40))
def test_quartiles_are_those_of_the_standard_library(values: list[float]) -> None:
    expected = statistics.quantiles(values, n=4, method="inclusive")
    found = [quantile(np.sort(values), share) for share in (0.25, 0.5, 0.75)]
    assert found == pytest.approx(expected, abs=1e-9)


@given(st.floats(1e-6, 1e6), st.integers(1, 30))
def test_steps_are_round_and_not_too_many(length: float, most: int) -> None:
    step = nice_step(length, most)
    assert length / step <= most * (1 + 1e-6)
    first = float(f"{step:.0e}"[0])
    assert first in (1, 2, 5)


def test_ticks_are_the_multiples_within() -> None:
    assert ticks(Scale(-0.45, 1.0), 0.5) == [0.0, 0.5, 1.0]
    assert ticks(Scale(1.0, 3.0), 1.0) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("length", "expected"), [(0.9, 1.0), (0.031, 0.02), (0.033, 0.05), (1.3, 1.0), (7.5, 10.0)]
)
def test_the_nearest_round_number(length: float, expected: float) -> None:
    assert nearest_nice(length) == pytest.approx(expected)


@pytest.mark.parametrize(("step", "places"), [(0.01, 2), (0.5, 1), (1.0, 0), (20.0, 0), (0.2, 1)])
def test_decimals_tell_ticks_apart(step: float, places: int) -> None:
    assert places_for(step) == places
