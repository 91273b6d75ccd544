"""The order of suspicion, by values worked out by hand."""

import pytest

from dpo_engine.pair_math import PairScore, probability
from dpo_engine.suspects.ranking import ranked, standing_of


def score(pair: str, difference: float, tokens: tuple[int, int] = (8, 8)) -> PairScore:
    """Policy and reference differ by half of `difference` on the chosen side, and against it on the other."""
    return PairScore(
        pair=pair,
        split="train",
        policy_chosen_logp=-20 + difference / 2,
        policy_rejected_logp=-30 - difference / 2,
        reference_chosen_logp=-20,
        reference_rejected_logp=-30,
        chosen_tokens=tokens[0],
        rejected_tokens=tokens[1],
    )


def test_the_difference_is_divided_by_the_root_of_the_tokens() -> None:
    assert standing_of(score("a", -8.0)) == pytest.approx(-2.0)
    assert standing_of(score("a", -8.0, (40, 24))) == pytest.approx(-1.0)
    assert standing_of(score("a", 3.0, (0, 0))) == pytest.approx(3.0)


def test_a_short_pair_that_is_denied_comes_before_a_long_one_with_a_larger_margin() -> None:
    folds = [(1, [score("long", -4.0, (200, 200)), score("sure", 6.0)]), (2, [score("short", -2.0, (2, 2))])]
    found = ranked(folds, beta=0.1)
    assert [(one.rank, one.pair, one.fold) for one in found] == [
        (1, "short", 2),
        (2, "long", 1),
        (3, "sure", 1),
    ]
    assert [one.margin for one in found] == pytest.approx([-0.2, -0.4, 0.6])
    assert [one.probability for one in found] == pytest.approx([probability(one.margin) for one in found])
    assert found[0].probability < 0.5 < found[2].probability


def test_equal_ones_stay_in_order() -> None:
    assert [one.pair for one in ranked([(1, [score("a", 1.0), score("b", 1.0)])], 0.1)] == ["a", "b"]


def test_nothing_is_nothing() -> None:
    assert ranked([], 0.1) == []
