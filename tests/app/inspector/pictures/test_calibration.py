"""Reliability of folded pairs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.inspector.pictures.calibration import calibration, confidence_of, reliability
from app.store.figures.intervals import wilson
from dpo_engine.pair_math import probability

MARGINS = st.lists(st.floats(-8, 8).filter(lambda m: abs(m) > 1e-9), min_size=1, max_size=400)


@pytest.mark.parametrize("margin", [-3.0, -0.1, 0.0, 0.4, 700.0, -700.0])
def test_confidence_is_the_probability_of_the_favoured_response(margin: float) -> None:
    found = float(confidence_of(np.array([margin]))[0])
    assert found == pytest.approx(max(probability(margin), probability(-margin)))


@settings(max_examples=60)
@given(MARGINS)
def test_bins_hold_every_verdict_once(margins: list[float]) -> None:
    found = reliability(np.array(margins))
    assert sum(one.verdicts for one in found.bins) == found.verdicts == len(margins)
    assert found.agreement == sum(m > 0 for m in margins) / len(margins)
    lows = [one.low for one in found.bins]
    assert lows == sorted(set(lows))
    assert 1 <= len(found.bins) <= 10
    for one in found.bins:
        assert one.interval == wilson(round(one.agreement * one.verdicts), one.verdicts)


@settings(max_examples=60)
@given(MARGINS)
def test_folding_is_the_same_as_taking_each_pair_both_ways_round(margins: list[float]) -> None:
    """Of the doubled set (p, 1) and (1 − p, 0), the upper half is the folded one."""
    doubled = [(probability(m), 1) for m in margins] + [(probability(-m), 0) for m in margins]
    upper = [(p, right) for p, right in doubled if p > 0.5]
    found = reliability(np.array(margins))
    assert len(upper) == found.verdicts
    assert found.confidence == pytest.approx(sum(p for p, _ in upper) / len(upper))
    assert found.agreement == pytest.approx(sum(right for _, right in upper) / len(upper))


def test_the_error_by_hand() -> None:
    # 15 pairs with confidence 0.6 of which 12 agree, and 15 with 0.9 of which 9 agree: two bins.
    low, high = math.log(0.6 / 0.4), math.log(0.9 / 0.1)
    margin = np.array([low] * 12 + [-low] * 3 + [high] * 9 + [-high] * 6)
    found = reliability(margin)
    assert [one.verdicts for one in found.bins] == [15, 15]
    assert [one.agreement for one in found.bins] == [0.8, 0.6]
    assert found.error == pytest.approx(0.5 * 0.2 + 0.5 * 0.3)
    by_chance = 0.5 * math.sqrt(2 / math.pi) * (math.sqrt(0.24 / 15) + math.sqrt(0.09 / 15))
    assert found.error_by_chance == pytest.approx(by_chance)


def test_a_calibrated_policy_has_about_the_error_of_chance() -> None:
    rng = np.random.default_rng(11)
    size = np.abs(rng.normal(0, 2, 20_000))
    margin = np.where(rng.random(20_000) < 1 / (1 + np.exp(-size)), size, -size)
    found = reliability(margin)
    assert found.error < 2 * found.error_by_chance
    assert reliability(3 * margin).error > 10 * found.error_by_chance


def test_no_preference_is_left_out_and_counted() -> None:
    found = calibration(np.array([0.0, 0.0, 1.0]), np.array([1, 1, 1]))
    assert (found.held_out, found.verdicts) == (3, 1)
    assert calibration(np.zeros(5), np.zeros(5, dtype=np.int64)).overall is None
    assert calibration(np.empty(0), np.empty(0, dtype=np.int64)).held_out == 0


def test_strengths_are_told_apart_only_when_both_are_there_in_number() -> None:
    margin = np.ones(100)
    many = np.array([1] * 60 + [2] * 20 + [3] * 20)
    found = calibration(margin, many)
    assert found.better is not None
    assert found.much_better is not None
    assert (found.better.verdicts, found.much_better.verdicts) == (60, 40)
    few = calibration(margin, np.array([1] * 75 + [2] * 25))
    assert few.better is few.much_better is None
    assert calibration(margin, np.zeros(100, dtype=np.int64)).better is None
