"""What people do to a run besides training it: note, pin, delete. Each can be undone by name."""

from app.store.errors import BadValue
from app.store.handle import Project
from app.store.records import Run
from app.store.rows import clean, now, writing
from app.store.training.runs import get_run, runs
from app.store.undo import journal
from app.store.undo.changes import Change, Value, redo_changes

LONGEST_NOTE = 2_000
"""Characters: a note is read beside the run's name."""


def note(project: Project, run_id: int, text: str, *, annotator: str) -> bool:
    """What somebody writes about a run, on one line; whether that changed anything. Raises `BadValue`."""
    line = clean(" ".join(text.split()), "The note")
    if len(line) > LONGEST_NOTE:
        raise BadValue(
            f"The note has {len(line):,} characters; the limit is {LONGEST_NOTE:,}. The old one was kept."
        )
    run = get_run(project, run_id)
    return _change(project, run, "notes", run.notes, line, annotator, f"note on {run.name}")


def pin(project: Project, run_id: int, pinned: bool, *, annotator: str) -> bool:
    """Let the run stand first in the list, or no longer; whether that changed anything."""
    run = get_run(project, run_id)
    label = f"{'pin' if pinned else 'removal of the pin'} on {run.name}"
    return _change(project, run, "pinned", int(run.pinned), int(pinned), annotator, label)


def delete(project: Project, run_id: int, *, annotator: str) -> bool:
    """Put a run into the trash; whether it was not there yet. Its files stay until the trash is emptied.

    One that waits in the queue waits no longer. Raises `BadValue` where it trains now, or where another run
    started from its policy and needs its files.
    """
    run = get_run(project, run_id)
    if run.status in ("running", "paused"):
        raise BadValue(f"{run.name} is being trained. Nothing was changed. Stop or cancel it first.")
    later = started_from(project, run)
    if later:
        raise BadValue(
            f"{_named(later)} started from the policy of {run.name} and cannot do without its files. Nothing "
            f"was changed. Delete {'that one' if len(later) == 1 else 'those'} first."
        )
    if run.deleted_at is not None:
        return False
    with writing(project, "deleting the run") as db:
        db.execute("UPDATE runs SET queue_place = NULL WHERE id = ?", [run_id])
        return _change(project, run, "deleted_at", None, now(), annotator, f"deletion of {run.name}")


def started_from(project: Project, run: Run) -> tuple[Run, ...]:
    """The runs that are not deleted and began with this one's policy or one of its checkpoints."""
    return tuple(
        other
        for other in runs(project)
        if other.policy == run.folder or other.policy.startswith((f"{run.folder}/", f"{run.folder}\\"))
    )


def _change(
    project: Project, run: Run, column: str, before: Value, after: Value, annotator: str, label: str
) -> bool:
    if before == after:
        return False
    change = Change("runs", run.id, column, before, after)
    with writing(project, "saving what was done to the run") as db:
        entry = journal.record(db, annotator=annotator, kind="run", label=label, changes=[change])
        redo_changes(db, entry)
    return True


def _named(later: tuple[Run, ...]) -> str:
    first = later[0].name
    return first if len(later) == 1 else f"{first} and {len(later) - 1} more"
