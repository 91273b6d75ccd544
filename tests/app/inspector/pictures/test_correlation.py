"""Correlations against hand-computed values and the standard library."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.inspector.pictures.correlation import pearson, ranks, spearman

COLUMN = st.lists(st.integers(-50, 50), min_size=4, max_size=30)


def test_ranks_share_what_equal_values_take_up() -> None:
    assert ranks(np.array([10.0, 20.0, 10.0, 5.0, 20.0, 20.0])).tolist() == [2.5, 5, 2.5, 1, 5, 5]


@given(COLUMN)
def test_ranks_by_counting(values: list[int]) -> None:
    expected = [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]
    assert ranks(np.array(values, dtype=np.float64)).tolist() == expected


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=4, max_size=30))
def test_pearson_is_that_of_the_standard_library(points: list[tuple[int, int]]) -> None:
    x, y = ([float(point[axis]) for point in points] for axis in (0, 1))
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    found = pearson(np.array(x), np.array(y))
    assert found is not None
    assert found.value == pytest.approx(statistics.correlation(x, y), abs=1e-9)
    assert found.interval.low <= found.value <= found.interval.high


def test_fishers_interval_by_hand() -> None:
    # r = 0.5 of these 12 pairs would be artanh 0.5 ± 1.96 / 3; here r is computed first.
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    y = np.array([2.0, 1, 4, 3, 7, 2, 8, 5, 6, 12, 3, 9])
    r = statistics.correlation(x.tolist(), y.tolist())
    found = pearson(x, y)
    assert found is not None
    assert found.interval.low == pytest.approx(math.tanh(math.atanh(r) - 1.959964 / 3), abs=1e-6)
    assert found.interval.high == pytest.approx(math.tanh(math.atanh(r) + 1.959964 / 3), abs=1e-6)


def test_spearman_sees_any_rising_relation() -> None:
    x = np.array([1.0, 2, 3, 4, 5])
    found = spearman(x, np.exp(x))
    assert found is not None
    assert (found.value, found.interval.low, found.interval.high) == (1.0, 1.0, 1.0)


def test_spearman_without_ties_is_the_textbook_formula() -> None:
    x, y = np.array([1.0, 2, 3, 4, 5, 6]), np.array([2.0, 1, 4, 3, 6, 5])
    found = spearman(x, y)
    assert found is not None
    # 1 − 6 Σ d² / (n (n² − 1)) with six differences of 1.
    rho = 1 - 6 * 6 / (6 * 35)
    assert found.value == pytest.approx(rho)
    half = 1.959964 * math.sqrt((1 + rho * rho / 2) / 3)
    assert found.interval.high == pytest.approx(math.tanh(math.atanh(rho) + half), abs=1e-6)


@pytest.mark.parametrize(("x", "y"), [([1.0, 2, 3], [1.0, 2, 4]), ([1.0, 1, 1, 1], [1.0, 2, 3, 4]), ([], [])])
def test_too_few_or_constant_columns_have_no_correlation(x: list[float], y: list[float]) -> None:
    assert pearson(np.array(x), np.array(y)) is None
    assert spearman(np.array(x), np.array(y)) is None
