"""What the colours stand for, the scale, and sums that add up as they are printed."""

import math
import random
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inspector.tokens.values import heat, partners, totals
from app.inspector.tokens.words import sum_words
from tests.app.inspector.tokens.pairs import CHOSEN, REJECTED, detail, pair_tokens

NATS = st.floats(-5000, 5000)


def test_each_mode_shows_its_own_values() -> None:
    pair = pair_tokens(CHOSEN, REJECTED)
    assert heat(pair, "log_ratio").chosen.tolist() == [0.5, 1.5, -0.5]
    assert heat(pair, "policy").rejected.tolist() == [-1.25, -3.0, -1.0]
    assert heat(pair, "reference").chosen.tolist() == [-1.5, -2.0, -0.5]
    assert [heat(pair, mode).signed for mode in ("log_ratio", "policy", "reference", "share")] == [
        True,
        False,
        False,
        True,
    ]


def test_shares_pair_what_both_have_and_add_up_to_the_difference() -> None:
    """By hand: The 0.5 − 0.25; cat alone 1.5; sat −0.5 − 0.0; dog alone −(−2.0)."""
    found = heat(pair_tokens(CHOSEN, REJECTED), "share")
    assert found.chosen.tolist() == [0.25, 1.5, -0.5]
    assert np.isnan(found.rejected[[0, 2]]).all() and found.rejected[1] == 2.0
    assert np.nansum([*found.chosen, *found.rejected]) == pytest.approx(1.5 - -1.75)


def test_shares_of_any_two_responses_add_up_to_the_difference() -> None:
    draw = random.Random(0)
    for _ in range(20):
        sides = [
            [(draw.choice("abcdef"), -draw.random(), -draw.random()) for _ in range(draw.randrange(1, 30))]
            for _ in range(2)
        ]
        pair = pair_tokens(*sides)
        found = heat(pair, "share")
        total = np.nansum(found.chosen) + np.nansum(found.rejected)
        assert total == pytest.approx(pair.chosen.total - pair.rejected.total)


def test_partners_are_the_longest_common_sequence_in_both_directions() -> None:
    of_chosen, of_rejected = partners([1, 2, 3, 4, 5], [9, 2, 4, 9, 5])
    assert of_chosen.tolist() == [-1, 1, -1, 2, 4]
    assert of_rejected.tolist() == [-1, 1, 3, -1, 4]
    assert partners([], [1])[1].tolist() == [-1]


def test_a_few_values_far_out_do_not_stretch_the_scale() -> None:
    many = [("a", -1.0, -1.0 - 0.004 * number) for number in range(200)]
    calm = heat(pair_tokens(many, many), "log_ratio")
    assert calm.limit == 0.8 and calm.beyond == 0 and calm.furthest == 0.0
    wild = heat(pair_tokens([*many, ("b", -20.0, -1.0)], many), "log_ratio")
    assert 0.7 <= wild.limit <= 0.8 and wild.furthest == -19.0
    assert wild.beyond == sum(abs(value) > wild.limit for side in wild.sides for value in side) > 0


def test_the_scale_has_ends_where_nothing_moved() -> None:
    same = [("a", -1.0, -1.0)] * 3
    found = heat(pair_tokens(same, same), "log_ratio")
    assert found.limit > 0 and found.beyond == 0


def test_the_sum_by_hand() -> None:
    total = totals(1.5, -1.75, 0.1)
    assert sum_words(total) == "Σ chosen 1.500 − Σ rejected (−1.750) = 3.250;  × β 0.1 = margin 0.3250"
    # 0.0004 − 0.0003 rounds to 0.000, as both do; 0.0004 + 0.0004 to 0.001, as neither does.
    assert totals(0.0004, -0.0004, 1.0).difference == Decimal("0.001")


@given(chosen=NATS, rejected=NATS, beta=st.floats(0.001, 10))
def test_printed_figures_add_up_as_they_stand(chosen: float, rejected: float, beta: float) -> None:
    total = totals(chosen, rejected, beta)
    assert total.chosen - total.rejected == total.difference
    assert abs(total.difference - (Decimal(chosen) - Decimal(rejected))) <= Decimal("0.0005")
    assert abs(total.chosen - Decimal(chosen)) < Decimal("0.001")
    assert abs(total.rejected - Decimal(rejected)) < Decimal("0.001")
    if total.exact:
        assert total.difference * total.beta == total.margin
    assert abs(total.margin - total.difference * total.beta) <= Decimal("0.00005")


def test_sums_are_those_of_the_tokens_without_loss() -> None:
    many = [detail("a", -0.1, -0.3)] * 10_000
    from app.inspector.tokens.values import SideTokens

    side = SideTokens.of(many)
    assert side.total == pytest.approx(2000.0, abs=1e-9)
    assert math.fsum(side.policy.tolist()) == pytest.approx(-1000.0, abs=1e-9)
