"""A comparison that somebody chose to judge again: a new verdict in the place of their own, or none."""

from collections.abc import Callable

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store.collecting import annotators, comparisons, notes, verdicts
from app.store.handle import Project
from tests.app.annotate.scenes import begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


@pytest.fixture
def judged(presenter: AnnotatePresenter, engine: FakeEngine) -> tuple[AnnotatePresenter, int, int]:
    """With a verdict for left on the first of these; the second is on the screen."""
    begun(presenter, engine)
    first = shown_id(presenter)
    presenter.give("left")
    engine.deliver()
    return presenter, first, shown_id(presenter)


def test_a_new_verdict_comes_in_the_place_of_the_old_one(
    judged: tuple[AnnotatePresenter, int, int], project: Project
) -> None:
    presenter, first, second = judged
    presenter.judge_again(first)
    assert shown_id(presenter) == first
    presenter.give("right")
    assert [verdict.choice for verdict in verdicts.history(project, first)] == ["left", "right"]
    assert comparisons.get(project, first).state == "answered"
    standing = verdicts.verdict_of(project, first)
    assert standing is not None
    assert standing.choice == "right"
    assert shown_id(presenter) == second, "what was on the screen before comes next"


@pytest.mark.parametrize(
    "leave", [lambda one: one.give("skip"), lambda one: one.stop_writing()], ids=["skip", "stop"]
)
def test_it_can_be_left_as_it_was(
    judged: tuple[AnnotatePresenter, int, int], project: Project, leave: Callable[[AnnotatePresenter], None]
) -> None:
    presenter, first, second = judged
    presenter.judge_again(first)
    leave(presenter)
    assert shown_id(presenter) == second
    assert [verdict.choice for verdict in verdicts.history(project, first)] == ["left"]
    assert comparisons.get(project, first).state == "answered"
    leave(presenter)
    assert len(verdicts.history(project, first)) == 1, "that was for the other one"


def test_undoing_the_new_verdict_leaves_the_old_one_standing(
    judged: tuple[AnnotatePresenter, int, int], project: Project
) -> None:
    presenter, first, second = judged
    presenter.judge_again(first)
    presenter.give("right")
    presenter.undo()
    standing = verdicts.verdict_of(project, first)
    assert standing is not None
    assert standing.choice == "left"
    assert shown_id(presenter) == second


def test_one_that_waits_can_be_chosen_too(
    judged: tuple[AnnotatePresenter, int, int], project: Project
) -> None:
    presenter, _first, second = judged
    presenter.judge_again(second + 2)
    assert shown_id(presenter) == second + 2
    presenter.give("tie")
    assert shown_id(presenter) == second


def test_one_that_was_deleted_cannot(judged: tuple[AnnotatePresenter, int, int], project: Project) -> None:
    presenter, first, second = judged
    notes.set_deleted(project, [first], True, annotator="me")
    presenter.judge_again(first)
    presenter.judge_again(98765)
    assert shown_id(presenter) == second
    assert presenter.state.notice is not None
    assert presenter.state.notice.text == "That comparison was deleted."


def test_nobody_judges_before_saying_who_they_are(
    judged: tuple[AnnotatePresenter, int, int], project: Project
) -> None:
    _presenter, first, _second = judged
    annotators.add_annotator(project, "you")
    later = new_presenter(FakeEngine(), DirectStore(project))
    later.start()
    later.judge_again(first)
    assert later.state.phase == "who"
    assert later.state.comparison is None
