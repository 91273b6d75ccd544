"""Repeats that come back with sides swapped, and the figures that one annotator's own verdicts give."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from app.store.collecting import comparisons, notes, verdicts
from app.store.collecting.standing import other_side
from app.store.errors import BadValue
from app.store.figures import agreement, quality
from app.store.figures.intervals import Interval, wilson
from app.store.project import Project
from app.store.records import Choice, Comparison
from app.store.undo import journal
from tests.store.makers import comparison


def give(project: Project, comparison_id: int, choice: Choice, annotator: str = "me") -> int:
    return verdicts.give_verdict(
        project, comparison_id, choice, strength=1, annotator=annotator, seconds=2.0
    ).id


def annotate(project: Project, number: int, every: int, rng: Random) -> list[Comparison]:
    """As the app does: plan, take the next, show it, judge it; what was judged, in order."""
    judged = []
    for _ in range(number):
        comparison(project, f"prompt {project.db.table('comparisons').count}")
        for _ in range(rng.randint(1, 3)):  # planning more than once changes nothing
            quality.plan_repeat(project, "me", every, rng)
        following = comparisons.next_comparison(project, annotator="me", rng=rng)
        assert following is not None
        comparisons.mark_shown(project, following.id)
        give(project, following.id, rng.choice(["left", "right", "tie"]))
        judged.append(following)
    return judged


@pytest.mark.parametrize("every", [2, 4, 12])
def test_about_one_in_so_many_comes_back_swapped(project: Project, every: int) -> None:
    judged = annotate(project, 160, every, Random(every))
    repeats = [(place, one) for place, one in enumerate(judged) if one.purpose == "repeat"]
    expected = 160 / every
    assert 0.7 * expected - 2 <= len(repeats) <= 1.3 * expected + 2
    places = {one.id: place for place, one in enumerate(judged)}
    for place, repeat in repeats:
        first = judged[places[repeat.of_id or 0]]
        assert first.purpose == "collect"
        assert (repeat.left.id, repeat.right.id) == (first.right.id, first.left.id)
        assert place - places[first.id] > quality.NOT_OF_THE_LAST
    assert all(later - earlier > 1 for (earlier, _), (later, _) in pairwise(repeats))
    of = [repeat.of_id for _, repeat in repeats]
    assert len(set(of)) == len(of), "those repeated least come first"
    pairs = verdicts.training_pairs(project)
    assert not {f"comparison-{repeat.id}" for _, repeat in repeats} & {pair.id for pair in pairs}
    counts = verdicts.counts(project)
    assert counts.preferences == len(pairs)
    assert counts.asked_again == len(repeats)
    assert counts.preferences + counts.ties + counts.asked_again == counts.today == len(judged)


def test_repeats_may_be_off(project: Project) -> None:
    assert all(one.purpose == "collect" for one in annotate(project, 40, 0, Random(1)))
    with pytest.raises(BadValue, match="cannot be a repeat"):
        quality.plan_repeat(project, "me", 1, Random(1))


def test_a_repeat_is_for_its_annotator_alone(project: Project) -> None:
    annotate(project, 13, 0, Random(1))
    repeat = quality.plan_repeat(project, "me", 2, Random(1))
    assert repeat is not None
    assert quality.plan_repeat(project, "me", 2, Random(1)) is None, "one waits already"
    assert comparisons.next_comparison(project, annotator="you") is None
    assert comparisons.next_comparison(project) is None
    assert comparisons.waiting_count(project) == 0
    following = comparisons.next_comparison(project, annotator="me")
    assert following is not None
    assert following.id == repeat.id
    comparisons.mark_shown(project, repeat.id)
    assert comparisons.next_comparison(project, annotator="you") is None
    assert quality.plan_repeat(project, "you", 2, Random(1)) is None, "you judged nothing"


def test_what_is_deleted_does_not_come_back(project: Project) -> None:
    judged = annotate(project, 12, 0, Random(1))
    notes.set_deleted(project, [one.id for one in judged[:3]], True, annotator="me")
    assert quality.plan_repeat(project, "me", 2, Random(1)) is None
    journal.undo(project, "me")
    assert quality.plan_repeat(project, "me", 2, Random(1)) is not None


def test_self_agreement_takes_the_sides_into_account(project: Project) -> None:
    ones = [comparison(project, f"p{number}") for number in range(24)]
    said: list[Choice] = ["left", "right", "tie", "left"]
    first = {one.id: choice for one, choice in zip(ones, 6 * said, strict=True)}
    for one in ones:
        give(project, one.id, first[one.id])
    for number in range(4):
        repeat = quality.plan_repeat(project, "me", 2, Random(number))
        assert repeat is not None and repeat.of_id is not None
        original = comparisons.get(project, repeat.of_id)
        assert repeat.left.id != original.left.id, "the sides are swapped"
        same = other_side(first[original.id])
        give(project, repeat.id, "both_bad" if number == 3 else same)
        for _fresh in range(4):
            give(project, comparison(project, f"more {number} {_fresh}").id, "left")
    meter = quality.meter(project, "me")
    assert (meter.repeats, meter.agreed, meter.agreement) == (4, 3, 0.75)
    assert meter.interval == wilson(3, 4)
    assert meter.verdicts == meter.today == 24 + 4 + 16
    assert quality.meter(project, "you").repeats == 0


def test_second_looks_are_no_measure_of_self_agreement(project: Project) -> None:
    ones = [comparison(project, f"p{number}") for number in range(4)]
    for one in ones:
        give(project, one.id, "left")
    agreement.ask_again(project, [one.id for one in ones], "me", purpose="second_look", rng=Random(3))
    for one in ones:
        again = comparisons.next_comparison(project, annotator="me")
        assert again is not None
        assert (again.of_id, again.purpose) == (one.id, "second_look")
        give(project, again.id, "right" if again.left.id == one.left.id else "left")
    meter = quality.meter(project, "me")
    assert (meter.repeats, meter.agreed, meter.agreement) == (0, 0, None)
    assert meter.verdicts == 8
    assert verdicts.counts(project).preferences == 4, "a second look is no pair of its own"


def test_left_bias_is_of_fresh_comparisons(project: Project) -> None:
    choices: list[Choice] = ["left", "left", "right", "tie", "left", "skip"]
    ones = [comparison(project, f"p{number}") for number in range(6)]
    for one, choice in zip(ones, choices, strict=True):
        give(project, one.id, choice)
    give(project, ones[0].id, "right", "you")
    agreement.ask_again(project, [ones[0].id], "me", purpose="second_look")
    again = comparisons.next_comparison(project, annotator="me")
    assert again is not None
    give(project, again.id, "left")
    meter = quality.meter(project, "me")
    assert meter.left_share == 0.75
    assert meter.left_interval == wilson(3, 4)
    assert meter.verdicts == 6


def test_the_streak_of_left(project: Project) -> None:
    assert quality.meter(project, "me").streak_of_left == 0
    for number, (choice, streak) in enumerate([("left", 1), ("left", 2), ("right", 0), ("left", 1)]):
        give(project, comparison(project, f"p{number}").id, choice)  # type: ignore[arg-type]
        assert quality.meter(project, "me").streak_of_left == streak
    journal.undo(project, "me")
    assert quality.meter(project, "me").streak_of_left == 0


def test_pace_and_seconds(project: Project) -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for number, minute in enumerate((0, 1, 2, 60, 61)):  # a minute each, and a long pause
        given = give(project, comparison(project, f"p{number}").id, "tie")
        moment = (began + timedelta(minutes=minute)).isoformat(timespec="microseconds")
        project.db.execute(
            "UPDATE verdicts SET created_at = ?, seconds = ? WHERE id = ?", [moment, float(number), given]
        )
    meter = quality.meter(project, "me")
    assert meter.per_hour == pytest.approx(60.0)
    assert meter.median_seconds == 2.0
    assert (meter.verdicts, meter.today) == (5, 0)


def test_imported_and_undone_verdicts_are_in_no_figure(project: Project) -> None:
    kept, taken, brought = (give(project, comparison(project, f"p{n}").id, "left") for n in range(3))
    project.db.execute("UPDATE verdicts SET imported = 1 WHERE id IN (?, ?)", [taken, brought])
    meter = quality.meter(project, "me")
    assert (meter.verdicts, meter.streak_of_left, meter.left_share) == (1, 1, 1.0)
    assert kept


def test_nothing_is_said_of_nothing(project: Project) -> None:
    meter = quality.meter(project, "me")
    assert (meter.agreement, meter.left_share, meter.median_seconds, meter.per_hour) == (None,) * 4
    assert meter.interval == Interval(0.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(hits: int, of: int, low: float, high: float) -> None:
    """R. G. Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3."""
    interval = wilson(hits, of)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)
    mirrored = wilson(of - hits, of)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((interval.low, interval.high))
