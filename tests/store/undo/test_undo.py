"""Undo and redo of verdicts: any number, each annotator's own, across restarts, nothing ever lost."""

from pathlib import Path

from app.store.collecting import comparisons, verdicts
from app.store.project import Project, open_project
from app.store.records import Choice
from app.store.undo import journal
from tests.store.makers import comparison


def give(project: Project, comparison_id: int, choice: Choice, annotator: str = "me") -> int:
    return verdicts.give_verdict(
        project, comparison_id, choice, strength=1, annotator=annotator, seconds=1.0
    ).id


def undo(project: Project, annotator: str = "me") -> int | None:
    """The verdict that was taken back; None when there was nothing to take back."""
    return _moved(project, "undone") if journal.undo(project, annotator) else None


def redo(project: Project, annotator: str = "me") -> int | None:
    return _moved(project, "redone") if journal.redo(project, annotator) else None


def _moved(project: Project, event: str) -> int:
    (last,) = project.db.query("SELECT verdict_id, event FROM verdict_history ORDER BY id DESC LIMIT 1")
    assert last["event"] == event
    return int(last["verdict_id"])


def test_undoing_shows_the_comparison_again(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    given = give(project, one.id, "left")
    comparisons.mark_shown(project, other.id)
    assert undo(project) == given
    (undone,) = verdicts.history(project, one.id)
    assert undone.undone_at is not None
    assert verdicts.verdict_of(project, one.id) is None
    following = comparisons.next_comparison(project)
    assert following is not None
    assert (following.id, following.state) == (one.id, "shown")
    behind = comparisons.next_comparison(project, exclude=[one.id])
    assert behind is not None
    assert behind.id == other.id


def test_redoing_answers_it_again(project: Project) -> None:
    one = comparison(project)
    given = give(project, one.id, "left")
    undo(project)
    assert redo(project) == given
    (redone,) = verdicts.history(project, one.id)
    assert redone.undone_at is None
    assert comparisons.get(project, one.id).state == "answered"
    assert [event.event for event in verdicts.timeline(project, one.id)] == ["given", "undone", "redone"]


def test_many_steps_both_ways_across_restarts(project: Project, path: Path) -> None:
    given = [give(project, comparison(project, f"p{i}").id, "left") for i in range(3)]
    assert undo(project) == given[2]
    project.close()
    again = open_project(path)
    assert [undo(again), undo(again), undo(again)] == [given[1], given[0], None]
    again.close()
    last = open_project(path)
    assert [redo(last), redo(last), redo(last), redo(last)] == [*given, None]
    assert verdicts.counts(last).preferences == 3
    last.close()


def test_a_new_verdict_ends_what_could_be_redone(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    give(project, one.id, "left")
    undo(project)
    given = give(project, other.id, "tie")
    assert redo(project) is None
    assert undo(project) == given
    assert undo(project) is None
    assert len(verdicts.history(project, one.id)) == 1


def test_a_skip_is_undone_and_redone(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    give(project, one.id, "skip")
    undo(project)
    assert comparisons.get(project, one.id).state == "shown"
    assert verdicts.counts(project).skips == 0
    redo(project)
    assert comparisons.get(project, one.id).state == "waiting"
    following = comparisons.next_comparison(project)
    assert following is not None
    assert following.id == other.id


def test_undoing_a_change_brings_the_first_verdict_back(project: Project) -> None:
    one = comparison(project)
    first = give(project, one.id, "left")
    give(project, one.id, "right")
    undo(project)
    standing = verdicts.verdict_of(project, one.id)
    assert standing is not None
    assert (standing.id, standing.choice) == (first, "left")
    assert comparisons.get(project, one.id).state == "answered"


def test_annotators_do_not_undo_each_other(project: Project) -> None:
    one = comparison(project)
    mine = give(project, one.id, "left")
    yours = give(project, one.id, "right", annotator="you")
    assert undo(project) == mine
    standing = verdicts.verdict_of(project, one.id)
    assert standing is not None
    assert standing.id == yours
    assert undo(project, "nobody") is None
    assert undo(project, "you") == yours
    assert verdicts.verdict_of(project, one.id) is None


def test_annotators_do_not_redo_each_others_or_end_what_others_can_redo(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    mine = give(project, one.id, "left")
    undo(project)
    assert redo(project, "you") is None
    give(project, other.id, "left", annotator="you")
    assert redo(project) == mine
