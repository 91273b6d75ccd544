"""What a verdict, a skip, an undo and a redo do, and that nothing counts before it is on the disk."""

from pathlib import Path

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store.collecting import prompts, verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.project import open_project
from app.store.records import Choice
from tests.app.annotate.scenes import Clock, add_comparison, begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

# --- verdicts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("choice", ["left", "right"])
def test_the_chosen_text_is_the_one_that_stood_there(
    starter: Path, store: DirectStore, engine: FakeEngine, seed: int, choice: Choice
) -> None:
    presenter = begun(new_presenter(engine, store, seed=seed), engine)
    shown = presenter.state.comparison
    assert shown is not None
    sides = (shown.left.text, shown.right.text)
    wanted, other = sides if choice == "left" else sides[::-1]
    presenter.give(choice, 2)
    (pair,) = verdicts.training_pairs(store.project)
    assert (pair.chosen, pair.rejected, pair.strength) == (wanted, other, 2)


def test_both_swaps_occur_over_the_seeds_of_the_test_above(
    starter: Path, engine: FakeEngine, store: DirectStore
) -> None:
    lefts = set()
    presenter = begun(new_presenter(engine, store), engine)
    for _ in range(8):
        comparison = presenter.state.comparison
        assert comparison is not None
        lefts.add(comparison.left.text)
        presenter.give("tie")
        engine.deliver()
    assert lefts == {"first text", "second text"}


def test_nothing_is_acknowledged_before_the_store_has_it(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore
) -> None:
    begun(presenter, engine)
    first = shown_id(presenter)
    store.hold()
    presenter.give("left")
    assert presenter.state.phase == "saving"
    assert shown_id(presenter) == first
    assert presenter.state.notice is None
    store.release(1)
    assert presenter.state.phase == "ready"
    assert shown_id(presenter) != first, "the next one was in memory: no other answer was needed"
    assert presenter.state.notice is not None
    assert (presenter.state.notice.text, presenter.state.notice.choice) == ("Saved", "left")
    store.release()


def test_a_second_key_press_while_saving_is_ignored(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore, project: Project
) -> None:
    begun(presenter, engine)
    first = shown_id(presenter)
    store.hold()
    presenter.give("left")
    presenter.give("right")
    presenter.give("left")
    presenter.undo()
    store.release()
    assert project.db.table("verdicts").count == 1
    assert [verdict.choice for verdict in verdicts.history(project, first)] == ["left"]
    assert verdicts.verdict_of(project, first) is not None, "nor was it undone"


def test_a_key_press_with_nothing_to_judge_is_a_hint_and_no_verdict(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    presenter.start()
    engine.deliver(2)  # only one side has begun
    presenter.give("left")
    notice = presenter.state.notice
    assert notice is not None
    assert notice.kind == "hint"
    engine.deliver()
    assert project.db.table("verdicts").count == 0


def test_seconds_are_from_both_being_there_to_the_key_press(
    presenter: AnnotatePresenter, engine: FakeEngine, clock: Clock, project: Project
) -> None:
    presenter.start()
    clock.now += 50.0
    engine.deliver()
    clock.now += 3.5
    first = shown_id(presenter)
    presenter.give("right")
    clock.now += 1.25
    second = shown_id(presenter)
    presenter.give("both_bad")
    given = [verdicts.history(project, number)[0] for number in (first, second)]
    assert [verdict.seconds for verdict in given] == [3.5, 1.25]
    assert {verdict.annotator for verdict in given} == {"me"}


def test_counts_are_of_verdicts_today_in_all_and_held_out(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    prompts.set_split(project, [1], "held_out", annotator="me")
    begun(presenter, engine)
    for choice in ("left", "right", "tie", "both_bad", "skip"):
        presenter.give(choice)
        engine.deliver()
    counts = presenter.state.counts
    assert (counts.today, counts.preferences, counts.ties, counts.both_bad) == (4, 2, 1, 1)
    assert counts.held_out == 1


def test_an_error_while_saving_keeps_everything_and_can_be_tried_again(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore, project: Project, clock: Clock
) -> None:
    begun(presenter, engine)
    first = shown_id(presenter)
    clock.now += 2.0
    store.fail_next(StoreFull("The disk is full. Free some space and try again."))
    presenter.give("left", 2)
    state = presenter.state
    assert state.phase == "ready"
    assert shown_id(presenter) == first
    assert state.problem is not None
    assert state.problem.can_retry
    assert state.problem.sentence.startswith("The disk is full.")
    clock.now += 60.0
    presenter.try_again()
    assert presenter.state.problem is None
    assert shown_id(presenter) != first
    (verdict,) = verdicts.history(project, first)
    assert (verdict.choice, verdict.strength, verdict.seconds) == ("left", 2, 2.0)


def test_after_a_failed_save_another_key_is_the_verdict(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore, project: Project
) -> None:
    begun(presenter, engine)
    first = shown_id(presenter)
    store.fail_next(StoreFull("The disk is full."))
    presenter.give("left")
    presenter.give("right")
    assert presenter.state.problem is None
    assert [verdict.choice for verdict in verdicts.history(project, first)] == ["right"]


def test_a_problem_can_be_dismissed(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore, project: Project
) -> None:
    begun(presenter, engine)
    store.fail_next(StoreFull("The disk is full."))
    presenter.give("left")
    presenter.dismiss_problem()
    assert presenter.state.problem is None
    presenter.try_again()
    assert project.db.table("verdicts").count == 0


# --- skip, undo, redo ------------------------------------------------------------------------------------


def test_a_skipped_comparison_comes_back_when_nothing_else_is_left(
    starter: Path, empty_project: Project
) -> None:
    engine = FakeEngine()
    pair = [add_comparison(empty_project, "a", "b", prompt=f"P{number}") for number in range(2)]
    presenter = new_presenter(engine, DirectStore(empty_project))
    presenter.start()
    assert shown_id(presenter) == pair[0].id
    presenter.give("skip")
    assert shown_id(presenter) == pair[1].id
    presenter.give("left")
    # The engine is writing another one now, which comes before what was skipped.
    assert presenter.state.comparison is None
    assert presenter.state.phase == "writing"
    engine.auto_generate(["c", "d"])
    engine.fail(engine.requests[-1].id, code="model_unusable", message="The model is gone.")
    assert shown_id(presenter) == pair[0].id


def test_undo_brings_the_comparison_back_and_the_present_one_comes_next(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    ids = []
    for choice in ("left", "skip", "tie"):
        ids.append(shown_id(presenter))
        presenter.give(choice)
        engine.deliver()
    ids.append(shown_id(presenter))
    for expected in reversed(ids[:3]):
        presenter.undo()
        assert shown_id(presenter) == expected
        assert verdicts.verdict_of(project, expected) is None
    presenter.undo()
    assert presenter.state.notice is not None
    assert presenter.state.notice.text == "There is nothing to undo."
    again = []
    for _ in range(4):
        again.append(shown_id(presenter))
        presenter.give("right")
        engine.deliver()
    assert again == ids


def test_redo_gives_the_verdicts_back_in_order(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    ids = []
    for choice in ("left", "right"):
        ids.append(shown_id(presenter))
        presenter.give(choice)
    third = shown_id(presenter)
    presenter.undo()
    presenter.undo()
    presenter.redo()
    assert shown_id(presenter) == ids[1]
    presenter.redo()
    assert shown_id(presenter) == third
    standing = [verdicts.verdict_of(project, number) for number in ids]
    assert [verdict.choice if verdict else "" for verdict in standing] == ["left", "right"]
    presenter.redo()
    assert presenter.state.notice is not None
    assert presenter.state.notice.text == "There is nothing to redo."
    assert shown_id(presenter) == third


def test_undo_and_redo_work_across_a_restart(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project, starter: Path
) -> None:
    begun(presenter, engine)
    judged = shown_id(presenter)
    presenter.give("left")
    on_screen = shown_id(presenter)
    path = project.path
    project.close()

    reopened = open_project(path)
    later = begun(new_presenter(FakeEngine(), DirectStore(reopened)), FakeEngine())
    assert shown_id(later) == on_screen, "what was on the screen when the app ended comes first"
    later.undo()
    assert shown_id(later) == judged
    assert verdicts.verdict_of(reopened, judged) is None
    later.redo()
    assert shown_id(later) == on_screen
    standing = verdicts.verdict_of(reopened, judged)
    assert standing is not None
    assert standing.choice == "left"
    reopened.close()
