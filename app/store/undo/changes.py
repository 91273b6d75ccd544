"""What an entry of the journal changed, put back or made again: by table and column, all rows at once.

Only what has its own line here can be changed by a journal; the file's words never become SQL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from app.store.collecting.placing import place, state_of
from app.store.collecting.removing import move_comparisons, move_prompts
from app.store.collecting.standing import settle
from app.store.errors import ProjectDamaged
from app.store.records import ComparisonState
from app.store.rows import checked, now

Table = Literal["verdicts", "comparisons", "prompts", "comparison_tags", "prompt_tags", "settings", "runs"]
Value = str | int | float | None


@dataclass(frozen=True)
class Change:
    """One value before and after; None is no row or no value. Of tags `col` is the tag, the value 0 or 1."""

    tbl: Table
    row_key: int | str
    col: str
    before: Value
    after: Value


def undo_changes(db: Database, entry: int) -> None:
    """Within a transaction: what the entry changed is as before it."""
    _move(db, entry, "after", "before")


def redo_changes(db: Database, entry: int) -> None:
    """Within a transaction: what the entry changed is so again."""
    _move(db, entry, "before", "after")


def _move(db: Database, entry: int, from_: str, to: str) -> None:
    columns = db.execute(
        """
        SELECT DISTINCT tbl, CASE WHEN tbl IN ('comparison_tags', 'prompt_tags') THEN 'tag' ELSE col END
        FROM journal_changes WHERE journal_id = ?
        """,
        [entry],
    ).fetchall()
    for table, column in columns:
        mover = _MOVERS.get((table, column))
        if mover is None:
            raise ProjectDamaged(
                "The history names something that cannot be undone. Nothing was changed.",
                detail=f"{table}.{column}",
            )
        mover(db, entry, from_, to)


def _column(table: str, column: str) -> Callable[[Database, int, str, str], None]:
    """A value that stands for itself, put back where nobody changed it since."""

    def move(db: Database, entry: int, from_: str, to: str) -> None:
        db.execute(
            f"""
            UPDATE {table} SET {column} = changed.{to} FROM journal_changes AS changed
            WHERE changed.journal_id = ? AND changed.tbl = '{table}' AND changed.col = '{column}'
                AND changed.row_key = {table}.id AND {table}.{column} IS changed.{from_}
            """,  # noqa: S608 (names of this file)
            [entry],
        )

    return move


def _split(db: Database, entry: int, from_: str, to: str) -> None:
    _column("prompts", "split")(db, entry, from_, to)
    db.execute(
        """
        UPDATE comparisons SET held_out = (
            SELECT split = 'held_out' FROM prompts WHERE prompts.id = prompt_id
        )
        WHERE prompt_id IN (
            SELECT row_key FROM journal_changes WHERE journal_id = ? AND tbl = 'prompts' AND col = 'split'
        )
        """,
        [entry],
    )


def _tags(table: str, owner: str) -> Callable[[Database, int, str, str], None]:
    def move(db: Database, entry: int, from_: str, to: str) -> None:
        del from_
        db.execute(
            f"""
            DELETE FROM {table} WHERE ({owner}, tag) IN (
                SELECT row_key, col FROM journal_changes
                WHERE journal_id = ? AND tbl = '{table}' AND {to} = 0
            )
            """,  # noqa: S608 (names of this file)
            [entry],
        )
        db.execute(
            f"""
            INSERT OR IGNORE INTO {table} SELECT row_key, col FROM journal_changes
            WHERE journal_id = ? AND tbl = '{table}' AND {to} = 1
            """,  # noqa: S608 (names of this file)
            [entry],
        )

    return move


def _deleted(table: str) -> Callable[[Database, int, str, str], None]:
    moving = move_prompts if table == "prompts" else move_comparisons

    def move(db: Database, entry: int, from_: str, to: str) -> None:
        moments = db.execute(
            f"""
            SELECT {from_}, {to}, json_group_array(row_key) FROM journal_changes
            WHERE journal_id = ? AND tbl = ? AND col = 'deleted_at' GROUP BY before, after
            """,  # noqa: S608 (names of this file)
            [entry, table],
        ).fetchall()
        for before, after, ids in moments:
            moving(db, ids, before, after)

    return move


def _states(db: Database, entry: int, from_: str, to: str) -> None:
    rows = db.execute(
        f"""
        SELECT row_key, {from_}, {to} FROM journal_changes
        WHERE journal_id = ? AND tbl = 'comparisons' AND col = 'state'
        """,  # noqa: S608 (names of this file)
        [entry],
    ).fetchall()
    for comparison_id, before, after in rows:
        if state_of(db, comparison_id) == before:
            place(db, comparison_id, checked(after, ComparisonState))


def _verdicts(db: Database, entry: int, from_: str, to: str) -> None:
    del from_
    undone = to == "before"
    moment = now()
    rows = db.execute(
        """
        SELECT verdicts.id, comparison_id FROM journal_changes
        JOIN verdicts ON verdicts.id = row_key
        WHERE journal_id = ? AND tbl = 'verdicts' AND col = 'undone_at' ORDER BY verdicts.id
        """,
        [entry],
    ).fetchall()
    for verdict_id, comparison_id in rows:
        db.execute("UPDATE verdicts SET undone_at = ? WHERE id = ?", [moment if undone else None, verdict_id])
        db.execute(
            "INSERT INTO verdict_history (verdict_id, event, at) VALUES (?, ?, ?)",
            [verdict_id, "undone" if undone else "redone", moment],
        )
        settle(db, comparison_id, after="undone" if undone else "redone")


def _settings(db: Database, entry: int, from_: str, to: str) -> None:
    rows = db.execute(
        f"""
        SELECT row_key, {to} FROM journal_changes
        WHERE journal_id = ? AND tbl = 'settings' AND col = 'value' AND {from_} IS (
            SELECT value FROM settings WHERE key = row_key
        )
        """,  # noqa: S608 (names of this file)
        [entry],
    ).fetchall()
    for key, value in rows:
        if value is None:
            db.execute("DELETE FROM settings WHERE key = ?", [key])
        else:
            db.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", [key, value])


_MOVERS: dict[tuple[str, str], Callable[[Database, int, str, str], None]] = {
    ("verdicts", "undone_at"): _verdicts,
    ("comparisons", "state"): _states,
    ("comparisons", "flagged"): _column("comparisons", "flagged"),
    ("comparisons", "comment"): _column("comparisons", "comment"),
    ("comparisons", "deleted_at"): _deleted("comparisons"),
    ("prompts", "deleted_at"): _deleted("prompts"),
    ("prompts", "split"): _split,
    ("comparison_tags", "tag"): _tags("comparison_tags", "comparison_id"),
    ("prompt_tags", "tag"): _tags("prompt_tags", "prompt_id"),
    ("settings", "value"): _settings,
    ("runs", "notes"): _column("runs", "notes"),
    ("runs", "pinned"): _column("runs", "pinned"),
    ("runs", "deleted_at"): _column("runs", "deleted_at"),
}
