"""Flags, comments, tags and edits on what is shown, and undoing each of them by name."""

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store.collecting import comparisons, notes, verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.records import Comparison, Side
from tests.app.annotate.scenes import begun, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


def shown(presenter: AnnotatePresenter) -> Comparison:
    comparison = presenter.state.comparison
    assert comparison is not None
    return comparison


@pytest.fixture(autouse=True)
def ready(presenter: AnnotatePresenter, engine: FakeEngine) -> None:
    begun(presenter, engine)


def test_a_flag_is_put_on_and_taken_off(presenter: AnnotatePresenter, project: Project) -> None:
    presenter.flag()
    assert shown(presenter).flagged
    assert comparisons.get(project, shown_id(presenter)).flagged
    presenter.flag()
    assert not shown(presenter).flagged


def test_comment_and_tags_are_kept_and_tags_are_offered_again(
    presenter: AnnotatePresenter, project: Project
) -> None:
    presenter.set_comment("Both miss the point.")
    presenter.set_tags(("hard", "maths"))
    kept = comparisons.get(project, shown_id(presenter))
    assert (kept.comment, set(kept.tags)) == ("Both miss the point.", {"hard", "maths"})
    assert shown(presenter) == kept
    assert set(presenter.state.known_tags) == {"hard", "maths"}
    presenter.set_tags(("hard",))
    assert shown(presenter).tags == ("hard",)


def test_each_is_undone_and_redone_by_name(presenter: AnnotatePresenter) -> None:
    presenter.flag()
    presenter.set_comment("Hm.")
    presenter.set_tags(("hard",))
    names = []
    for _ in range(3):
        names.append(presenter.state.undo_label.split(" ")[0])
        presenter.undo()
    assert names == ["tags", "comment", "flag"]
    now = shown(presenter)
    assert (now.flagged, now.comment, now.tags) == (False, "", ())
    for _ in range(3):
        presenter.redo()
    again = shown(presenter)
    assert (again.flagged, again.comment, again.tags) == (True, "Hm.", ("hard",))


def test_a_remark_that_comes_back_after_the_verdict_is_not_put_on_the_next(
    presenter: AnnotatePresenter, store: DirectStore, project: Project
) -> None:
    first = shown_id(presenter)
    store.hold()
    presenter.flag()
    presenter.give("left")
    store.release()
    assert shown_id(presenter) != first
    assert not shown(presenter).flagged
    assert comparisons.get(project, first).flagged


def test_what_cannot_be_kept_can_be_tried_again(
    presenter: AnnotatePresenter, store: DirectStore, project: Project
) -> None:
    store.fail_next(StoreFull("The disk is full."))
    presenter.set_comment("Hm.")
    problem = presenter.state.problem
    assert problem is not None
    assert (problem.sentence, problem.can_retry) == ("The disk is full.", True)
    presenter.try_again()
    assert presenter.state.problem is None
    assert shown(presenter).comment == "Hm."


def test_with_nothing_on_the_screen_nothing_is_noted(
    presenter: AnnotatePresenter, store: DirectStore, project: Project
) -> None:
    presenter.write_again()
    presenter.flag()
    presenter.set_comment("Hm.")
    presenter.set_tags(("hard",))
    assert project.db.execute(
        "SELECT count(*) FROM comparisons WHERE flagged OR comment <> ''"
    ).fetchone() == (0,)
    assert notes.known_tags(project) == []


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_edit_becomes_the_chosen_text_and_the_original_is_kept(
    presenter: AnnotatePresenter, project: Project, side: Side
) -> None:
    judged = shown(presenter)
    presenter.give_edited(side, "In better words.", 2)
    (pair,) = verdicts.training_pairs(project)
    other = judged.right if side == "left" else judged.left
    assert (pair.chosen, pair.rejected, pair.strength) == ("In better words.", other.text, 2)
    kept = comparisons.get(project, judged.id)
    assert (kept.left, kept.right) == (judged.left, judged.right)
    last = presenter.state.last
    assert last is not None
    assert (last.winner, last.prompt) == ("In better words.", judged.prompt)


def test_an_edit_without_text_changes_nothing(presenter: AnnotatePresenter, project: Project) -> None:
    judged = shown_id(presenter)
    presenter.give_edited("left", "   ")
    assert shown_id(presenter) == judged
    assert presenter.state.problem is not None
    assert project.db.table("verdicts").count == 0


def test_what_was_just_chosen_can_be_edited_afterwards(
    presenter: AnnotatePresenter, project: Project
) -> None:
    presenter.give("right", 2)
    on_screen = shown_id(presenter)
    presenter.edit_last("In better words.")
    assert shown_id(presenter) == on_screen
    (pair,) = verdicts.training_pairs(project)
    assert (pair.chosen, pair.strength) == ("In better words.", 2)
    presenter.undo()
    (pair,) = verdicts.training_pairs(project)
    assert pair.chosen != "In better words."
    assert shown_id(presenter) == on_screen, "the verdict itself still stands"
    presenter.give("tie")
    presenter.edit_last("Nothing was chosen.")
    assert presenter.state.notice is not None
    assert presenter.state.notice.text == "There is no chosen response to edit."


def test_what_another_page_changed_is_seen_on_return(presenter: AnnotatePresenter, project: Project) -> None:
    first = shown_id(presenter)
    notes.set_flag(project, [first], True, annotator="me")
    presenter.refresh()
    assert shown(presenter).flagged
    notes.set_deleted(project, [first], True, annotator="me")
    presenter.refresh()
    assert shown_id(presenter) != first
    presenter.undo()
    assert presenter.state.notice is not None
    assert presenter.state.notice.text.startswith("Undone: deleting")
