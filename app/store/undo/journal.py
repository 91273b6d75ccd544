"""The journal: everything a person did, by name, so that it can be undone and redone, also after a restart.

Each annotator walks along their own entries; doing something new ends what they could redo. An entry knows
what it changed; undoing puts that back, except where somebody else changed the same thing since.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from sqlite_utils import Database

from app.store.handle import Project
from app.store.rows import clean, insert, now, read, writing
from app.store.undo.changes import Change, redo_changes, undo_changes

_WORDS = 40


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was just undone or redone."""

    kind: str
    """What sort of act: `verdict`, `flag`, `comment`, `tags`, `split`, `delete`, `write_again`, …"""
    label: str
    """The act by name, to stand after "Undo": `verdict on “Name three rivers”`."""
    comparison_id: int | None
    """The comparison it was about, if it was about one."""
    undone: bool
    """False when it was redone."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What would be undone and redone next, by name; empty where there is nothing."""

    undo: str
    redo: str


_KEEP = "INSERT INTO journal_changes (journal_id, tbl, row_key, col, before, after)"
_UNDONE_NEXT = """
SELECT id, kind, label, comparison_id FROM journal WHERE annotator = ? AND undone_at IS NULL
ORDER BY id DESC LIMIT 1
"""
_REDONE_NEXT = """
SELECT id, kind, label, comparison_id FROM journal WHERE annotator = ? AND redoable = 1
ORDER BY id LIMIT 1
"""


def undo(project: Project, annotator: str) -> Done | None:
    """Take back the annotator's latest act that stands, or None when there is none left.

    A verdict taken back stays in the history, marked. Raises `StoreError`; then nothing was changed.
    """
    return _step(project, annotator, undone=True)


def redo(project: Project, annotator: str) -> Done | None:
    """Do again what the annotator undid last, or None; something new since then ends that."""
    return _step(project, annotator, undone=False)


def peek(project: Project, annotator: str) -> Outlook:
    """The names of what `undo` and `redo` would do now."""
    rows = [read(project, "reading the history", sql, [annotator]) for sql in (_UNDONE_NEXT, _REDONE_NEXT)]
    undone, redone = (found[0]["label"] if found else "" for found in rows)
    return Outlook(undo=undone, redo=redone)


def record(
    db: Database,
    *,
    annotator: str,
    kind: str,
    label: str,
    changes: Iterable[Change] = (),
    comparison_id: int | None = None,
) -> int:
    """Within a transaction that makes the changes: note the act, and return the entry's id.

    `label` stands after "Undo" in the menu. What the annotator had undone can no longer be redone.
    """
    entry = _begin(db, annotator, kind, comparison_id)
    db.conn.executemany(
        f"{_KEEP} VALUES (:entry, :tbl, :row_key, :col, :before, :after)",
        [{"entry": entry, **asdict(change)} for change in changes],
    )
    _end(db, entry, label)
    return entry


def record_many(
    db: Database,
    *,
    annotator: str,
    kind: str,
    named: Callable[[int], str],
    changes: str,
    bound: Mapping[str, object],
    comparison_id: int | None = None,
) -> int:
    """Within a transaction: note an act over many rows *and do it*; how many values that changed.

    `changes` selects (table, column, row's key, value before, value after) with the values of `bound`; it is
    a text of the program, never of a file or a person. `named` gives the label for so many rows. Where there
    is nothing to change nothing is noted, and what could be redone still can be.
    """
    entry = _begin(db, annotator, kind, comparison_id)
    keep = "INSERT INTO journal_changes (tbl, col, row_key, before, after, journal_id)"
    done = db.execute(
        f"{keep} SELECT *, :entry FROM ({changes})",  # noqa: S608 (see above)
        {**bound, "entry": entry},
    ).rowcount
    if not done:
        db.execute("DELETE FROM journal WHERE id = ?", [entry])
        return 0
    (rows,) = db.execute(
        "SELECT count(*) FROM (SELECT DISTINCT tbl, row_key FROM journal_changes WHERE journal_id = ?)",
        [entry],
    ).fetchone()
    redo_changes(db, entry)
    _end(db, entry, named(rows))
    return int(done)


def first_words(text: str) -> str:
    """The beginning of a text in typographic quotes, on one line: `“Name three rivers that…”`."""
    line = " ".join(text[: 4 * _WORDS].split())
    cut = line[:_WORDS].rstrip()
    return f"“{cut}…”" if len(cut) < len(line) or len(text) > 4 * _WORDS else f"“{line}”"


def _begin(db: Database, annotator: str, kind: str, comparison_id: int | None) -> int:
    who = clean(annotator, "The annotator's name")
    row = {"at": now(), "annotator": who, "kind": kind, "label": "", "comparison_id": comparison_id}
    return insert(db, "journal", row)


def _end(db: Database, entry: int, label: str) -> None:
    db.execute("UPDATE journal SET label = ? WHERE id = ?", [clean(label, "The name of the act"), entry])
    db.execute(
        """
        UPDATE journal SET redoable = 0
        WHERE redoable = 1 AND annotator = (SELECT annotator FROM journal WHERE id = ?)
        """,
        [entry],
    )


def _step(project: Project, annotator: str, *, undone: bool) -> Done | None:
    doing = "undoing" if undone else "redoing"
    with writing(project, doing) as db:
        found = db.execute(
            _UNDONE_NEXT if undone else _REDONE_NEXT, [clean(annotator, "The annotator's name")]
        ).fetchone()
        if found is None:
            return None
        entry, kind, label, comparison_id = found
        if undone:
            undo_changes(db, entry)
        else:
            redo_changes(db, entry)
        db.execute(
            "UPDATE journal SET undone_at = ?, redoable = ? WHERE id = ?",
            [now() if undone else None, int(undone), entry],
        )
    return Done(kind=kind, label=label, comparison_id=comparison_id, undone=undone)
