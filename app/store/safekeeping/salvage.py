"""Saving what can still be read of a damaged project into a new file.

The new file gets the tables of the migrations, never those the damaged one claims to have; into these go the
rows that SQLite still finds, around the damage, and then those that lie in pages it no longer finds
(`app.store.safekeeping.raw_pages`). A row that refers to one that is lost goes too, and what follows
from other rows is worked out anew. The damaged file is only read.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from app.store import connection
from app.store.collecting.placing import recount
from app.store.collecting.standing import settle_again
from app.store.errors import Cancelled, NewerVersion, ProjectDamaged, explained
from app.store.library.search_index import index_candidates, index_prompts, merge_by_itself
from app.store.locks import take_lock
from app.store.rows import to_json
from app.store.safekeeping.health import READING_ERRORS, is_damage, thorough_problems_in
from app.store.safekeeping.raw_pages import raw_rows
from app.store.safekeeping.restore import take_place, unfinished
from app.store.safekeeping.salvage_rows import Walk, rows_with_ids, rows_without_ids
from app.store.schema import migrations
from app.store.schema.migrations import STEPS

_FOLLOWS = (
    "sqlite_",
    "_sqlite_",
    "tally",
    "waiting",
    "standing",
    "prompts_fts",
    "candidates_fts",
    "search_pending",
)
"""Tables that are made anew from the others."""
_JSON = (
    ("prompts", "messages", None),
    ("run_pairs", "prompt", None),
    ("metrics", "metrics", None),
    ("candidates", "sampling", "{}"),
    ("runs", "config", "{}"),
)
"""Columns that are nothing if they are no JSON, and what stands there then; without it the row is lost."""


@dataclass(frozen=True)
class Salvaged:
    """How many rows of each table were saved, and how many of those that there were are lost."""

    saved: dict[str, int]
    lost: dict[str, int]

    @property
    def verdicts(self) -> int:
        return self.saved.get("verdicts", 0)

    @property
    def verdicts_lost(self) -> int:
        return self.lost.get("verdicts", 0)


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    required: bool

    def takes(self, value: object) -> bool:
        """Whether a column of this type stores such a value as it is."""
        if value is None:
            return not self.required
        return isinstance(value, _KINDS.get(self.kind, object))


_KINDS: dict[str, type | tuple[type, ...]] = {
    "INTEGER": int,
    "TEXT": str,
    "REAL": (int, float),
    "BLOB": bytes,
}


@dataclass
class _Table:
    columns: list[_Column]
    has_ids: bool
    walk: Walk = field(default_factory=Walk)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def may_hold(self, values: tuple[object, ...]) -> bool:
        """Whether a row with these values can be of this table, the first being the id that is kept apart."""
        return (
            self.has_ids
            and len(values) == len(self.columns)
            and values[0] is None
            and all(column.takes(value) for column, value in zip(self.columns[1:], values[1:], strict=True))
        )


@contextmanager
def salvaging(
    path: Path, cancelled: Callable[[], bool] = bool
) -> Iterator[tuple[Salvaged, Callable[[], Path | None]]]:
    """What can be saved of the project, and a function that puts it in the damaged file's place.

    That returns where the damaged file was set aside. Without calling it, nothing is changed. The project's
    lock is held meanwhile. Raises `AlreadyOpen`, `ProjectDamaged` where nothing can be read, `Cancelled` once
    `cancelled` says so, other `StoreError`s as they come.
    """
    path = path.resolve()
    lock = take_lock(path)
    try:
        with explained("saving what can be read"), unfinished(path) as part:
            report = _build(path, part, cancelled)
            yield report, lambda: take_place(part, path)
    finally:
        lock.release()


def _build(path: Path, part: Path, cancelled: Callable[[], bool]) -> Salvaged:
    version = _version(path)
    part.touch(exist_ok=False)
    with closing(connection.connect(part, "rw")) as db:
        db.execute("PRAGMA synchronous = OFF")  # flushed before it takes the place
        migrations.migrate(db, STEPS[:version])
        db.execute("PRAGMA foreign_keys = OFF")
        tables = _tables(db)
        with db.atomic():
            _read_through_trees(path, db, tables, cancelled)
            if any(table.walk.broken for table in tables.values()):
                _read_through_pages(path, db, tables, cancelled)
            _mend_json(db, tables)
            _drop_orphans(db, tables)
            _keep_ids_unused(db, tables)
        if not any(_count(db, name) for name in tables):
            raise ProjectDamaged(
                f"Nothing in {path.name} can be read any more. Nothing was changed. Restore a backup."
            )
        migrations.migrate(db)
        _work_out_anew(db)
        problems = thorough_problems_in(db)
        if problems:
            raise ProjectDamaged(
                f"What can be read of {path.name} does not fit together. Nothing was changed. "
                "Restore a backup.",
                detail="\n".join(problems),
            )
        saved = {name: _count(db, name) for name in tables if name in _tables(db)}
    lost = {name: max(0, tables[name].walk.highest - number) for name, number in saved.items()}
    return Salvaged(saved=saved, lost={name: number for name, number in lost.items() if number})


def _version(path: Path) -> int:
    """Whose tables the file has; those of this version where its header is no longer readable."""
    with path.open("rb") as file:
        start = file.read(100)
    version = int.from_bytes(start[60:64], "big")
    if start[68:72] == migrations.APPLICATION_ID.to_bytes(4, "big") and version > len(STEPS):
        raise NewerVersion(
            f"{path.name} was made by a newer version of DPO Studio. Nothing was changed. Update DPO Studio."
        )
    return version if 0 < version <= len(STEPS) else len(STEPS)


def _tables(db: Database) -> dict[str, _Table]:
    found = {}
    for name, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
        if not name.startswith(_FOLLOWS):
            info = db.execute(f'PRAGMA table_info("{name}")').fetchall()
            columns = [_Column(row[1], row[2], bool(row[3])) for row in info]
            found[name] = _Table(columns, columns[0].name == "id" and "WITHOUT ROWID" not in sql)
    return found


def _read_through_trees(
    path: Path, db: Database, tables: dict[str, _Table], cancelled: Callable[[], bool]
) -> None:
    with closing(connection.connect_for_rescue(path)) as source:
        for name, table in tables.items():
            read = rows_with_ids if table.has_ids else rows_without_ids
            try:
                _keep(db, name, table, read(source, name, table.names, table.walk), cancelled)
                if table.has_ids:
                    table.walk.highest = _highest_ever(source, name)
            except READING_ERRORS as error:
                # No such table or column: the list of tables itself is damaged.
                if not is_damage(error) and not isinstance(error, sqlite3.OperationalError):
                    raise
                table.walk.broken = True
            table.walk.highest = max(table.walk.highest, *table.walk.ids, 0)


def _highest_ever(source: sqlite3.Connection, table: str) -> int:
    try:
        found = source.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]).fetchone()
    except READING_ERRORS:
        return 0
    return found[0] if found and isinstance(found[0], int) and 0 <= found[0] < 2**40 else 0


def _read_through_pages(
    path: Path, db: Database, tables: dict[str, _Table], cancelled: Callable[[], bool]
) -> None:
    """Rows of tables with ids from pages that SQLite does not find, where only one table can have them.

    They also have to pass what the table checks. What was read before is not replaced.
    """
    for row in raw_rows(path):
        fitting = [name for name, table in tables.items() if table.may_hold(row.values)]
        if row.rowid > 0 and len(fitting) == 1 and row.rowid not in tables[fitting[0]].walk.ids:
            _keep(db, fitting[0], tables[fitting[0]], [(row.rowid, *row.values[1:])], cancelled)


def _keep(
    db: Database,
    name: str,
    table: _Table,
    rows: Iterable[tuple[Any, ...]],
    cancelled: Callable[[], bool],
) -> None:
    columns = ", ".join(f'"{column}"' for column in table.names)
    holes = ", ".join("?" * len(table.columns))
    sql = f'INSERT OR IGNORE INTO "{name}" ({columns}) VALUES ({holes})'  # noqa: S608 (names of our schema)
    for row in rows:
        if cancelled():
            raise Cancelled("Saving what can be read was given up. Nothing was changed.")
        db.conn.execute(sql, row)


def _mend_json(db: Database, tables: dict[str, _Table]) -> None:
    """A damaged letter may leave a row that SQLite can read and nobody else: lost, or only its settings."""
    for name, column, instead in _JSON:
        if name in tables:
            unreadable = f'"{name}" WHERE NOT json_valid("{column}")'
            if instead is None:
                db.execute(f"DELETE FROM {unreadable}")  # noqa: S608 (names of this file)
            else:
                db.execute(f'UPDATE "{name}" SET "{column}" = ? WHERE NOT json_valid("{column}")', [instead])  # noqa: S608


def _drop_orphans(db: Database, tables: dict[str, _Table]) -> None:
    """Let go of references to rows that are lost: the reference where it may be empty, else the row."""
    changed = True
    while changed:
        changed = False
        for name in tables:
            nullable = {row[1] for row in db.execute(f'PRAGMA table_info("{name}")') if not row[3]}
            for parent, pairs in _references(db, name):
                same = " AND ".join(f'p."{to}" = "{name}"."{column}"' for column, to in pairs)
                given = " AND ".join(f'"{column}" IS NOT NULL' for column, _ in pairs)
                lost = f'{given} AND NOT EXISTS (SELECT 1 FROM "{parent}" AS p WHERE {same})'  # noqa: S608
                if all(column in nullable for column, _ in pairs):
                    emptied = ", ".join(f'"{column}" = NULL' for column, _ in pairs)
                    done = db.execute(f'UPDATE "{name}" SET {emptied} WHERE {lost}')  # noqa: S608
                else:
                    done = db.execute(f'DELETE FROM "{name}" WHERE {lost}')  # noqa: S608
                changed = changed or done.rowcount > 0


def _references(db: Database, name: str) -> list[tuple[str, list[tuple[str, str]]]]:
    found: dict[int, tuple[str, list[tuple[str, str]]]] = {}
    for number, _, parent, column, to, *_ in db.execute(f'PRAGMA foreign_key_list("{name}")').fetchall():
        found.setdefault(number, (parent, []))[1].append((column, to))
    return list(found.values())


def _keep_ids_unused(db: Database, tables: dict[str, _Table]) -> None:
    """The id of a lost row is never given to another: runs and exports know rows by their ids."""
    for name, table in tables.items():
        if table.has_ids:
            db.execute("DELETE FROM sqlite_sequence WHERE name = ?", [name])
            (highest,) = db.execute(f'SELECT coalesce(max(id), 0) FROM "{name}"').fetchone()  # noqa: S608
            table.walk.highest = max(highest, table.walk.highest)
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [name, table.walk.highest])


def _work_out_anew(db: Database) -> None:
    with db.atomic():
        settle_again(db)
        recount(db, to_json([row[0] for row in db.execute("SELECT id FROM prompts")]))
        # A verdict is lost where an answered comparison has none: it is asked again.
        db.execute("UPDATE comparisons SET state = 'waiting' WHERE state = 'answered' AND choice IS NULL")
        db.execute(
            """
            UPDATE tally SET n = (
                SELECT count(*) FROM comparisons AS c
                WHERE c.choice = tally.choice AND c.held_out = tally.held_out AND c.disputed = tally.disputed
                    AND c.purpose = 'collect' AND c.deleted_at IS NULL
            )
            """
        )
        db.execute(
            """
            UPDATE waiting SET n = (
                SELECT count(*) FROM comparisons
                WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL AND (skipped > 0) = later
            )
            """
        )
        for index in ("prompts_fts", "candidates_fts"):
            db.execute(f"INSERT INTO {index} ({index}) VALUES ('delete-all')")  # noqa: S608
        db.execute("DELETE FROM search_pending")  # what the last steps left to be done in the background
        merge_by_itself(db)
        index_prompts(db, after=0)
        index_candidates(db, after=0)


def _count(db: Database, name: str) -> int:
    (number,) = db.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608 (names of our schema)
    return int(number)
