"""The transaction in which very many rows come in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import psutil  # type: ignore[import-untyped]
from sqlite_utils import Database

from app.store.errors import explained
from app.store.handle import Project
from app.store.rows import to_json, writing

_LEAST_CACHE, _MOST_CACHE = 64 * 2**20, 256 * 2**20
"""Bytes. Hashes come in no order, so that every page of their index is needed again and again: some 110 MB of
a million prompts. A page that has left the cache is read again, and written once more before the end."""
_SHARE_OF_MEMORY = 24
_VALUES_A_STATEMENT = 16_000
"""Half of what SQLite binds to one (SQLITE_MAX_VARIABLE_NUMBER)."""
_LIKE = 250
"""Rows of a statement are a multiple of this wherever they can be, so that few are to be prepared."""
COUNTED = {
    "tally_new": """
        UPDATE tally SET n = tally.n + new.n FROM (
            SELECT choice, held_out, disputed, count(*) AS n FROM comparisons NOT INDEXED
            WHERE id >= ? AND choice IS NOT NULL AND purpose = 'collect' AND deleted_at IS NULL
            GROUP BY choice, held_out, disputed
        ) AS new WHERE tally.choice = new.choice AND tally.held_out = new.held_out
            AND tally.disputed = new.disputed
    """,
    "waiting_new": """
        UPDATE waiting SET n = waiting.n + new.n FROM (
            SELECT skipped > 0 AS later, count(*) AS n FROM comparisons NOT INDEXED
            WHERE id >= ? AND state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL GROUP BY later
        ) AS new WHERE waiting.later = new.later
    """,
}
"""Triggers that count each new comparison, and what does the same for all with an id from a first one on.

With such a trigger SQLite has to be able to undo every single row by itself, which takes longer than the row.
Not along an index: it would be that of all comparisons with a choice, whose number grows with each batch.
"""


@contextmanager
def bulk_writing(project: Project, doing: str) -> Iterator[Database]:
    """One transaction for very many rows: all of the block or nothing, on disk when it ends.

    More memory, and no check of each row's references: `new_rows` gives out every id itself, and a comparison
    and its verdict refer to each other, so that one of them would be refused. New comparisons are counted by
    `count_new` alone. Raises `StoreError`.
    """
    if project.db.conn.in_transaction:
        raise RuntimeError("within a transaction these settings would not hold")
    with _settings(project.db, doing), writing(project, doing) as db:
        triggers = db.execute(
            "SELECT sql FROM sqlite_master WHERE name IN (SELECT value FROM json_each(?))",
            [to_json(list(COUNTED))],
        ).fetchall()
        for name in COUNTED:
            db.execute(f"DROP TRIGGER {name}")
        yield db
        for (trigger,) in triggers:
            db.execute(trigger)


@contextmanager
def _settings(db: Database, doing: str) -> Iterator[None]:
    with explained(doing):
        (cache,) = db.execute("PRAGMA cache_size").fetchone()
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(f"PRAGMA cache_size = -{_cache_bytes() // 1024}")
    try:
        yield
    finally:
        with explained(doing):
            db.execute("PRAGMA foreign_keys = ON")
            db.execute(f"PRAGMA cache_size = {int(cache)}")
            db.execute("PRAGMA shrink_memory")


def _cache_bytes() -> int:
    share = int(psutil.virtual_memory().available) // _SHARE_OF_MEMORY
    return min(_MOST_CACHE, max(_LEAST_CACHE, share))


def insert_many(db: Database, insert: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run an `INSERT INTO … (…)` for many rows, hundreds in one statement: half the time of one for each.

    While SQLite is at a statement other threads have Python to themselves; between two it has to ask for it.
    """
    if not rows:
        return
    row = f"({', '.join('?' * len(rows[0]))})"
    most = _VALUES_A_STATEMENT // len(rows[0]) // _LIKE * _LIKE
    start = 0
    while start < len(rows):
        left = len(rows) - start
        number = min(most, left // _LIKE * _LIKE) or left
        some = rows[start : start + number]
        db.execute(f"{insert} VALUES {', '.join([row] * number)}", list(chain.from_iterable(some)))
        start += number


def count_new(db: Database, first: int) -> None:
    """Within `bulk_writing`: count the comparisons with an id from `first` on, which just came in."""
    for count in COUNTED.values():
        db.execute(count, [first])
