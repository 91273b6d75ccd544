"""Agreement between annotators of a project, what they dispute, and asking again."""

from random import Random

import pytest

from app.store.collecting import comparisons, notes, verdicts
from app.store.errors import NoSuchRow
from app.store.figures import agreement
from app.store.figures.coefficients import cohen_kappa, krippendorff_alpha
from app.store.project import Project
from app.store.records import Choice
from app.store.undo import journal
from tests.store.makers import comparison

SAID: list[tuple[Choice, Choice, Choice | None]] = [
    ("left", "left", "left"),
    ("left", "right", None),
    ("right", "right", "right"),
    ("tie", "left", "skip"),
    ("both_bad", "both_bad", "tie"),
    ("right", "right", None),
]
"""What ann, bob and cy said of six comparisons."""


@pytest.fixture
def judged(project: Project) -> list[int]:
    ids = []
    for number, said in enumerate(SAID):
        one = comparison(project, f"p{number}")
        ids.append(one.id)
        for annotator, choice in zip(("ann", "bob", "cy"), said, strict=True):
            if choice is not None:
                give(project, one.id, choice, annotator)
    give(project, comparison(project, "alone").id, "left", "ann")
    return ids


def give(project: Project, comparison_id: int, choice: Choice, annotator: str) -> None:
    verdicts.give_verdict(project, comparison_id, choice, strength=1, annotator=annotator, seconds=1.0)


def test_agreement_is_that_of_the_standing_answers(project: Project, judged: list[int]) -> None:
    give(project, judged[5], "left", "bob")
    journal.undo(project, "bob")
    found = agreement.between(project)
    table = [
        [agreement.ANSWERS.index(one) if one in agreement.ANSWERS else -1 for one in line]  # type: ignore[arg-type]
        for line in zip(*SAID, strict=True)
    ]
    assert found.annotators == ("ann", "bob", "cy")
    assert found.alpha == krippendorff_alpha(table)
    assert found.alpha.items == 6
    kappas = {(pair.first, pair.second): (pair.kappa, pair.same) for pair in found.pairs}
    assert kappas == {
        ("ann", "bob"): (cohen_kappa(table[0], table[1]), 4),
        ("ann", "cy"): (cohen_kappa(table[0], table[2]), 2),
        ("bob", "cy"): (cohen_kappa(table[1], table[2]), 2),
    }


def test_alone_there_is_no_agreement(project: Project) -> None:
    give(project, comparison(project).id, "left", "ann")
    found = agreement.between(project)
    assert (found.annotators, found.alpha.value, found.pairs) == ((), None, ())


def test_disputes_until_they_are_settled(project: Project, judged: list[int]) -> None:
    (dispute,) = agreement.disputes(project)
    assert dispute == agreement.Dispute(judged[1], (("ann", "left"), ("bob", "right")), False)
    differing = agreement.disputes(project, any_difference=True)
    assert [one.comparison_id for one in differing] == [judged[1], judged[3], judged[4]]

    assert agreement.ask_again(project, [judged[1]], "cy", rng=Random(1)) == 1
    assert agreement.ask_again(project, [judged[1]], "cy") == 0, "it waits already"
    assert [one.asked for one in agreement.disputes(project)] == [True]
    again = comparisons.next_comparison(project, annotator="cy")
    assert again is not None
    assert (again.of_id, again.purpose, again.flagged, again.tags) == (judged[1], "settle", False, ())
    assert agreement.ask_again(project, [again.id], "cy") == 0, "as its original does"
    assert comparisons.next_comparison(project, annotator="ann") is None
    give(project, again.id, "tie", "cy")
    assert agreement.disputes(project) == []
    assert [one.comparison_id for one in agreement.disputes(project, any_difference=True)] == [
        judged[3],
        judged[4],
    ]
    assert agreement.between(project).alpha.items == 6, "what settles is no further opinion"


def test_a_skip_settles_nothing(project: Project, judged: list[int]) -> None:
    agreement.ask_again(project, [judged[1]], "cy")
    again = comparisons.next_comparison(project, annotator="cy")
    assert again is not None
    give(project, again.id, "skip", "cy")
    assert len(agreement.disputes(project)) == 1
    following = comparisons.next_comparison(project, annotator="cy")
    assert following is not None
    assert following.id == again.id


def test_sides_are_drawn_anew(project: Project) -> None:
    ids = [comparison(project, f"p{number}").id for number in range(60)]
    agreement.ask_again(project, ids, "me", rng=Random(4))
    left = {one.id: one.left.id for one in (comparisons.get(project, each) for each in ids)}
    swapped = 0
    found: list[int] = []
    for _ in ids:
        again = comparisons.next_comparison(project, annotator="me", exclude=found)
        assert again is not None
        found.append(again.id)
        swapped += again.left.id != left[again.of_id or 0]
    assert 18 < swapped < 42


def test_what_is_not_there_is_not_asked(project: Project, judged: list[int]) -> None:
    notes.set_deleted(project, [judged[0]], True, annotator="me")
    for missing in (judged[0], 999):
        with pytest.raises(NoSuchRow, match="Nothing was changed"):
            agreement.ask_again(project, [judged[1], missing], "cy")
    assert comparisons.next_comparison(project, annotator="cy") is None
    assert journal.peek(project, "cy").undo.startswith("verdict on")
