"""Margin against length."""

import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.inspector.pictures.length_bias import binned_means, length_bias


def test_a_margin_that_is_length_is_found() -> None:
    difference = np.arange(-50.0, 50.0)
    found = length_bias(difference, 0.02 * difference + 0.1)
    assert found.slope == pytest.approx(0.02)
    assert found.pearson is not None
    assert found.pearson.value == pytest.approx(1.0)
    assert (found.longer_chosen, found.shorter_chosen) == (49, 50)


def test_means_and_intervals_of_a_bin_by_hand() -> None:
    rng = np.random.default_rng(4)
    y = rng.normal(0, 1, 40)
    x = np.array([0.0] * 20 + [1.0] * 20)
    found = binned_means(x, y)
    assert found.pairs.tolist() == [20, 20]
    first = sorted(y[:20].tolist())
    assert found.y[0] == pytest.approx(statistics.mean(first))
    half = 1.959964 * statistics.stdev(first) / 20**0.5
    assert found.high[0] - found.y[0] == pytest.approx(half, rel=1e-6)
    assert found.y[0] - found.low[0] == pytest.approx(half, rel=1e-6)


@settings(max_examples=40)
@given(st.lists(st.integers(-6, 6), min_size=20, max_size=300))
def test_bins_hold_all_pairs_and_part_no_equal_lengths(lengths: list[int]) -> None:
    x = np.array(lengths, dtype=np.float64)
    found = binned_means(x, x * 2)
    assert found.pairs.sum() == len(lengths)
    assert float((found.y * found.pairs).sum()) == pytest.approx(2 * sum(lengths), abs=1e-6)
    borders = np.append(found.edges, np.inf)
    counted = [int(((x >= low) & (x < high)).sum()) for low, high in pairwise(borders)]
    assert counted == found.pairs.tolist()


def test_fewer_than_a_bin_have_no_means() -> None:
    assert binned_means(np.arange(19.0), np.arange(19.0)).pairs.size == 0
    assert length_bias(np.empty(0), np.empty(0)).pairs == 0


def test_another_beta_scales_what_is_a_margin_and_nothing_else() -> None:
    rng = np.random.default_rng(5)
    difference, gap = rng.integers(-40, 40, 200).astype(float), rng.normal(0, 4, 200)
    scaled, direct = length_bias(difference, gap).scaled(0.3), length_bias(difference, 0.3 * gap)
    assert scaled.slope == pytest.approx(direct.slope)
    assert scaled.means.low == pytest.approx(direct.means.low)
    assert scaled.means.high == pytest.approx(direct.means.high)
    assert scaled.spearman == direct.spearman
    assert scaled.means.pairs.tolist() == direct.means.pairs.tolist()
