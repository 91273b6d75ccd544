"""Undo and redo of everything by name: every kind of act, across restarts, each annotator's own, in bulk."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store.collecting import comparisons, notes, prompts, verdicts
from app.store.errors import NoSuchRow, ProjectDamaged
from app.store.figures import agreement
from app.store.project import Project, open_project
from app.store.records import Choice, Comparison
from app.store.rows import writing
from app.store.settings import get_setting
from app.store.undo import journal
from app.store.undo.changes import Change
from app.store.undo.journal import Done, Outlook
from dpo_engine.preferences import Message
from tests.store.makers import candidate, comparison

Act = Callable[[Project, Comparison], object]


def give(
    project: Project, comparison_id: int, choice: Choice, annotator: str = "me", edited: str | None = None
) -> int:
    return verdicts.give_verdict(
        project, comparison_id, choice, strength=1, annotator=annotator, seconds=1.0, edited=edited
    ).id


def snapshot(project: Project) -> dict[str, list[tuple[object, ...]]]:
    """All that a person could see of what was done; ids and moments of the acting itself left out."""
    queries = {
        "comparisons": """
            SELECT id, state, choice, verdict_id, flagged, comment, held_out, disputed, deleted_at IS NULL
            FROM comparisons ORDER BY id
        """,
        "prompts": """
            SELECT id, split, deleted_at IS NULL, comparisons, answered FROM prompts ORDER BY id
        """,
        "tags": "SELECT 'c', * FROM comparison_tags UNION SELECT 'p', * FROM prompt_tags ORDER BY 1, 2, 3",
        "verdicts": "SELECT id, undone_at IS NULL FROM verdicts ORDER BY id",
        "standing": "SELECT * FROM standing ORDER BY 1, 2",
        "tally": "SELECT * FROM tally ORDER BY 1, 2, 3",
        "settings": "SELECT * FROM settings ORDER BY 1",
        "counted": """
            SELECT state = 'waiting', count(*) FROM comparisons
            WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL GROUP BY 1
            EXCEPT SELECT 1, sum(n) FROM waiting
        """,
    }
    return {name: list(project.db.execute(sql)) for name, sql in queries.items()}


def keep_filters(project: Project, value: str) -> None:
    with writing(project, "saving") as db:
        before = db.execute("SELECT value FROM settings WHERE key = 'library.filters'").fetchone()
        if before == (value,):
            return
        db.execute("INSERT OR REPLACE INTO settings VALUES ('library.filters', ?)", [value])
        change = Change("settings", "library.filters", "value", before[0] if before else None, value)
        journal.record(db, annotator="me", kind="filters", label="saved filters", changes=[change])


ACTS: dict[str, tuple[Act, str]] = {
    "verdict": (lambda p, c: give(p, c.id, "left"), "verdict on “Hello?”"),
    "edit": (lambda p, c: give(p, c.id, "right", edited="better"), "verdict on “Hello?”"),
    "skip": (lambda p, c: give(p, c.id, "skip"), "verdict on “Hello?”"),
    "flag": (lambda p, c: notes.set_flag(p, [c.id], True, annotator="me"), "flag on “Hello?”"),
    "comment": (lambda p, c: notes.set_comment(p, [c.id], " so-so ", annotator="me"), "comment on “Hello?”"),
    "tags": (lambda p, c: notes.set_tags(p, c.id, ["a", "b c"], annotator="me"), "tags on “Hello?”"),
    "add tags": (
        lambda p, c: notes.add_tags(p, [c.id, 1], ["a"], annotator="me", prompt_ids=[1]),
        "tag “a” on 3 rows",
    ),
    "delete": (
        lambda p, c: notes.set_deleted(p, [c.id], True, annotator="me"),
        "deleting “Hello?”",
    ),
    "delete prompt": (
        lambda p, c: notes.set_deleted(p, [], True, annotator="me", prompt_ids=[c.prompt.id]),
        "deleting 1 row",
    ),
    "split": (
        lambda p, c: prompts.set_split(p, [c.prompt.id, 1], "held_out", annotator="me"),
        "holding out 2 prompts",
    ),
    "retire": (lambda p, c: comparisons.retire(p, c.id, annotator="me"), "writing again for “Hello?”"),
    "side": (
        lambda p, c: comparisons.add_side(p, c.id, "left", candidate("new"), annotator="me"),
        "writing again for “Hello?”",
    ),
    "prompt": (
        lambda p, c: prompts.add_prompt(p, [Message("user", "What\nnow?")], source="typed", annotator="me"),
        "new prompt “What now?”",
    ),
    "again": (lambda p, c: agreement.ask_again(p, [c.id, 1], "me"), "asking 2 comparisons again"),
    "filters": (lambda p, c: keep_filters(p, '["x"]'), "saved filters"),
}


@pytest.mark.parametrize("act", ACTS)
def test_everything_is_undone_and_redone_by_name(project: Project, path: Path, act: str) -> None:
    comparison(project, "another")
    one = comparison(project)
    comparisons.mark_shown(project, one.id)
    do, label = ACTS[act]
    before = snapshot(project)
    do(project, one)
    after = snapshot(project)
    assert after != before
    assert journal.peek(project, "me") == Outlook(undo=label, redo="")
    project.close()

    again = open_project(path)
    undone = journal.undo(again, "me")
    assert undone is not None
    assert (undone.label, undone.undone) == (label, True)
    expected = before | {"verdicts": [(row[0], 0) for row in after["verdicts"]]}
    assert _without_added(snapshot(again), before) == expected
    assert journal.peek(again, "me") == Outlook(undo="", redo=label)
    again.close()

    last = open_project(path)
    redone = journal.redo(last, "me")
    assert redone == Done(kind=undone.kind, label=label, comparison_id=undone.comparison_id, undone=False)
    assert snapshot(last) == after
    assert journal.redo(last, "me") is None
    last.close()


def _without_added(
    found: dict[str, list[tuple[object, ...]]], before: dict[str, list[tuple[object, ...]]]
) -> dict[str, list[tuple[object, ...]]]:
    """Rows that the act added stay, but deleted: nobody sees them."""
    known = {name: {row[0] for row in before[name]} for name in ("comparisons", "prompts")}
    for name, column in (("comparisons", 8), ("prompts", 2)):
        added = [row for row in found[name] if row[0] not in known[name]]
        assert all(row[column] == 0 for row in added)
        found = found | {name: [row for row in found[name] if row[0] in known[name]]}
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 2)), max_size=8))
def test_undoing_all_and_redoing_all_goes_back_and_forth(
    project: Project, acts: list[tuple[str, int]]
) -> None:
    while journal.undo(project, "me") is not None:
        pass  # what the last example did
    round_ = project.db.table("prompts").count
    made = [comparison(project, f"{round_}-{number}") for number in range(3)]
    before = snapshot(project)
    labels = []
    for act, which in acts:
        current = snapshot(project)
        with suppress(NoSuchRow):  # what was deleted is not there to be asked or written again
            ACTS[act][0](project, comparisons.get(project, made[which].id))
        if snapshot(project) != current:
            labels.append(journal.peek(project, "me").undo)
    after = snapshot(project)
    undone = []
    while (done := journal.undo(project, "me")) is not None:
        undone.append(done.label)
    assert undone[::-1] == labels
    said = [(row[0], 0) for row in after["verdicts"]]
    # A comparison that was shown to be undone is on the screen again, whatever it was before.
    assert _states_aside(_without_added(snapshot(project), before)) == _states_aside(
        before | {"verdicts": said}
    )
    while journal.redo(project, "me") is not None:
        pass
    assert _states_aside(snapshot(project)) == _states_aside(after)


def _states_aside(found: dict[str, list[tuple[object, ...]]]) -> dict[str, list[tuple[object, ...]]]:
    rows = [(key, state == "answered", *rest) for key, state, *rest in found["comparisons"]]
    counted = [row[:3] for row in found["prompts"]]
    return found | {"comparisons": rows, "prompts": counted}


def test_undo_leaves_what_somebody_else_changed_since(project: Project) -> None:
    one = comparison(project)
    notes.set_comment(project, [one.id], "mine", annotator="me")
    notes.set_comment(project, [one.id], "yours", annotator="you")
    assert journal.undo(project, "me") is not None
    assert comparisons.get(project, one.id).comment == "yours"
    journal.undo(project, "you")
    assert comparisons.get(project, one.id).comment == "mine"


def test_annotators_walk_along_their_own_acts(project: Project) -> None:
    one, other = comparison(project, "a"), comparison(project, "b")
    notes.set_flag(project, [one.id], True, annotator="me")
    notes.set_flag(project, [other.id], True, annotator="you")
    assert journal.undo(project, "nobody") is None
    done = journal.undo(project, "me")
    assert done == Done(kind="flag", label="flag on “a”", comparison_id=one.id, undone=True)
    give(project, other.id, "left", "you")
    assert journal.peek(project, "me") == Outlook(undo="", redo="flag on “a”")
    assert journal.peek(project, "you").redo == ""


def test_something_new_ends_redo_and_nothing_new_does_not(project: Project) -> None:
    one = comparison(project)
    notes.set_flag(project, [one.id], True, annotator="me")
    journal.undo(project, "me")
    assert notes.set_flag(project, [one.id], False, annotator="me") == 0
    assert notes.set_comment(project, [one.id], "", annotator="me") == 0
    assert journal.peek(project, "me") == Outlook(undo="", redo="flag on “Hello?”")
    notes.set_comment(project, [one.id], "well", annotator="me")
    assert journal.peek(project, "me") == Outlook(undo="comment on “Hello?”", redo="")


def test_an_undone_verdict_keeps_its_row_and_history(project: Project) -> None:
    one = comparison(project)
    first = give(project, one.id, "left", edited="edited")
    journal.undo(project, "me")
    second = give(project, one.id, "left", edited="edited again")
    history = verdicts.history(project, one.id)
    assert [(v.id, v.undone_at is None) for v in history] == [(first, False), (second, True)]
    texts = [comparisons.candidate(project, v.edited_id or 0).text for v in history]
    assert texts == ["edited", "edited again"]
    assert [(e.verdict_id, e.event) for e in verdicts.timeline(project, one.id)] == [
        (first, "given"),
        (first, "undone"),
        (second, "given"),
    ]


def test_a_hundred_thousand_rows_tagged_at_once_are_undone_at_once(project: Project) -> None:
    number = 100_000
    one = comparison(project)
    with writing(project, "filling") as db:
        db.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO comparisons
                (id, prompt_id, left_id, right_id, swapped, state, priority, held_out, created_at)
            SELECT i, prompt_id, left_id, right_id, 0, 'waiting', 0, 0, created_at
            FROM n, comparisons WHERE id = ?
            """,
            [number, one.id],
        )
    ids = range(1, number + 1)
    assert notes.add_tags(project, ids, ["hard"], annotator="me") == number
    assert notes.known_tags(project) == [("hard", number)]
    assert journal.peek(project, "me").undo == "tag “hard” on 100,000 rows"
    began = time.perf_counter()
    journal.undo(project, "me")
    took = time.perf_counter() - began
    assert notes.known_tags(project) == []
    assert took < 2
    began = time.perf_counter()
    assert notes.set_deleted(project, ids, True, annotator="me") == number
    assert comparisons.waiting_count(project) == 0
    journal.undo(project, "me")
    assert comparisons.waiting_count(project) == number
    assert time.perf_counter() - began < 8


def test_labels_are_short_and_on_one_line() -> None:
    assert journal.first_words("Hi") == "“Hi”"
    assert journal.first_words("a\n\n b\tc ") == "“a b c”"
    words = journal.first_words("word " * 1_000)
    assert words.endswith("…”")
    assert len(words) <= 43


def test_a_history_that_names_something_else_is_refused(project: Project) -> None:
    with writing(project, "forging") as db:
        journal.record(
            db,
            annotator="me",
            kind="x",
            label="x",
            changes=[Change("runs", 1, "folder = ''; --", "a", "b")],  # type: ignore[arg-type]
        )
    with pytest.raises(ProjectDamaged, match="Nothing was changed"):
        journal.undo(project, "me")
    assert journal.peek(project, "me").undo == "x"


def test_settings_come_and_go(project: Project) -> None:
    keep_filters(project, '["one"]')
    keep_filters(project, '["two"]')
    journal.undo(project, "me")
    assert get_setting(project, "library.filters") == ["one"]
    journal.undo(project, "me")
    assert get_setting(project, "library.filters") is None
