"""Notes, pins and the trash of runs: each act by name, undone and redone, and what may not go."""

import pytest

from app.store.errors import BadValue, NoSuchRow
from app.store.project import Project
from app.store.records import MetricRow
from app.store.training import keeping, run_queue, runs, trash
from app.store.undo import journal
from tests.store.training.test_runs import add


def test_a_note_is_one_line_and_can_be_undone(project: Project) -> None:
    run = add(project, "brave-otter")
    assert keeping.note(project, run.id, "  a bit\ntoo strong ", annotator="ada")
    assert runs.get_run(project, run.id).notes == "a bit too strong"
    assert not keeping.note(project, run.id, "a bit too strong", annotator="ada"), "nothing changed"
    keeping.note(project, run.id, "better", annotator="ada")
    assert journal.peek(project, "ada").undo == "note on brave-otter"
    journal.undo(project, "ada")
    assert runs.get_run(project, run.id).notes == "a bit too strong"
    journal.undo(project, "ada")
    assert runs.get_run(project, run.id).notes == ""
    journal.redo(project, "ada")
    assert runs.get_run(project, run.id).notes == "a bit too strong"


def test_a_note_that_is_too_long_leaves_the_old_one(project: Project) -> None:
    run = add(project)
    keeping.note(project, run.id, "short", annotator="ada")
    with pytest.raises(BadValue, match="limit"):
        keeping.note(project, run.id, "x" * (keeping.LONGEST_NOTE + 1), annotator="ada")
    assert runs.get_run(project, run.id).notes == "short"
    with pytest.raises(NoSuchRow):
        keeping.note(project, 99, "x", annotator="ada")


def test_an_undo_keeps_what_somebody_else_wrote_since(project: Project) -> None:
    run = add(project)
    keeping.note(project, run.id, "mine", annotator="ada")
    keeping.note(project, run.id, "yours", annotator="ben")
    journal.undo(project, "ada")
    assert runs.get_run(project, run.id).notes == "yours"


def test_pinning(project: Project) -> None:
    run = add(project, "brave-otter")
    assert keeping.pin(project, run.id, True, annotator="ada")
    assert not keeping.pin(project, run.id, True, annotator="ada")
    assert runs.get_run(project, run.id).pinned
    keeping.pin(project, run.id, False, annotator="ada")
    assert journal.peek(project, "ada").undo == "removal of the pin on brave-otter"
    journal.undo(project, "ada")
    assert runs.get_run(project, run.id).pinned


def test_a_deleted_run_leaves_the_list_and_the_queue_and_comes_back(project: Project) -> None:
    first, second = add(project, "one"), add(project, "two")
    run_queue.put_last(project, first.id)
    assert keeping.delete(project, first.id, annotator="ada")
    assert not keeping.delete(project, first.id, annotator="ada")
    assert [run.id for run in runs.runs(project)] == [second.id]
    (deleted,) = runs.deleted_runs(project)
    assert (deleted.id, deleted.queue_place) == (first.id, None)
    journal.undo(project, "ada")
    assert [run.id for run in runs.runs(project)] == [second.id, first.id]
    journal.redo(project, "ada")
    assert [run.id for run in runs.deleted_runs(project)] == [first.id]


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_run_that_trains_cannot_go(project: Project, status: str) -> None:
    run = add(project)
    runs.set_status(project, run.id, status)  # type: ignore[arg-type]
    with pytest.raises(BadValue, match="being trained"):
        keeping.delete(project, run.id, annotator="ada")
    assert len(runs.runs(project)) == 1


def test_a_run_that_others_started_from_cannot_go(project: Project) -> None:
    first = add(project, "one")
    for name, policy in (("two", first.folder), ("three", f"{first.folder}/checkpoints/step-000002")):
        later = runs.add_run(
            project, project.runs_dir / name, policy=policy, method="lora", beta=0.1, config={}
        )
        with pytest.raises(BadValue, match=f"{name} started from the policy of one"):
            keeping.delete(project, first.id, annotator="ada")
        keeping.delete(project, later.id, annotator="ada")
    assert keeping.delete(project, first.id, annotator="ada")


def test_emptying_the_trash_forgets_only_what_is_in_it(project: Project) -> None:
    gone, back, other = add(project, "one"), add(project, "two"), add(project, "three")
    for run in (gone, back, other):
        runs.record_metrics(
            project, run.id, [MetricRow(run_id=run.id, step=1, split="train", metrics={"loss": 1.0})]
        )
    keeping.note(project, other.id, "kept", annotator="ada")
    keeping.note(project, gone.id, "gone", annotator="ada")
    for run in (back, gone):
        keeping.delete(project, run.id, annotator="ada")
    journal.undo(project, "ada")  # the deletion of `gone`
    journal.redo(project, "ada")
    keeping.delete(project, back.id, annotator="ada")
    assert trash.forget(project, [gone.id, other.id]) == 1
    assert [run.id for run in runs.runs(project)] == [other.id]
    assert [run.id for run in runs.deleted_runs(project)] == [back.id]
    for table in ("metrics", "run_pairs"):
        assert {row["run_id"] for row in project.db[table].rows} == {back.id, other.id}
    undone = [journal.undo(project, "ada") for _ in range(3)]
    assert [done.label if done else None for done in undone] == ["deletion of two", "note on three", None]
    assert not list(project.db.query("PRAGMA foreign_key_check"))
