"""Responses written again, one side or both, and conversations that go on from a winner."""

from pathlib import Path

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store.collecting import comparisons, prompts, verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.project import open_project
from app.store.records import Side
from dpo_engine.preferences import Message
from dpo_engine.requests import Cancel, Generate
from tests.app.annotate.scenes import begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

# --- one side, or both, again -----------------------------------------------------------------------


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_side_is_written_again_and_the_other_stays_where_it_is(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project, side: Side
) -> None:
    begun(presenter, engine)
    old = presenter.state.comparison
    assert old is not None
    kept = old.right if side == "left" else old.left
    engine.auto_generate(["a new text"])
    presenter.write_again(side)
    request = engine.last(Generate)
    assert (request.n, request.prompt) == (1, old.prompt.messages)
    draft = presenter.state.draft
    assert draft is not None
    kept_side = 1 if side == "left" else 0
    assert draft.text_on(kept_side) == kept.text
    assert draft.done_on(kept_side) == kept
    engine.deliver()
    new = presenter.state.comparison
    assert new is not None
    assert new.id != old.id
    stays, fresh = (new.right, new.left) if side == "left" else (new.left, new.right)
    assert stays.id == kept.id
    assert fresh.text == "a new text"
    assert comparisons.get(project, old.id).state == "retired"


def test_a_side_written_again_can_be_judged_while_it_streams(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    old = presenter.state.comparison
    assert old is not None
    engine.auto_generate(["a new text"])
    presenter.write_again("left")
    engine.deliver(2)
    presenter.give("left")
    (pair,) = verdicts.training_pairs(project)
    assert (pair.chosen, pair.rejected) == ("a", old.right.text)
    assert comparisons.get(project, old.id).state == "retired"


@pytest.mark.parametrize("which", ["left", "both"])
def test_undo_brings_back_what_was_written_again(
    presenter: AnnotatePresenter, engine: FakeEngine, which: Side
) -> None:
    begun(presenter, engine)
    old = shown_id(presenter)
    presenter.write_again(which)
    engine.deliver()
    new = shown_id(presenter)
    assert new != old
    assert presenter.state.undo_label.startswith("writing again for")
    presenter.undo()
    assert shown_id(presenter) == old
    presenter.redo()
    assert shown_id(presenter) != old


def test_stopping_one_side_gives_back_what_was_there(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    begun(presenter, engine)
    old = shown_id(presenter)
    presenter.write_again("right")
    engine.deliver(2)
    request = engine.last(Generate).id
    presenter.stop_writing()
    assert Cancel(target=request) in engine.controls
    assert shown_id(presenter) == old
    presenter.give("left")
    engine.deliver()
    assert presenter.state.phase == "ready"


def test_a_side_that_cannot_be_written_again_stays_with_a_sentence(
    starter: Path, project: Project, store: DirectStore
) -> None:
    engine = FakeEngine()
    engine.auto_generate(["one", "two"])
    presenter = begun(new_presenter(engine, store), engine)
    old = shown_id(presenter)
    engine.script(Generate, lambda _request: ())
    presenter.write_again("left")
    engine.deliver()
    assert shown_id(presenter) == old
    problem = presenter.state.problem
    assert problem is not None
    assert problem.sentence.startswith("The response was not written again.")


def test_a_crash_while_one_side_is_written_again_loses_nothing(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    old = shown_id(presenter)
    presenter.write_again("left")
    engine.deliver(2)
    path = project.path
    project.close()  # without any word of farewell
    reopened = open_project(path)
    later = new_presenter(FakeEngine(), DirectStore(reopened))
    later.start()
    assert shown_id(later) == old
    reopened.close()


def test_with_a_verdict_on_its_way_nothing_is_written_again(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore
) -> None:
    begun(presenter, engine)
    asked = len(engine.requests)
    store.hold()
    presenter.give("left")
    presenter.write_again("left")
    assert len(engine.requests) == asked
    store.release()


# --- going on from the winner -------------------------------------------------------------------------


def test_a_conversation_goes_on_from_what_was_chosen(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    first = presenter.state.comparison
    assert first is not None
    presenter.give("left")
    answers: list[str] = []
    presenter.continue_from_winner("  And then?  ", answers.append)
    assert answers == [""]
    engine.deliver()
    presenter.give("tie")
    second = presenter.state.comparison
    assert second is not None
    assert second.prompt.messages == (
        *first.prompt.messages,
        Message("assistant", first.left.text),
        Message("user", "And then?"),
    )
    assert second.prompt.source == prompts.TYPED


def test_it_goes_on_from_the_edited_words_and_stays_held_out(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    prompts.set_split(project, [1], "held_out", annotator="me")
    begun(presenter, engine)
    presenter.give_edited("right", "In better words.")
    presenter.continue_from_winner("Go on.")
    (row,) = project.db.execute("SELECT id FROM prompts WHERE source = 'typed'").fetchall()
    kept = prompts.get(project, row[0])
    assert kept.messages[-2] == Message("assistant", "In better words.")
    assert kept.split == "held_out"


def test_there_is_nothing_to_go_on_from_after_a_tie_or_before_any_verdict(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    answers: list[str] = []
    presenter.continue_from_winner("Go on.", answers.append)
    presenter.give("tie")
    presenter.continue_from_winner("Go on.", answers.append)
    assert all(answer.startswith("A conversation goes on from a chosen response") for answer in answers)
    assert len(answers) == 2
    assert project.db.table("prompts").count == 12


def test_nor_from_a_verdict_that_was_undone(presenter: AnnotatePresenter, engine: FakeEngine) -> None:
    begun(presenter, engine)
    presenter.give("left")
    assert presenter.state.last is not None
    presenter.undo()
    assert presenter.state.last is None


def test_what_cannot_be_kept_is_answered_with_the_sentence(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore
) -> None:
    begun(presenter, engine)
    presenter.give("left")
    answers: list[str] = []
    store.fail_next(StoreFull("The disk is full."))
    presenter.continue_from_winner("Go on.", answers.append)
    presenter.continue_from_winner("   ", answers.append)
    assert answers[0] == "The disk is full."
    assert answers[1].startswith("A prompt needs some text.")


def test_undoing_a_prompt_drops_what_is_being_written_for_it(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    presenter.add_prompt("What is a fjord?")
    engine.deliver(3)
    presenter.undo()
    engine.deliver()
    assert presenter.state.writing_stopped == ""
    assert project.db.execute(
        "SELECT count(*) FROM comparisons JOIN prompts ON prompts.id = prompt_id WHERE source = 'typed'"
    ).fetchone() == (0,)
    for _ in range(6):
        presenter.give("left")
        engine.deliver()
    assert presenter.state.phase == "ready"
