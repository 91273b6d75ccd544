"""Repetition shows in the share of different 3-grams."""

from dpo_engine.training.text_health import distinct_share


def test_a_text_that_runs_in_circles_has_few_different_3_grams() -> None:
    healthy, stuck = "one two three four five six", "one two one two one two one two one two"
    assert distinct_share([healthy]) == 1
    assert distinct_share([stuck]) == 2 / 8  # "one two one" and "two one two" of eight 3-grams
    assert distinct_share([healthy, stuck, "two words"]) == (1 + 2 / 8) / 2


def test_texts_too_short_for_any_have_no_share() -> None:
    assert distinct_share(["", "two words"]) is None
