"""Several people at one machine: each verdict signed, each with their own undo, overlap on or off."""

from pathlib import Path

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store.collecting import annotators, verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from tests.app.annotate.scenes import add_comparison, begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


@pytest.fixture
def three(empty_project: Project) -> list[int]:
    """Comparisons that wait, and an engine that writes nothing."""
    return [add_comparison(empty_project, "a", "b", prompt=f"P{number}").id for number in range(3)]


def sat_down(project: Project) -> AnnotatePresenter:
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    presenter.start()
    return presenter


def test_alone_nobody_is_asked_who_they_are(presenter: AnnotatePresenter, engine: FakeEngine) -> None:
    begun(presenter, engine)
    state = presenter.state
    assert (state.needs_annotator, state.annotator, state.annotators) == (False, "me", ("me",))


def test_where_several_judge_the_name_is_said_first(
    starter: Path, empty_project: Project, three: list[int]
) -> None:
    annotators.add_annotator(empty_project, "you")
    presenter = sat_down(empty_project)
    assert presenter.state.phase == "who"
    assert presenter.state.annotators == ("you", "me")
    assert presenter.state.comparison is None
    presenter.give("left")
    presenter.undo()
    assert empty_project.db.table("verdicts").count == 0
    presenter.set_annotator("you")
    assert shown_id(presenter) == three[0]
    presenter.give("left")
    (verdict,) = verdicts.history(empty_project, three[0])
    assert verdict.annotator == "you"
    assert presenter.state.annotator == "you"


def test_the_one_of_the_settings_can_be_confirmed(
    starter: Path, empty_project: Project, three: list[int]
) -> None:
    annotators.add_annotator(empty_project, "you")
    presenter = sat_down(empty_project)
    presenter.set_annotator("me")
    assert presenter.state.phase == "ready"


def test_who_only_came_with_an_import_does_not_judge_here(
    starter: Path, empty_project: Project, three: list[int]
) -> None:
    verdicts.give_verdict(empty_project, three[0], "left", strength=1, annotator="paper", seconds=1.0)
    with empty_project.db.conn as db:
        db.execute("UPDATE verdicts SET imported = 1")
    presenter = sat_down(empty_project)
    assert not presenter.state.needs_annotator
    assert presenter.state.annotators == ("me",)


def test_somebody_new_sits_down(starter: Path, empty_project: Project, three: list[int]) -> None:
    presenter = sat_down(empty_project)
    answers: list[str] = []
    presenter.add_annotator("  Ada   Lovelace ", answers.append)
    assert answers == [""]
    assert presenter.state.annotator == "Ada Lovelace"
    presenter.give("right")
    assert verdicts.history(empty_project, three[0])[0].annotator == "Ada Lovelace"
    presenter.add_annotator("   ", answers.append)
    assert answers[1].startswith("An annotator needs a name.")
    assert presenter.state.annotator == "Ada Lovelace"


def test_a_name_that_cannot_be_kept_changes_nothing(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore
) -> None:
    begun(presenter, engine)
    answers: list[str] = []
    store.fail_next(StoreFull("The disk is full."))
    presenter.add_annotator("you", answers.append)
    assert answers == ["The disk is full."]
    assert presenter.state.annotators == ("me",)


def test_undo_is_of_the_one_who_sits_there(starter: Path, empty_project: Project, three: list[int]) -> None:
    presenter = sat_down(empty_project)
    presenter.give("left")
    presenter.add_annotator("you")
    assert presenter.state.undo_label == ""
    presenter.undo()
    assert presenter.state.notice is not None
    assert presenter.state.notice.text == "There is nothing to undo."
    presenter.give("right")
    presenter.undo()
    assert shown_id(presenter) == three[1]
    presenter.set_annotator("me")
    assert presenter.state.undo_label.startswith("verdict on")
    presenter.undo()
    assert shown_id(presenter) == three[0]


def test_without_overlap_one_answer_is_enough(
    starter: Path, empty_project: Project, three: list[int]
) -> None:
    presenter = sat_down(empty_project)
    presenter.give("left")
    presenter.add_annotator("you")
    assert shown_id(presenter) == three[1]


def test_with_overlap_each_answers_and_the_others_words_are_not_shown(
    starter: Path, empty_project: Project, three: list[int]
) -> None:
    presenter = sat_down(empty_project)
    presenter.set_overlap(True)
    for choice in ("left", "right", "tie"):
        presenter.give(choice)
    assert presenter.state.comparison is None
    presenter.add_annotator("you")
    assert shown_id(presenter) in three
    assert presenter.state.last is None
    answered = []
    for _ in three:
        answered.append(shown_id(presenter))
        presenter.give("left")
    assert sorted(answered) == three
    assert presenter.state.comparison is None
    assert [len(verdicts.history(empty_project, number)) for number in three] == [2, 2, 2]
    later = new_presenter(FakeEngine(), DirectStore(empty_project))
    later.start()
    assert later.state.overlap


def test_what_one_skipped_is_not_skipped_for_the_other(
    starter: Path, empty_project: Project, three: list[int]
) -> None:
    presenter = sat_down(empty_project)
    presenter.give("skip")
    assert shown_id(presenter) == three[1]
    presenter.give("left")
    presenter.give("left")
    presenter.add_annotator("you")
    assert shown_id(presenter) == three[0]


def test_with_overlap_each_skips_for_themselves(
    starter: Path, empty_project: Project, three: list[int]
) -> None:
    presenter = sat_down(empty_project)
    presenter.set_overlap(True)
    presenter.give("skip")
    presenter.add_annotator("you")
    assert shown_id(presenter) == three[0], "seen by me, to be judged by you"
    presenter.give("skip")
    assert shown_id(presenter) == three[1]
    presenter.undo()
    assert shown_id(presenter) == three[0]
    presenter.set_annotator("me")
    assert shown_id(presenter) == three[1], "what you have on the screen is not what I put off"
    presenter.undo()
    assert shown_id(presenter) == three[0]
