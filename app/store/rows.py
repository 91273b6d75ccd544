"""Between Python values and columns: JSON, clean text, timestamps, and the two ways to touch the tables.

What comes out of a project file is not trusted: a value of the wrong kind is a `ProjectDamaged`, never a
crash somewhere in the window.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import msgspec
from sqlite_utils import Database

from app.store.errors import BadValue, NoSuchRow, ProjectDamaged, explained
from app.store.handle import Project

T = TypeVar("T")
Row = dict[str, Any]

LONGEST_TEXT = 4_000_000
"""Characters in one text; far above any response, far below what would hurt."""


@contextmanager
def writing(project: Project, doing: str) -> Iterator[Database]:
    """One transaction: all of the block or nothing, on disk when it ends. Raises `StoreError`."""
    with explained(doing), project.db.atomic():
        yield project.db


def read(
    project: Project, doing: str, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()
) -> list[Row]:
    """The rows of a query, as dictionaries. Raises `StoreError`."""
    with explained(doing):
        return list(project.db.query(sql, parameters))


def read_one(
    project: Project, doing: str, sql: str, parameters: Sequence[Any] = (), *, missing: str = ""
) -> Row:
    """The first row. Raises `NoSuchRow` with the sentence `missing` when there is none."""
    rows = read(project, doing, sql, parameters)
    if not rows:
        raise NoSuchRow(missing or f"Nothing was found: {doing} did not succeed.")
    return rows[0]


def insert(db: Database, table: str, row: Row) -> int:
    """Within a transaction: add a row to a table and return its id."""
    key = db.table(table).insert(row).last_pk
    if not isinstance(key, int):
        raise TypeError(f"{table} gave {key!r} as the id of a new row")
    return key


def now() -> str:
    """UTC, in a form that sorts as text: `2026-11-23T10:41:00.123456+00:00`."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def clean(text: str, what: str) -> str:
    """The text as it can be stored: a lone surrogate (half of a character) becomes U+FFFD.

    Raises `BadValue` over `LONGEST_TEXT` characters; `what` names the text in the sentence.
    """
    if len(text) > LONGEST_TEXT:
        raise BadValue(
            f"{what} has {len(text):,} characters; the limit is {LONGEST_TEXT:,}. Nothing was changed."
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # Through UTF-16, so that the two halves of a character become that character again.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def to_json(value: object) -> str:
    """JSON with NaN and infinities kept (a diverged run has them); keys in their order."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadValue(f"A value cannot be stored as JSON: {error}. Nothing was changed.") from error


def ids_to_json(ids: Iterable[int]) -> str:
    """Ids for `json_each`; of a million of them it holds Python's lock a fifth as long as `to_json`."""
    return msgspec.json.encode(list(ids)).decode()


def from_json(text: object, kind: Any) -> Any:
    """The value in a JSON column, checked to be of type `kind`. Raises `ProjectDamaged`."""
    if not isinstance(text, str):
        raise _damaged(f"JSON expected, {type(text).__name__} found")
    try:
        return msgspec.convert(json.loads(text), type=kind)
    except (ValueError, RecursionError) as error:  # msgspec.ValidationError is a ValueError
        raise _damaged(str(error)) from error


def to_record(cls: type[T], fields: Mapping[str, Any]) -> T:
    """A record of `app.store.records` from its fields, every one checked. Raises `ProjectDamaged`."""
    return cast(T, checked(fields, cls))


def checked(value: object, kind: Any) -> Any:
    """The value, if it is of type `kind` (a literal, a record). Raises `ProjectDamaged`."""
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise _damaged(f"{getattr(kind, '__name__', kind)}: {error}") from error


def _damaged(detail: str) -> ProjectDamaged:
    return ProjectDamaged(
        "A row of the project file cannot be read. The file was not changed. Restore a backup (File menu, "
        "“Backups…”).",
        detail=detail,
    )
