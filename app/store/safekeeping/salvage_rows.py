"""Rows of a damaged table, walked through in the order of their ids, around what cannot be read."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.store.safekeeping.health import READING_ERRORS, is_damage

_FARTHEST = 2**62


@dataclass
class Walk:
    """What was met on the way."""

    broken: bool = False
    """Something could not be read."""
    highest: int = 0
    """The highest id there ever was, as far as it is known."""
    ids: set[int] = field(default_factory=set)


def rows_with_ids(
    source: sqlite3.Connection, table: str, columns: Sequence[str], walk: Walk
) -> Iterator[tuple[Any, ...]]:
    """The readable rows of a table whose key is the column `id`, which comes first in `columns`."""
    listed = ", ".join(f'"{column}"' for column in columns)
    sql = f'SELECT {listed} FROM "{table}" WHERE rowid >= ? ORDER BY rowid'  # noqa: S608 (names of our schema)
    start = 1
    while start < _FARTHEST:
        try:
            for row in source.execute(sql, [start]):
                start = row[0] + 1
                walk.ids.add(row[0])
                yield row
            return
        except READING_ERRORS as error:
            if not is_damage(error):
                raise
            walk.broken = True
        start = _next_readable(source, sql, start)


def rows_without_ids(
    source: sqlite3.Connection, table: str, columns: Sequence[str], walk: Walk
) -> Iterator[tuple[Any, ...]]:
    """The rows of a table with another key: from its beginning up to the damage, then from its end."""
    listed = ", ".join(f'"{column}"' for column in columns)
    keys = [row[1] for row in source.execute(f'PRAGMA table_info("{table}")') if row[5]]
    seen: set[tuple[Any, ...]] = set()
    for direction in ("ASC", "DESC"):
        order = ", ".join(f'"{key}" {direction}' for key in keys)
        try:
            for row in source.execute(f'SELECT {listed} FROM "{table}" ORDER BY {order}'):  # noqa: S608
                if row not in seen:
                    seen.add(row)
                    yield row
            return
        except READING_ERRORS as error:
            if not is_damage(error):
                raise
            walk.broken = True


def _next_readable(source: sqlite3.Connection, sql: str, after: int) -> int:
    """The smallest id from which on a row can be read, searched in growing steps and then by halves."""

    def readable(start: int) -> bool:
        try:
            source.execute(sql, [start]).fetchone()
        except READING_ERRORS as error:
            if not is_damage(error):
                raise
            return False
        return True

    bad, step = after, 1
    while not readable(bad + step):
        bad, step = bad + step, step * 2
        if bad + step >= _FARTHEST:
            return _FARTHEST
    good = bad + step
    while good - bad > 1:
        middle = (bad + good) // 2
        bad, good = (bad, middle) if readable(middle) else (middle, good)
    return good
