"""What the pictures say."""

import math

import numpy as np
import pytest

from app.inspector.pictures.calibration import calibration
from app.inspector.pictures.length_bias import length_bias
from app.inspector.pictures.movement import movement
from app.inspector.pictures.selection import Span
from app.inspector.pictures.words import (
    calibration_sentence,
    length_sentence,
    movement_sentence,
    span_words,
    spread_sentence,
)
from tests.app.inspector.pictures.columns import columns_of

UNKNOWN = np.zeros(1000, dtype=np.int64)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (Span(-1.0, 0.5), "−1.00 to 0.50"),
        (Span(high=-0.25), "below −0.25"),
        (Span(low=2.0), "2.00 or more"),
        (Span(), "any"),
    ],
)
def test_spans(span: Span, words: str) -> None:
    assert span_words(span) == words


def test_spread() -> None:
    words = spread_sentence({"learned": 6, "undecided": 3, "against": 1}, 0.523, 0.1)
    assert words == (
        "60\u00a0% learned, 30\u00a0% undecided, 10\u00a0% against. The median margin is 0.52, before 0.10."
    )
    assert spread_sentence({"learned": 0, "undecided": 0, "against": 0}, 0.0, None).startswith("No pair")


def test_movement_tells_the_most_frequent_way_first() -> None:
    words = movement_sentence(movement(columns_of([-1.0, -1.0, -2.0, 1.0], [-1.0, -3.0, -2.0, -1.0])))
    assert (
        words == "Against the reference, in 75\u00a0% both responses fell, in 25\u00a0% only the chosen rose."
    )


def test_length_names_direction_and_size() -> None:
    rng = np.random.default_rng(1)
    difference = rng.integers(-50, 50, 400).astype(float)
    noise = rng.normal(0, 1, 400)
    longer = length_sentence(length_bias(difference, difference / 20 + noise))
    assert longer.startswith("Margins are strongly larger where the chosen response is longer")
    shorter = length_sentence(length_bias(difference, -difference / 70 + noise))
    assert "clearly larger where the chosen response is shorter" in shorter
    unrelated = noise - difference * float(noise @ difference) / float(difference @ difference)
    assert length_sentence(length_bias(difference, unrelated)).startswith("No sign")
    assert length_sentence(length_bias(difference[:3], noise[:3])).startswith("Too few")


def test_calibration_says_too_sure_not_sure_enough_and_about_right() -> None:
    half = np.array([1.0, -1.0] * 100)
    assert calibration_sentence(calibration(half * math.log(9), UNKNOWN[:200])).startswith(
        "Too sure of itself: 90"
    )
    right = np.array([0.1] * 95 + [-0.1] * 5)
    assert calibration_sentence(calibration(right, UNKNOWN[:100])).startswith("Less sure than it could be")
    fair = np.array([math.log(4)] * 80 + [-math.log(4)] * 20)
    assert calibration_sentence(calibration(fair, UNKNOWN[:100])).startswith("About as sure as it may be: 80")


def test_calibration_says_when_there_are_too_few() -> None:
    few = calibration_sentence(calibration(np.ones(29), UNKNOWN[:29]))
    assert few.startswith("Too few to judge by: 29 held-out verdicts")
    assert "Too few" not in calibration_sentence(calibration(np.ones(30), UNKNOWN[:30]))
    assert calibration_sentence(calibration(np.empty(0), UNKNOWN[:0])).startswith("No held-out pair")
    assert "favours neither" in calibration_sentence(calibration(np.zeros(3), UNKNOWN[:3]))
