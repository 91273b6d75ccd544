"""Keeping the full-text index beside the rows it finds.

Single rows are made findable with the transaction that inserts them. What very many at once bring in is
noted (`index_later`) and made findable afterwards, some at a time (`index_some`), so that an import is safe
on the disk sooner and no verdict waits for it; a crash in between loses neither.

Meanwhile the index is merged here too, a few pages at a time: left to itself FTS5 merges 256 kB of every
level at once, and a verdict waits for that
(https://www.sqlite.org/fts5.html#the_automerge_configuration_option).
"""

import time
from typing import Literal

from sqlite_utils import Database

from app.store.handle import Project
from app.store.library.search_text import spaced
from app.store.rows import read, writing

Indexed = Literal["prompts", "candidates"]

_AT_ONCE = 1_000
"""Texts made findable in one transaction at most."""
_SECONDS = 0.003
"""After which no more are begun in one: it takes as long again to get to the disk, and a verdict waits."""
_A_FEW = 25
_PAGES = 16
_BY_ITSELF, _BY_HAND = 4, 0
"""Values of `automerge`, the first of them FTS5's own."""

_TEXTS: dict[Indexed, str] = {
    "prompts": """
        SELECT prompts.id, (
            SELECT group_concat(json_extract(value, '$.content'), char(10)) FROM json_each(prompts.messages)
        ) FROM prompts WHERE prompts.id BETWEEN ? AND ?
    """,
    "candidates": "SELECT id, text FROM candidates WHERE id BETWEEN ? AND ?",
}
_INSERT: dict[Indexed, str] = {
    "prompts": "INSERT INTO prompts_fts (rowid, text) VALUES (?, ?)",
    "candidates": "INSERT INTO candidates_fts (rowid, text) VALUES (?, ?)",
}
_LAST_ID = 2**63 - 1


def index_prompts(db: Database, after: int) -> None:
    """Within a transaction: make the words of every prompt with an id above `after` findable."""
    _index(db, "prompts", after + 1, _LAST_ID)


def index_candidates(db: Database, after: int) -> None:
    """Within a transaction: make the words of every candidate with an id above `after` findable."""
    _index(db, "candidates", after + 1, _LAST_ID)


def index_later(db: Database, table: Indexed, first: int, last: int) -> None:
    """Within the transaction that brought them in: these rows are still to be made findable."""
    if first <= last:
        _set_automerge(db, table, _BY_HAND)
        _note(db, table, first, last)


def _note(db: Database, table: Indexed, first: int, last: int) -> None:
    if first <= last:
        db.execute("INSERT INTO search_pending (tbl, first, last) VALUES (?, ?, ?)", [table, first, last])


def index_some(project: Project, at_once: int = _AT_ONCE) -> int:
    """Make some of what is noted findable, for a few milliseconds; how many texts are left.

    Raises `StoreError`.
    """
    with writing(project, "making texts findable") as db:
        found = db.execute("SELECT tbl, first, last FROM search_pending LIMIT 1").fetchone()
        if found is None:
            return 0
        table, first, last = found
        enough = time.monotonic() + _SECONDS
        if _is_merged(db, table, enough):
            db.execute("DELETE FROM search_pending WHERE tbl = ? AND first = ?", [table, first])
            until = min(last, first + at_once - 1)
            _note(db, table, _index_until(db, table, first, until, enough), last)
            if not db.execute("SELECT 1 FROM search_pending LIMIT 1").fetchone():
                merge_by_itself(db)
    return texts_left(project)


def merge_by_itself(db: Database) -> None:
    """Within a transaction: nothing is left to be made findable."""
    for table in _TEXTS:
        _set_automerge(db, table, _BY_ITSELF)


def _set_automerge(db: Database, table: Indexed, value: int) -> None:
    db.execute(f"INSERT INTO {table}_fts ({table}_fts, rank) VALUES ('automerge', ?)", [value])  # noqa: S608


def _is_merged(db: Database, table: Indexed, enough: float) -> bool:
    """Merge what is due, until that moment; whether all was."""
    while time.monotonic() < enough:
        before = db.conn.total_changes
        db.execute(f"INSERT INTO {table}_fts ({table}_fts, rank) VALUES ('merge', ?)", [_PAGES])  # noqa: S608
        if db.conn.total_changes - before < 2:
            return True
    return False


def _index_until(db: Database, table: Indexed, first: int, last: int, enough: float) -> int:
    """The first id that there was no time for."""
    while first <= last:
        until = min(last, first + _A_FEW - 1)
        _index(db, table, first, until)
        first = until + 1
        if time.monotonic() > enough:
            break
    return first


def _index(db: Database, table: Indexed, first: int, last: int) -> None:
    texts = db.execute(_TEXTS[table], [first, last])
    db.conn.executemany(_INSERT[table], ((row_id, spaced(text)) for row_id, text in texts))


def texts_left(project: Project) -> int:
    """How many texts a search does not find yet."""
    rows = read(
        project,
        "reading what is still to be made findable",
        "SELECT coalesce(sum(last - first + 1), 0) AS n FROM search_pending",
    )
    return int(rows[0]["n"])
