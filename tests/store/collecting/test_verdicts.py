"""Verdicts: what each choice means, what a second one does, and which text becomes the chosen one."""

from datetime import UTC, datetime, timedelta

import pytest

from app.store.collecting import comparisons, verdicts
from app.store.errors import BadValue, NoSuchRow
from app.store.project import Project
from app.store.records import Choice, VerdictCounts
from app.store.undo import journal
from dpo_engine.preferences import Message, Pair
from tests.store.makers import comparison


def give(
    project: Project, comparison_id: int, choice: Choice, annotator: str = "me", strength: int = 1
) -> int:
    return verdicts.give_verdict(
        project, comparison_id, choice, strength=strength, annotator=annotator, seconds=2.5
    ).id


def test_a_verdict_comes_back_as_given(project: Project) -> None:
    one = comparison(project)
    given = verdicts.give_verdict(project, one.id, "right", strength=3, annotator="Zoë", seconds=2.5)
    assert verdicts.verdict_of(project, one.id) == given
    assert (given.comparison_id, given.choice, given.strength, given.annotator) == (one.id, "right", 3, "Zoë")
    assert (given.seconds, given.undone_at) == (2.5, None)
    age = datetime.now(UTC) - datetime.fromisoformat(given.created_at)
    assert timedelta(0) <= age < timedelta(minutes=1)


@pytest.mark.parametrize("choice", ["left", "right", "tie", "both_bad"])
def test_an_answer_ends_the_wait(project: Project, choice: Choice) -> None:
    one = comparison(project)
    give(project, one.id, choice)
    assert comparisons.get(project, one.id).state == "answered"
    assert comparisons.next_comparison(project) is None


def test_a_skip_goes_to_the_end(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    give(project, one.id, "skip")
    assert comparisons.get(project, one.id).state == "waiting"
    following = comparisons.next_comparison(project)
    assert following is not None
    assert following.id == other.id
    assert verdicts.counts(project).skips == 1


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("choice", "chosen_side"), [("left", "left"), ("right", "right")])
def test_the_chosen_text_is_that_of_the_side_judged_better(
    project: Project, swapped: bool, choice: Choice, chosen_side: str
) -> None:
    one = comparison(project, "Which?", swapped=swapped)
    on_screen = {"left": one.left.text, "right": one.right.text}
    give(project, one.id, choice, strength=2)
    rejected_side = "right" if chosen_side == "left" else "left"
    assert verdicts.training_pairs(project) == [
        Pair(
            id=f"comparison-{one.id}",
            prompt=(Message("user", "Which?"),),
            chosen=on_screen[chosen_side],
            rejected=on_screen[rejected_side],
            split="train",
            strength=2,
        )
    ]
    # And against the drawing itself: unswapped, the first candidate stands left.
    expected = "first" if (choice == "left") != swapped else "second"
    assert verdicts.training_pairs(project)[0].chosen == expected


def test_only_standing_preferences_are_trained_on(project: Project) -> None:
    kept, tied, bad, skipped, undone, changed = (comparison(project, f"p{i}") for i in range(6))
    held = comparison(project, "held out", split="held_out")
    comparison(project, "never judged")
    give(project, kept.id, "left")
    give(project, tied.id, "tie")
    give(project, bad.id, "both_bad")
    give(project, skipped.id, "skip")
    give(project, changed.id, "left")
    give(project, changed.id, "tie")
    give(project, held.id, "right")
    give(project, undone.id, "left")
    journal.undo(project, "me")
    pairs = verdicts.training_pairs(project)
    assert [(pair.id, pair.split) for pair in pairs] == [
        (f"comparison-{kept.id}", "train"),
        (f"comparison-{held.id}", "held_out"),
    ]
    assert verdicts.counts(project) == VerdictCounts(
        preferences=2, held_out=1, ties=2, both_bad=1, skips=1, today=5
    )


def test_a_second_verdict_supersedes_the_first_and_keeps_it(project: Project) -> None:
    one = comparison(project)
    first = give(project, one.id, "left")
    second = give(project, one.id, "right")
    standing = verdicts.verdict_of(project, one.id)
    assert standing is not None
    assert standing.id == second
    assert [(v.id, v.choice) for v in verdicts.history(project, one.id)] == [
        (first, "left"),
        (second, "right"),
    ]
    assert [(e.verdict_id, e.event) for e in verdicts.timeline(project, one.id)] == [
        (first, "given"),
        (first, "superseded"),
        (second, "given"),
    ]
    assert verdicts.counts(project).preferences == 1


def test_changing_a_preference_to_a_skip_takes_the_pair_away(project: Project) -> None:
    one = comparison(project)
    give(project, one.id, "left")
    give(project, one.id, "skip")
    assert verdicts.training_pairs(project) == []
    assert comparisons.get(project, one.id).state == "waiting"
    assert verdicts.counts(project).skips == 1


def test_today_ends_at_midnight(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    give(project, one.id, "left")
    give(project, other.id, "left")
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    for comparison_id, moment in ((one.id, midnight - timedelta(seconds=1)), (other.id, midnight)):
        project.db.execute(
            "UPDATE verdicts SET created_at = ? WHERE comparison_id = ?",
            [moment.astimezone(UTC).isoformat(timespec="microseconds"), comparison_id],
        )
    assert verdicts.counts(project).today == 1
    assert verdicts.counts(project).preferences == 2


@pytest.mark.parametrize(
    ("choice", "strength", "annotator", "seconds"),
    [
        ("middle", 1, "me", 1.0),
        ("left", 0, "me", 1.0),
        ("left", 4, "me", 1.0),
        ("left", 1, " ", 1.0),
        ("left", 1, "me", -1.0),
        ("left", 1, "me", float("nan")),
        ("left", 1, "me", float("inf")),
    ],
)
def test_what_is_no_verdict_changes_nothing(
    project: Project, choice: Choice, strength: int, annotator: str, seconds: float
) -> None:
    one = comparison(project)
    with pytest.raises(BadValue, match="Nothing was changed"):
        verdicts.give_verdict(
            project, one.id, choice, strength=strength, annotator=annotator, seconds=seconds
        )
    assert verdicts.history(project, one.id) == []
    assert comparisons.get(project, one.id) == one


def test_an_unknown_comparison(project: Project) -> None:
    with pytest.raises(NoSuchRow, match="no comparison 3"):
        give(project, 3, "left")
    assert project.db.table("verdicts").count == 0
    assert verdicts.verdict_of(project, 3) is None
    assert verdicts.history(project, 3) == []


@pytest.mark.parametrize("choice", ["left", "right"])
def test_what_a_person_made_of_it_is_the_chosen_text(project: Project, choice: Choice) -> None:
    one = comparison(project)
    side, other = (one.left, one.right) if choice == "left" else (one.right, one.left)
    given = verdicts.give_verdict(
        project, one.id, choice, strength=1, annotator="me", seconds=1.0, edited="as it should be"
    )
    edit = comparisons.candidate(project, given.edited_id or 0)
    assert (edit.text, edit.edited_from, edit.model, edit.chars) == ("as it should be", side.id, "person", 15)
    (pair,) = verdicts.training_pairs(project)
    assert (pair.chosen, pair.rejected) == ("as it should be", other.text)
    assert comparisons.get(project, one.id).left == one.left, "the original is kept"
    assert verdicts.preferences(project).models == (("person", 1),)


def test_an_edit_that_changes_nothing_is_none(project: Project) -> None:
    one = comparison(project)
    given = verdicts.give_verdict(
        project, one.id, "left", strength=1, annotator="me", seconds=1.0, edited=one.left.text
    )
    assert given.edited_id is None


@pytest.mark.parametrize(("choice", "edited"), [("tie", "text"), ("skip", "text"), ("left", " \n")])
def test_an_edit_that_cannot_be(project: Project, choice: Choice, edited: str) -> None:
    one = comparison(project)
    with pytest.raises(BadValue, match="Nothing was changed"):
        verdicts.give_verdict(project, one.id, choice, strength=1, annotator="me", seconds=1.0, edited=edited)
    assert verdicts.history(project, one.id) == []
    assert project.db.table("candidates").count == 2
