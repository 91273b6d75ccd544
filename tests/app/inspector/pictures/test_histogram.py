"""Bins that lose no pair."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inspector.pictures.histogram import bin_width, counted, histogram
from app.inspector.pictures.selection import Span
from dpo_engine.pair_math import UNDECIDED_BELOW

MARGINS = st.lists(st.floats(-1e4, 1e4, allow_subnormal=False), min_size=0, max_size=80)


@given(MARGINS)
def test_every_pair_is_in_the_bin_that_says_so(values: list[float]) -> None:
    margin = np.array(values)
    found = histogram(margin, None)
    assert found.counts.sum() == len(values)
    assert len(found.edges) == len(found.counts) + 1 <= 100
    for place, number in enumerate(found.counts.tolist()):
        span = Span(float(found.edges[place]), float(found.edges[place + 1])).opened(found.scale)
        assert int(span.holds(margin).sum()) == number


@given(MARGINS.filter(bool))
def test_no_bin_mixes_signs(values: list[float]) -> None:
    found = histogram(np.array(values), None)
    assert 0.0 in found.edges


def test_the_width_is_that_of_freedman_and_diaconis_rounded() -> None:
    # 1000 values with quartiles 0.25 and 0.75: 2 · 0.5 / 10 = 0.1.
    assert bin_width(np.linspace(0, 1, 1000), 1.0) == pytest.approx(0.1)


def test_one_value_far_off_does_not_make_the_bins_unreadable() -> None:
    margin = np.array([*np.random.default_rng(2).normal(0, 1, 500), 4000.0])
    found = histogram(margin, None)
    assert 8 <= len(found.counts) <= 100
    assert found.scale.open_high
    assert found.counts[-1] >= 1


def test_the_borders_of_the_cases_are_in_view_when_margins_come_near() -> None:
    found = histogram(np.array([-0.2, 0.1, 0.2]), None)
    assert found.scale.low < -UNDECIDED_BELOW
    assert found.scale.high > UNDECIDED_BELOW


def test_tiny_margins_have_bins_of_their_own_size() -> None:
    found = histogram(np.linspace(-0.002, 0.003, 200), None)
    assert np.count_nonzero(found.counts) > 5


def test_before_is_counted_in_the_same_bins_without_pairs_it_did_not_have() -> None:
    found = histogram(np.array([1.0, 2.0, 3.0]), np.array([0.5, math.nan, -1.0]))
    assert found.before is not None
    assert found.before.sum() == 2
    assert found.scale.low <= -1.0


def test_without_another_checkpoint_before_is_a_line() -> None:
    assert histogram(np.array([1.0]), None).before is None


def test_what_lies_beyond_is_in_the_outermost_bins() -> None:
    edges = np.array([0.0, 1.0, 2.0])
    assert counted(np.array([-5.0, 0.0, 0.9, 1.0, 7.0]), edges).tolist() == [3, 2]
