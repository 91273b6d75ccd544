"""Flags, comments, tags, deleting and restoring: one act each, for any number of rows."""

import pytest

from app.store.collecting import comparisons, notes, prompts, verdicts
from app.store.collecting.annotators import add_annotator, list_annotators
from app.store.errors import BadValue
from app.store.project import Project
from app.store.undo import journal
from dpo_engine.preferences import Message
from tests.store.makers import comparison


def test_flags_comments_and_tags_come_back(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    assert notes.set_flag(project, [one.id, other.id, 99], True, annotator="me") == 2
    assert notes.set_flag(project, [one.id], False, annotator="me") == 1
    notes.set_comment(project, [one.id], "Why\nnot?", annotator="me")
    assert notes.add_tags(project, [one.id, other.id], [" two  words ", "x", "x"], annotator="me") == 4
    assert notes.remove_tags(project, [other.id], ["x", "unknown"], annotator="me") == 1
    found = comparisons.get(project, one.id)
    assert (found.flagged, found.comment, found.tags) == (False, "Why\nnot?", ("two words", "x"))
    found = comparisons.get(project, other.id)
    assert (found.flagged, found.comment, found.tags) == (True, "", ("two words",))
    assert notes.known_tags(project) == [("two words", 2), ("x", 1)]
    assert notes.set_tags(project, one.id, ["x", "new"], annotator="me") == 2
    assert comparisons.get(project, one.id).tags == ("new", "x")


def test_the_same_again_changes_nothing(project: Project) -> None:
    one = comparison(project)
    for _ in range(2):
        notes.set_flag(project, [one.id], True, annotator="me")
        notes.add_tags(project, [one.id], ["x"], annotator="me", prompt_ids=[one.prompt.id])
    assert project.db.table("journal").count == 2
    assert comparisons.get(project, one.id).prompt.tags == ("x",)
    assert notes.known_tags(project) == [("x", 2)]


@pytest.mark.parametrize("tag", ["", " \n", "x" * 101])
def test_what_is_no_tag(project: Project, tag: str) -> None:
    one = comparison(project)
    with pytest.raises(BadValue, match="Nothing was changed"):
        notes.add_tags(project, [one.id], ["fine", tag], annotator="me")
    assert notes.known_tags(project) == []


def test_a_comment_has_an_end(project: Project) -> None:
    one = comparison(project)
    with pytest.raises(BadValue, match="100,000 characters, not 100,001"):
        notes.set_comment(project, [one.id], "x" * 100_001, annotator="me")


def test_deleting_a_prompt_takes_all_of_it_and_gives_it_back(project: Project) -> None:
    one, again = comparison(project, "a"), comparison(project, "a")
    kept = comparison(project, "b")
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
    notes.add_tags(project, [one.id], ["x"], annotator="me")
    notes.set_deleted(project, [again.id], True, annotator="me")
    assert notes.set_deleted(project, [], True, annotator="me", prompt_ids=[one.prompt.id]) == 1
    assert verdicts.counts(project).preferences == 0
    assert prompts.counts(project).total == 1
    assert notes.known_tags(project) == []
    following = comparisons.next_comparison(project)
    assert following is not None
    assert following.id == kept.id

    assert notes.set_deleted(project, [], False, annotator="me", prompt_ids=[one.prompt.id]) == 1
    assert verdicts.counts(project).preferences == 1
    assert comparisons.waiting_count(project) == 1, "what was deleted before stays so"
    assert notes.set_deleted(project, [again.id], False, annotator="me") == 1
    assert comparisons.waiting_count(project) == 2


def test_a_comparison_brings_its_prompt_back(project: Project) -> None:
    one = comparison(project, "a")
    notes.set_deleted(project, [], True, annotator="me", prompt_ids=[one.prompt.id])
    assert notes.set_deleted(project, [one.id], False, annotator="me") == 2
    assert prompts.counts(project).total == 1
    assert comparisons.waiting_count(project) == 1
    journal.undo(project, "me")
    assert prompts.counts(project).total == 0
    assert comparisons.waiting_count(project) == 0


def test_typing_a_deleted_prompt_again_brings_it_back(project: Project) -> None:
    one = comparison(project, "a")
    notes.set_deleted(project, [], True, annotator="me", prompt_ids=[one.prompt.id])
    again = prompts.add_prompt(project, [Message("user", "a")], source="typed", annotator="me")
    assert again.id == one.prompt.id
    assert comparisons.waiting_count(project) == 1
    journal.undo(project, "me")
    assert prompts.counts(project).total == 0


def test_annotators_are_known_by_name(project: Project) -> None:
    assert list_annotators(project) == []
    assert add_annotator(project, "  Zoë \n Q ") == "Zoë Q"
    add_annotator(project, "Zoë Q")
    one = comparison(project)
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="Ann", seconds=1.0)
    assert list_annotators(project) == ["Zoë Q", "Ann"]
    for name in ("", " \t", "x" * 101):
        with pytest.raises(BadValue, match="Nothing was changed"):
            add_annotator(project, name)
