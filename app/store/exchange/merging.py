"""Bringing another project's content into this one: prompts, comparisons and everybody's verdicts.

The same prompt, candidates and comparison (`identity`) become one, whichever stood left. Each annotator's
verdicts stay theirs: of two by the same name the newer stands and the other is kept as history. Tags, flags
and comments come together. Merging the same file twice changes nothing the second time.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

from app.store import connection
from app.store.collecting.annotators import checked_name
from app.store.errors import BadValue, explained
from app.store.exchange.bulk import bulk_writing
from app.store.exchange.entries import Entry
from app.store.exchange.identity import MetTable
from app.store.exchange.importing import BATCH, journal_intake, take_in
from app.store.exchange.intake import Intake, Manner
from app.store.exchange.outgoing import comparisons_of, count_of, prompts_alone
from app.store.exchange.report import Report
from app.store.handle import Project
from app.store.project import open_project
from app.store.rows import now
from app.store.safekeeping.backups import back_up
from app.store.safekeeping.health import READING_ERRORS, damaged, is_damage, problems_in
from app.store.schema.migrations import STEPS


def merge(
    project: Project,
    other: Path,
    *,
    annotator: str,
    on_progress: Callable[[float], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """Take in the content of the project file `other`, which is only read; on the writer's thread.

    All of it or nothing, after a backup, as one act that `annotator` can undo. What is read is a copy,
    brought up to date where it is of an older version. Raises `StoreError` for one that is damaged, newer or
    this project itself; then nothing was changed.
    """
    who = checked_name(annotator)
    with explained(f"opening {other.name}"):
        if other.exists() and other.samefile(project.path):
            raise BadValue("This is the project that is open. Nothing was changed. Choose another one.")
    report = Report(source=other.name)
    with _copied(other) as theirs:
        back_up(project.path, project.db, why="merge")
        with bulk_writing(project, "merging") as db, MetTable(db) as met:
            draw = Random()  # noqa: S311 (never drawn from: all sides are placed)
            with Intake(db, met, Manner(annotator=who), draw, now()) as intake:
                take_in(intake, _entries(theirs, report, on_progress), report, cancelled)
            journal_intake(db, intake, who, kind="merge", label=f"merge of “{other.name[:80]}”")
    return report


def _entries(theirs: Project, report: Report, on_progress: Callable[[float], None]) -> Iterator[Entry]:
    total = count_of(theirs) or 1
    for source in (comparisons_of(theirs), prompts_alone(theirs)):
        for out in source:
            report.rows += 1
            if report.rows % BATCH == 0:
                on_progress(min(1.0, report.rows / total))
            yield out.entry
    on_progress(1.0)


@contextmanager
def _copied(path: Path) -> Iterator[Project]:
    """The other project as it is at this moment: a copy, checked whole and brought up to date."""
    connection.refuse_foreign(path, connection.read_header(path), len(STEPS))
    with tempfile.TemporaryDirectory(prefix="dpo-studio-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / path.name
        with explained(f"reading {path.name}"):
            try:
                _copy(path, copy)
            except READING_ERRORS as error:
                if is_damage(error):
                    raise damaged(path, [str(error)]) from error
                raise
        theirs = open_project(copy)
        try:
            if problems := problems_in(theirs.db):
                raise damaged(path, problems)
            yield theirs
        finally:
            theirs.close()


def _copy(path: Path, copy: Path) -> None:
    with (
        closing(connection.connect(path, connection.harmless_mode(path))) as db,
        closing(sqlite3.connect(copy)) as target,
    ):
        db.conn.backup(target)
