"""Importing what a person looked at: all of it or nothing, in one transaction, after a backup."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Literal

import msgspec
from sqlite_utils import Database

from app.store.collecting.annotators import checked_name
from app.store.errors import BadValue, Cancelled
from app.store.exchange.bulk import bulk_writing
from app.store.exchange.entries import Entry, Refused, RowRefused
from app.store.exchange.formats import Reader, reader_of
from app.store.exchange.identity import Asked, MetTable
from app.store.exchange.intake import Intake, Manner
from app.store.exchange.preview import Preview
from app.store.exchange.report import Report
from app.store.exchange.sources import Source
from app.store.handle import Project
from app.store.rows import now
from app.store.safekeeping.backups import back_up
from app.store.undo.journal import record
from dpo_engine.preferences import Split

Take = Literal["verdicts", "comparisons", "prompts"]
"""All that a file says; its responses, to be judged anew; its prompts alone."""

BATCH = 1_000
_MOST_CHARACTERS = 8_000_000
"""In a batch, which is in memory as a whole."""


def run(
    project: Project,
    preview: Preview,
    *,
    annotator: str,
    unsigned: str | None = None,
    held_out_share: float | None = None,
    take: Take = "verdicts",
    rng: Random | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """Import what `preview` shows, read by its mapping where it has one; on the writer's thread.

    `annotator` imports, and can undo it as one act; `unsigned` (else the same) is whose verdicts those are
    that name nobody.
    `held_out_share` of the new prompts (0 to 1) are held out where the file does not say. `on_progress` hears
    the share read; `cancelled` is asked between batches. Raises `StoreError` (`Cancelled` among them);
    then nothing was changed. Rows that cannot be taken are in the report, and the others are kept.
    """
    if preview.format is None and preview.mapping is None:
        raise BadValue("The format of this file is not known. Nothing was changed. Name its columns first.")
    who = checked_name(annotator)
    whose = who if unsigned is None else checked_name(unsigned)
    share = None if held_out_share is None else min(1.0, max(0.0, held_out_share))
    read = reader_of(preview.format or "prompts", preview.mapping)
    report = Report(source=preview.source.name)
    back_up(project.path, project.db, why="import")
    with bulk_writing(project, "importing") as db, MetTable(db) as met:
        manner = Manner(annotator=whose, held_out_share=share)
        draw = rng or Random()  # noqa: S311 (which side, no secret)
        with Intake(db, met, manner, draw, now()) as intake:
            take_in(intake, _entries(preview.source, read, take, report, on_progress), report, cancelled)
        journal_intake(db, intake, who, kind="import", label=f"import of “{preview.source.name[:80]}”")
    return report


def take_in(
    intake: Intake,
    entries: Iterator[Entry],
    report: Report,
    cancelled: Callable[[], bool],
) -> None:
    """Keep all entries, a batch at a time, and count them in the report. Raises `Cancelled`."""
    for batch in _batches(entries):
        if cancelled():
            raise Cancelled("It was cancelled. Nothing was changed.")
        intake.add([Asked(entry) for entry in batch])
    intake.wait()
    intake.index_later()
    if cancelled():
        raise Cancelled("It was cancelled. Nothing was changed.")
    report.prompts, report.comparisons = intake.rows.added("prompts"), intake.comparisons
    report.verdicts, report.duplicates = intake.rows.added("verdicts"), intake.duplicates
    report.restored = intake.restored


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    """As many as `BATCH`, or as their texts together are not too long."""
    batch: list[Entry] = []
    characters = 0
    for entry in entries:
        batch.append(entry)
        characters += sum([len(message.content) for message in entry.prompt])
        if entry.left is not None and entry.right is not None:
            characters += len(entry.left.text) + len(entry.right.text)
        if len(batch) == BATCH or characters > _MOST_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def journal_intake(db: Database, intake: Intake, annotator: str, *, kind: str, label: str) -> None:
    """Note it as one act of `annotator`, which undo takes back; nothing, where nothing was changed."""
    first = intake.rows.first
    added = any(intake.rows.added(table) for table in ("prompts", "comparisons", "verdicts"))
    if not added and not intake.changes:
        return
    entry = record(db, annotator=annotator, kind=kind, label=label, changes=intake.changes)
    for changes in _ADDED:
        db.execute(
            f"INSERT INTO journal_changes (journal_id, tbl, col, row_key, before, after) {changes}",
            {"entry": entry, "moment": intake.moment, **first},
        )


# A verdict, and an answer that settles, on what was there before; a comparison of a prompt that was there.
_ADDED = (
    "SELECT :entry, 'prompts', 'deleted_at', id, :moment, NULL FROM prompts WHERE id >= :prompts",
    """
    SELECT :entry, 'comparisons', 'deleted_at', id, :moment, NULL FROM comparisons
    WHERE id >= :comparisons AND prompt_id < :prompts AND (of_id IS NULL OR of_id < :comparisons)
    """,
    """
    SELECT :entry, 'verdicts', 'undone_at', id, NULL, NULL FROM verdicts
    WHERE id >= :verdicts AND comparison_id < :comparisons AND undone_at IS NULL
    """,
)


def _entries(
    source: Source, read: Reader, take: Take, report: Report, on_progress: Callable[[float], None]
) -> Iterator[Entry]:
    for file, row, share in source.rows():
        report.rows += 1
        if report.rows % BATCH == 0:
            on_progress(share)
        try:
            entry = read(row.value)
        except RowRefused as error:
            report.refuse(Refused(row.line, str(error), file.name))
            continue
        yield _taken(entry, take, file.split)
    on_progress(1.0)


def _taken(entry: Entry, take: Take, split: Split | None) -> Entry:
    if take == "prompts":
        entry = msgspec.structs.replace(entry, left=None, right=None, verdicts=())
    elif take == "comparisons" and entry.verdicts:
        entry = msgspec.structs.replace(entry, verdicts=(), placed=False)
    if split is not None and entry.split is None:
        entry = msgspec.structs.replace(entry, split=split)
    return entry
