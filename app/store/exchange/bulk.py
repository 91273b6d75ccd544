"""The transaction in which very many rows come in."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlite_utils import Database

from app.store.errors import explained
from app.store.handle import Project
from app.store.rows import writing

Count = tuple[str, bool]
"""Choice, and whether it is held out."""

_CACHE_KIB = 128 * 1024
_TRIGGER = "tally_new"
"""Counts each comparison as it is inserted; with it SQLite has to be able to undo every single row."""


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
        (trigger,) = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", [_TRIGGER]).fetchone()
        db.execute(f"DROP TRIGGER {_TRIGGER}")
        yield db
        db.execute(trigger)


@contextmanager
def _settings(db: Database, doing: str) -> Iterator[None]:
    with explained(doing):
        (cache,) = db.execute("PRAGMA cache_size").fetchone()
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    try:
        yield
    finally:
        with explained(doing):
            db.execute("PRAGMA foreign_keys = ON")
            db.execute(f"PRAGMA cache_size = {int(cache)}")
            db.execute("PRAGMA shrink_memory")


def count_new(db: Database, choices: Iterable[Count]) -> None:
    """Within `bulk_writing`: comparisons that are collected came in with these choices."""
    db.conn.executemany(
        "UPDATE tally SET n = n + ? WHERE choice = ? AND held_out = ? AND disputed = 0",
        [(n, choice, int(held_out)) for (choice, held_out), n in Counter(choices).items()],
    )
