"""The Library's logic over a real project: rows, acts with undo, saved filters, reading, failures."""

import pytest

from app.library.presenter import LibraryPresenter
from app.store.collecting import comparisons, notes, verdicts
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.library.filters import Filter, Sort
from app.store.library.table import LibraryRow
from tests.app.library.scenes import add_row, words_of
from tests.helpers.stores import DirectReader, DirectStore
from tests.store.makers import prompt

ALL = [(0, 10_000)]


def keys(presenter: LibraryPresenter) -> list[int]:
    return presenter.rows.keys.tolist()


def test_everything_is_there_newest_first(presenter: LibraryPresenter, project: Project) -> None:
    lonely = prompt(project, "Nobody asked this yet")
    first, second = add_row(project, "one"), add_row(project, "two", "left")
    presenter.set_visible(True)
    assert keys(presenter) == [second, first, -lonely]
    assert presenter.state.total == 3 and presenter.state.phase == "ready"
    row = presenter.rows.row(0)
    assert row is not None and row.words == "two" and row.standing == "left"


def test_filters_and_order(presenter: LibraryPresenter, project: Project) -> None:
    one, two, three = (add_row(project, text, choice) for text, choice in _THREE)
    presenter.set_visible(True)
    presenter.set_filter(Filter(standings=("left",)))
    assert keys(presenter) == [three, one]
    presenter.set_sort(Sort(descending=False))
    assert keys(presenter) == [one, three]
    presenter.set_filter(Filter(text="two "))
    assert keys(presenter) == [two]
    presenter.clear_filter()
    assert presenter.state.total == 3


_THREE = (("one", "left"), ("two", "right"), ("three", "left"))


def test_the_first_rows_do_not_wait_for_all_of_them(
    presenter: LibraryPresenter, project: Project, slow_reader: DirectReader
) -> None:
    for number in range(230):
        add_row(project, f"number {number}")
    slow_reader.hold()
    presenter.set_visible(True)
    assert len(keys(presenter)) == 200 and not presenter.rows.complete
    assert presenter.state.total is None
    slow_reader.release()
    assert len(keys(presenter)) == 230 and presenter.rows.complete
    assert presenter.state.total == 230


def test_an_answer_to_an_earlier_question_is_not_shown(
    presenter: LibraryPresenter, project: Project, reader: DirectReader, slow_reader: DirectReader
) -> None:
    wanted = add_row(project, "two", "right")
    add_row(project, "one", "left")
    presenter.set_visible(True)
    reader.hold()
    slow_reader.hold()
    presenter.set_filter(Filter(standings=("left",)))
    presenter.set_filter(Filter(standings=("right",)))
    reader.release()
    slow_reader.release()
    assert keys(presenter) == [wanted]


def test_tagging_many_rows_is_one_act_and_undone_as_one(
    presenter: LibraryPresenter, project: Project
) -> None:
    lonely = prompt(project, "alone")
    ids = [add_row(project, f"number {number}") for number in range(3)]
    presenter.set_visible(True)
    presenter.tag(ALL, ["hard", "{0.__class__}"])
    assert words_of(presenter) == "Tagged 4 rows “hard”, “{0.__class__}”"
    assert presenter.state.notice is not None and presenter.state.notice.undo
    assert all(row.tags == ("hard", "{0.__class__}") for row in _rows(presenter))
    presenter.untag([(0, 1)], ["hard"])
    assert [row.tags for row in _rows(presenter)][:2] == [("{0.__class__}",)] * 2
    presenter.undo()
    presenter.undo()
    assert all(row.tags == () for row in _rows(presenter))
    assert len(ids) == 3 and keys(presenter)[-1] == -lonely


def test_untagging_takes_the_prompts_tag_too(presenter: LibraryPresenter, project: Project) -> None:
    made = add_row(project, "one")
    asked = comparisons.get(project, made).prompt.id
    notes.add_tags(project, [], ["old"], annotator="ada", prompt_ids=[asked])
    presenter.set_visible(True)
    assert _rows(presenter)[0].tags == ("old",)
    presenter.untag(ALL, ["old"])
    assert _rows(presenter)[0].tags == ()


def test_flag_split_delete_restore(presenter: LibraryPresenter, project: Project) -> None:
    asked = comparisons.get(project, add_row(project, "one", "left")).prompt.id
    lonely = prompt(project, "alone")
    presenter.set_visible(True)
    presenter.flag(ALL, True)
    assert [row.flagged for row in _rows(presenter)] == [True, False]
    assert words_of(presenter) == "Flagged 1 row"
    presenter.hold_out(ALL)
    assert {row.split for row in _rows(presenter)} == {"held_out"}
    assert words_of(presenter) == "Held out 2 prompts"
    presenter.hold_out(ALL)
    assert words_of(presenter) == "Held out already"
    presenter.train_on([(0, 0)])
    assert [row.split for row in _rows(presenter)] == ["train", "held_out"]
    presenter.delete(ALL)
    assert keys(presenter) == [-asked], "the prompt is there to be compared anew"
    presenter.set_filter(Filter(deleted=True))
    assert len(keys(presenter)) == 2 and -lonely in keys(presenter)
    presenter.restore(ALL)
    assert keys(presenter) == []
    presenter.clear_filter()
    assert len(keys(presenter)) == 2


def test_a_deleted_row_comes_back_with_undo(presenter: LibraryPresenter, project: Project) -> None:
    made = add_row(project, "one", "left")
    presenter.set_visible(True)
    presenter.delete([(0, 0)])
    assert verdicts.training_pairs(project) == []
    presenter.undo()
    assert keys(presenter) == [made]
    assert words_of(presenter).startswith("Undone: deleting")
    assert len(verdicts.training_pairs(project)) == 1


def test_what_was_judged_can_be_asked_again_blind(presenter: LibraryPresenter, project: Project) -> None:
    made, _waiting = add_row(project, "one", "left"), add_row(project, "two")
    presenter.set_visible(True)
    presenter.ask_again(ALL)
    assert words_of(presenter) == "1 row will be asked again, blind"
    again = comparisons.next_comparison(project, annotator="ada")
    assert again is not None and again.of_id == made and again.purpose == "settle"
    assert len(keys(presenter)) == 2, "what waits to be judged blind is not shown"


def test_filters_are_saved_found_and_deleted_with_undo(presenter: LibraryPresenter, project: Project) -> None:
    presenter.set_visible(True)
    wanted = Filter(tags=("hard",), standings=("left", "tie"), shortest=10)
    presenter.set_filter(wanted)
    presenter.save_filter("  Hard   ones ")
    assert [(one.name, one.filter) for one in presenter.state.saved] == [("Hard ones", wanted)]
    presenter.set_filter(Filter(flagged=True))
    presenter.save_filter("Hard ones")
    assert [one.filter for one in presenter.state.saved] == [Filter(flagged=True)]
    presenter.delete_filter("Hard ones")
    assert presenter.state.saved == ()
    presenter.undo()
    assert [one.filter for one in presenter.state.saved] == [Filter(flagged=True)]
    presenter.undo()
    assert [one.filter for one in presenter.state.saved] == [wanted]
    presenter.save_filter("   ")
    assert presenter.state.notice is not None and presenter.state.notice.problem


def test_reading_a_row(presenter: LibraryPresenter, project: Project) -> None:
    made = add_row(project, "one", "left", strength=2)
    verdicts.give_verdict(project, made, "right", strength=1, annotator="ada", seconds=3.0)
    verdicts.give_verdict(project, made, "right", strength=1, annotator="bob", seconds=2.0)
    presenter.set_visible(True)
    presenter.read(made)
    reading = presenter.state.reading
    assert reading is not None and reading.choice == "right"
    assert [(one.annotator, one.choice, one.what, one.stands) for one in reading.history] == [
        ("ada", "left", "given", False),
        ("ada", "left", "superseded", False),
        ("ada", "right", "given", True),
        ("bob", "right", "given", True),
    ]
    presenter.read(None)
    assert presenter.state.reading is None


def test_an_answer_given_with_sides_swapped_is_told_in_the_rows_own_sides(
    presenter: LibraryPresenter, project: Project
) -> None:
    made = add_row(project, "one", "left")
    presenter.set_visible(True)
    presenter.ask_again(ALL)
    again = comparisons.next_comparison(project, annotator="ada")
    assert again is not None
    first = comparisons.get(project, made)
    side = "left" if again.left.id == first.right.id else "right"
    verdicts.give_verdict(project, again.id, side, strength=1, annotator="ada", seconds=1.0)
    presenter.read(made)
    reading = presenter.state.reading
    assert reading is not None and reading.choice == "right"
    assert (reading.history[-1].choice, reading.history[-1].purpose) == ("right", "settle")


def test_a_comment_is_kept_with_its_row(presenter: LibraryPresenter, project: Project) -> None:
    made = add_row(project, "one", "left")
    presenter.set_visible(True)
    presenter.set_comment(made, " Both miss it. ")
    assert comparisons.get(project, made).comment == "Both miss it."
    presenter.undo()
    assert comparisons.get(project, made).comment == ""


def test_what_cannot_be_read_or_done_is_said(
    presenter: LibraryPresenter,
    project: Project,
    reader: DirectReader,
    slow_reader: DirectReader,
    store: DirectStore,
) -> None:
    add_row(project, "one")
    reader.failing = slow_reader.failing = StoreError("The disk does not answer. Try again.")
    presenter.set_visible(True)
    assert presenter.state.phase == "failed" and "does not answer" in presenter.state.problem
    reader.failing = slow_reader.failing = None
    presenter.refresh()
    assert presenter.state.phase == "ready" and presenter.state.problem == ""
    store.fail_next(StoreError("The disk is full. Nothing was changed. Make room."))
    presenter.flag(ALL, True)
    assert presenter.state.notice is not None
    assert presenter.state.notice.problem and "full" in presenter.state.notice.text
    assert presenter.state.working == ""
    presenter.flag(ALL, True)
    assert words_of(presenter) == "Flagged 1 row"


@pytest.mark.parametrize("number", [0, 3])
def test_statistics_come_when_asked_for(presenter: LibraryPresenter, project: Project, number: int) -> None:
    for place in range(number):
        add_row(project, f"number {place}", "left")
    presenter.set_visible(True)
    assert presenter.state.statistics is None
    presenter.show_statistics()
    found = presenter.state.statistics
    assert found is not None and found.sides.left == number


def _rows(presenter: LibraryPresenter) -> list[LibraryRow]:
    found = [presenter.rows.row(place) for place in range(len(presenter.rows.keys))]
    return [row for row in found if row is not None]
