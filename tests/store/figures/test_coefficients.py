"""Cohen's κ and Krippendorff's α against published worked examples and by hand, and their intervals."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.store.figures.coefficients import MISSING, cohen_kappa, krippendorff_alpha

_ = MISSING

FOUR_OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
"""K. Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C; α nominal 0.743."""


def test_alpha_of_four_observers_as_published() -> None:
    found = krippendorff_alpha(FOUR_OBSERVERS)
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert found.items == 11, "the unit with a single answer is none"


def test_alpha_of_two_observers_and_two_answers_as_published() -> None:
    """The same text, section A: 10 units, α = 0.095."""
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha([first, second]).value == pytest.approx(0.095, abs=5e-4)


def test_alpha_of_two_observers_and_five_answers_as_published() -> None:
    """The same text, section B: 12 units, α = 0.692."""
    first = "aabbdcccedda"
    second = "babbbccceddd"
    codes = [["abcde".index(one) for one in line] for line in (first, second)]
    assert krippendorff_alpha(codes).value == pytest.approx(0.692, abs=5e-4)


def test_kappa_as_by_hand() -> None:
    """20 both yes, 5 yes-no, 10 no-yes, 15 both no: p_o = 0.7, p_e = 0.5, κ = 0.4."""
    first = [1] * 25 + [0] * 25
    second = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    found = cohen_kappa(first, second)
    assert found.value == pytest.approx(0.4)
    assert found.items == 50
    assert found.low is not None
    assert found.high is not None
    # The large-sample standard error is 0.127 (J. L. Fleiss, J. Cohen, B. S. Everitt, 1969).
    assert (found.low, found.high) == pytest.approx((0.4 - 0.25, 0.4 + 0.25), abs=0.03)


def test_kappa_of_three_answers_as_by_hand() -> None:
    """Table [[10, 2, 0], [1, 8, 3], [0, 1, 5]]: p_o = 23/30, p_e = (12·11 + 12·11 + 6·8) / 900."""
    table = [[10, 2, 0], [1, 8, 3], [0, 1, 5]]
    cells = [(row, column) for row in range(3) for column in range(3) for _ in range(table[row][column])]
    by_chance = (12 * 11 + 12 * 11 + 6 * 8) / 900
    found = cohen_kappa([row for row, _ in cells], [column for _, column in cells])
    assert found.value == pytest.approx((23 / 30 - by_chance) / (1 - by_chance))


def test_missing_answers_are_left_out_of_kappa() -> None:
    full = cohen_kappa([0, 1, 1, 0], [0, 1, 0, 0])
    assert cohen_kappa([0, _, 1, 1, 0, 2], [0, 1, 1, 0, 0, _]) == full


def test_perfect_and_opposite() -> None:
    same = cohen_kappa([0, 1, 0, 1], [0, 1, 0, 1])
    assert (same.value, same.low, same.high) == (1.0, 1.0, 1.0)
    assert cohen_kappa([0, 1, 0, 1], [1, 0, 1, 0]).value == -1.0
    assert krippendorff_alpha([[0, 1, 2], [0, 1, 2], [0, 1, 2]]).value == 1.0


@pytest.mark.parametrize("codes", [[[], []], [[0, 1], [_, _]], [[0, 0, 0], [0, 0, 0]]])
def test_nothing_can_be_said(codes: list[list[int]]) -> None:
    for found in (cohen_kappa(codes[0], codes[1]), krippendorff_alpha(codes)):
        assert (found.value, found.low, found.high) == (None, None, None)


def test_an_interval_is_the_same_every_time_and_narrows() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 3, 400)
    second = np.where(rng.random(400) < 0.7, first, rng.integers(0, 3, 400))
    small = cohen_kappa(first[:50].astype(np.int8), second[:50].astype(np.int8))
    large = cohen_kappa(first.astype(np.int8), second.astype(np.int8))
    assert large == cohen_kappa(first.astype(np.int8), second.astype(np.int8))
    for found in (small, large):
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.value < found.high
    assert (large.high or 0) - (large.low or 0) < ((small.high or 0) - (small.low or 0)) / 2


@settings(max_examples=60, deadline=None)
@given(
    codes=st.integers(2, 4).flatmap(
        lambda people: st.lists(
            st.lists(st.integers(-1, 3), min_size=people, max_size=people), min_size=1, max_size=12
        )
    )
)
def test_alpha_agrees_with_its_definition(codes: list[list[int]]) -> None:
    """Over pairs of answers: α = 1 - (observed disagreement) / (that of all answers shuffled)."""
    units = [[one for one in unit if one != MISSING] for unit in codes]
    units = [unit for unit in units if len(unit) > 1]
    answers = [one for unit in units for one in unit]
    n = len(answers)
    observed = sum(sum(a != b for a in unit for b in unit) / (len(unit) - 1) for unit in units)
    expected = sum(a != b for a in answers for b in answers)
    value = krippendorff_alpha(np.array(codes, np.int8).T, draws=2).value
    if expected == 0:
        assert value is None
    else:
        assert value == pytest.approx(1 - (n - 1) * observed / expected)


def test_many_items_take_no_time() -> None:
    codes = np.random.default_rng(2).integers(-1, 4, (3, 100_000)).astype(np.int8)
    began = time.perf_counter()
    assert krippendorff_alpha(codes).value == pytest.approx(0, abs=0.01)
    assert time.perf_counter() - began < 2
