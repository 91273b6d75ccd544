"""The figures that benchmarks compute themselves, against values worked out by hand."""

import pytest

from dpo_engine.preferences import Message
from tests.benchmarks import suspects
from tests.benchmarks.helpers import flops
from tests.benchmarks.helpers.drawing import Draw
from tests.benchmarks.helpers.text_health import distinct_across, repeats, wilson
from tests.benchmarks.helpers.verdict_cell import compare, labelled
from tests.benchmarks.helpers.verdict_rules import RULES, verdict


def draw(text: str) -> Draw:
    return Draw(text=text, tokens=len(text.split()), ended=True)


def words(number: int) -> Draw:
    return draw(" ".join(map(str, range(number))))


@pytest.mark.parametrize(
    ("rule", "better", "worse"),
    [
        ("shorter", "Yes.", "Yes, of course."),
        ("list", "Do this:\n- eat\n- sleep", "Eat, then sleep - or not."),
        ("list", "1. eat\n2. sleep", "1. eat"),
        ("no-question", "Eat.", "Eat. Will you?"),
        ("formal", "Therefore we kindly inform you.", "Hey, we're gonna tell you!"),
    ],
)
def test_a_rule_prefers_what_it_says(rule: str, better: str, worse: str) -> None:
    assert verdict(RULES[rule], better, worse) == 1
    assert verdict(RULES[rule], worse, better) == 0
    assert verdict(RULES[rule], better, better) == 0.5


def test_the_interval_of_a_share() -> None:
    # Wilson's interval of 8 in 10 at z = 1.96, from Brown, Cai and DasGupta's formula: 0.490 to 0.943.
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)


def test_repetition_shows() -> None:
    healthy, stuck = "one two three four five six", "one two one two one two one two one two"
    assert distinct_across([healthy, healthy], 8) == 0.5
    assert repeats(stuck) and not repeats(healthy)


def test_the_operations_of_a_pair() -> None:
    # Prompt 2, responses 1 and 1: queries see 1 + 2 keys, then 3 each. Unshared: twice 1 + 2 + 3.
    assert flops.shared([(2, 1, 1)]) == flops.Load(tokens=4, scored=2, seen=9)
    assert flops.unshared([(2, 1, 1)]) == flops.Load(tokens=6, scored=2, seen=12)
    weights = flops.Weights(layers=10, head=5, adapter=2, attention=3)
    load = flops.Load(tokens=4, scored=2, seen=9)
    # 6 · (10 · 4 + 5 · 2) + 12 · 3 · 9; frozen 4 · 50 + 6 · 2 · 4 + 324; forward 2 · 50 + 4 · 3 · 9
    assert flops.training(load, flops.Weights(layers=10, head=5, adapter=0, attention=3), full=True) == 624
    assert flops.training(load, weights, full=False) == 572
    assert flops.forward(load, weights) == 208


def test_verdicts_are_spread_over_the_prompts() -> None:
    prompts = [(Message("user", "A"),), (Message("user", "B"),)]
    texts = [[words(count) for count in counts] for counts in ((10, 20, 30, 35), (40, 10, 20, 12))]
    given = labelled(prompts, texts, "shorter", 4)
    # Between them candidates 2 and 3 met, twice: five and eight words of difference, which nobody sees.
    assert [pair.id for pair in given.pairs] == ["0-0-1", "1-0-1", "0-0-2", "1-0-2"]
    assert given.looked_at == 6
    lengths = [(len(pair.chosen.split()), len(pair.rejected.split())) for pair in given.pairs[:2]]
    assert lengths == [(10, 20), (10, 40)]
    with pytest.raises(SystemExit, match="Only 9 pairs"):
        labelled(prompts, texts, "shorter", 100)


def test_nobody_prefers_a_text_that_runs_in_circles() -> None:
    texts = [[draw("on and on it goes " * 3), words(40)], [words(10), words(40)]]
    prompts = [(Message("user", "A"),), (Message("user", "B"),)]
    assert [pair.id for pair in labelled(prompts, texts, "shorter", 1).pairs] == ["1-0-1"]


def test_every_draw_meets_every_one_of_the_reference() -> None:
    result = compare(
        [[draw("a")], [draw("a b c d")], [draw("a")]],
        [[draw("a b"), draw("a")], [draw("a"), draw("b")], [draw("b"), draw("c")]],
        "shorter",
    )
    assert result["wins"] == [0.75, 0.0, 0.5]
    assert result["decided"] == [1.0, 0.0]  # the third prompt had ties alone
    assert result["tuned"]["words"] == 2


def test_the_first_tenth_and_how_often_turned_stand_before_right_ones() -> None:
    rows = [{"flipped": place in (0, 3), "difference": float(place)} for place in range(20)]
    by_difference = suspects.ORDERS["margin"]
    assert suspects.first_tenth(rows, by_difference) == (1, 2)
    # Of 36 couples the one turned stands before all 18, the other before 16.
    assert suspects.auc(rows, by_difference) == pytest.approx(34 / 36)
    tied = [{"flipped": True, "difference": 0.0}, {"flipped": False, "difference": 0.0}]
    assert suspects.auc(tied, by_difference) == 0.5
