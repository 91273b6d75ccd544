"""The queue of comparisons: what comes next, what a policy change leaves, what is stored of each."""

from pathlib import Path

import pytest

from app.store.collecting import comparisons, prompts, verdicts
from app.store.errors import NoSuchRow
from app.store.project import Project, open_project
from app.store.records import Candidate
from tests.store.makers import candidate, comparison, prompt


def queue(project: Project) -> list[int]:
    """The order in which everything would be shown."""
    order: list[int] = []
    while (following := comparisons.next_comparison(project, exclude=order)) is not None:
        order.append(following.id)
    return order


@pytest.mark.parametrize("swapped", [False, True])
def test_sides_are_as_drawn(project: Project, swapped: bool) -> None:
    added = comparison(project, swapped=swapped)
    sides = ("second", "first") if swapped else ("first", "second")
    assert (added.left.text, added.right.text) == sides
    assert added.state == "waiting"
    assert comparisons.get(project, added.id) == added
    assert project.db.execute("SELECT swapped FROM comparisons").fetchone() == (int(swapped),)


def test_a_candidate_keeps_how_it_was_drawn(project: Project) -> None:
    left = comparison(project).left
    assert isinstance(left, Candidate)
    assert left.sampling == {"temperature": 0.9, "top_k": 0}
    assert [type(value) for value in left.sampling.values()] == [float, int]
    assert (left.model, left.fingerprint, left.seed, left.finish_reason) == ("starter", "abc", 7, "end")
    assert (left.tokens, left.seconds) == (3, 0.5)


def test_an_unknown_prompt_leaves_no_candidate(project: Project) -> None:
    with pytest.raises(NoSuchRow, match="no prompt 99"):
        comparisons.add_comparison(project, 99, (candidate("a"), candidate("b")), swapped=False)
    assert project.db.table("candidates").count == 0


def test_unknown_comparisons(project: Project) -> None:
    with pytest.raises(NoSuchRow):
        comparisons.get(project, 5)
    with pytest.raises(NoSuchRow):
        comparisons.mark_shown(project, 5)
    assert comparisons.next_comparison(project) is None


def test_the_order_of_the_queue(project: Project) -> None:
    first, second, third = (comparison(project, text) for text in ("a", "b", "c"))
    typed = prompt(project, "mine", source="typed")
    mine = comparisons.add_comparison(project, typed, (candidate("x"), candidate("y")), swapped=False)
    assert queue(project) == [mine.id, first.id, second.id, third.id]

    comparisons.mark_shown(project, second.id)
    assert queue(project) == [second.id, mine.id, first.id, third.id]

    for skipped in (mine, first):
        verdicts.give_verdict(project, skipped.id, "skip", strength=1, annotator="me", seconds=1.0)
    fourth = comparison(project, "d")
    assert queue(project) == [second.id, third.id, fourth.id, mine.id, first.id]
    assert comparisons.waiting_count(project) == 4
    assert comparisons.waiting_count(project, fresh_only=True) == 2

    verdicts.give_verdict(project, mine.id, "skip", strength=1, annotator="me", seconds=1.0)
    assert queue(project)[-2:] == [first.id, mine.id]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_what_was_shown_last_comes_back_first_after_a_crash(
    project: Project, path: Path, order: tuple[int, ...]
) -> None:
    for text in ("a", "b", "c", "d"):
        comparison(project, text)
    for comparison_id in order:
        comparisons.mark_shown(project, comparison_id)
    project.close()
    again = open_project(path)
    following = comparisons.next_comparison(again)
    assert following is not None
    assert (following.id, following.state) == (order[-1], "shown")
    assert queue(again) == [*reversed(order), 4]
    again.close()


def test_an_answered_one_stays_answered(project: Project) -> None:
    one = comparison(project)
    verdicts.give_verdict(project, one.id, "tie", strength=1, annotator="me", seconds=1.0)
    comparisons.mark_shown(project, one.id)
    assert comparisons.get(project, one.id).state == "answered"
    assert queue(project) == []


def test_another_policy_empties_the_queue_of_the_old_ones_work(project: Project) -> None:
    old, kept = comparison(project, "a", model="old"), comparison(project, "b", model="new")
    on_screen, judged = comparison(project, "c", model="old"), comparison(project, "d", model="old")
    mixed = comparisons.add_comparison(
        project, kept.prompt.id, (candidate("x", "new"), candidate("y", "old")), swapped=False
    )
    comparisons.mark_shown(project, on_screen.id)
    verdicts.give_verdict(project, judged.id, "left", strength=1, annotator="me", seconds=1.0)

    assert comparisons.retire_waiting(project, "new") == 2
    assert comparisons.retire_waiting(project, "new") == 0
    states = {one.id: comparisons.get(project, one.id).state for one in (old, kept, on_screen, judged, mixed)}
    assert states == {
        old.id: "retired",
        kept.id: "waiting",
        on_screen.id: "shown",
        judged.id: "answered",
        mixed.id: "retired",
    }
    assert queue(project) == [on_screen.id, kept.id]
    assert comparisons.waiting_count(project) == 1


def test_a_retired_one_can_still_be_judged(project: Project) -> None:
    """The page may have had it in hand when the policy changed."""
    one = comparison(project, model="old")
    comparisons.retire_waiting(project, "new")
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
    assert comparisons.get(project, one.id).state == "answered"
    assert prompts.counts(project).never_compared == 0
    assert len(verdicts.training_pairs(project)) == 1
