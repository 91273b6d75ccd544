"""Is a project file sound? A whole check for small files and for the background, a first look for large ones.

`quick_check` reads every page: 0.1 s for 20 MiB, but many seconds for a million comparisons. So a large file
is opened after a first look that finds what is cut off, or damaged where the tables begin and end, and is
checked whole in the background (`app.store.safekeeping.caretaker`) while work goes on.
"""

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from app.store.errors import ProjectDamaged

WHOLE_AT_ONCE = 32 * 2**20
"""Bytes up to which a file is checked whole before it is opened."""

_MOST = 5


def problems_at_opening(path: Path, db: Database) -> list[str]:
    """What is wrong with the file, in SQLite's words: of all of it, or of a large one at a first look.

    Raises `sqlite3.DatabaseError` where not even that can be read.
    """
    if path.stat().st_size <= WHOLE_AT_ONCE:
        return problems_in(db)
    _look_at_both_ends(db)
    return []


def problems_in(db: Database) -> list[str]:
    """At most five things that `quick_check` finds wrong; it reads the whole file. Raises `sqlite3.Error`."""
    return [str(row[0]) for row in db.execute(f"PRAGMA quick_check({_MOST})") if row[0] != "ok"]


def thorough_problems_in(db: Database) -> list[str]:
    """The same of `integrity_check` and of the references between tables, for what is to be trusted."""
    problems = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({_MOST})") if row[0] != "ok"]
    broken = db.execute("PRAGMA foreign_key_check").fetchmany(_MOST)
    return problems + [f"{table} row {row} refers to no row of {to}" for table, row, to, _ in broken]


READING_ERRORS = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file raises; the second where SQLite's message quotes bytes that are no text."""


def is_damage(error: Exception) -> bool:
    """Whether it tells of the file's contents (and not of a lock, a full disk, …)."""
    if isinstance(error, UnicodeDecodeError):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damaged(path: Path, problems: list[str]) -> ProjectDamaged:
    """The error to raise for a file with these problems."""
    return ProjectDamaged(
        f"{path.name} is damaged and was not opened. Nothing was changed. Restore the newest backup, or save "
        "what can still be read into a new file; the damaged one is kept either way.",
        detail="\n".join(problems),
    )


def _look_at_both_ends(db: Database) -> None:
    """Read the first and the last row of each table, which goes through every level of its tree."""
    tables = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY rootpage"
    ).fetchall()
    for name, sql in tables:
        quoted = '"' + str(name).replace('"', '""') + '"'
        db.execute(f"SELECT * FROM {quoted} LIMIT 1").fetchone()  # noqa: S608 (a name from the file, quoted)
        if "WITHOUT ROWID" not in str(sql).upper():
            db.execute(f"SELECT * FROM {quoted} ORDER BY rowid DESC LIMIT 1").fetchone()  # noqa: S608
