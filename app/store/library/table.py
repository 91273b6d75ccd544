"""The Library's table: one row a comparison, or a prompt that has none; filtered, in order, by pages.

A row's key is its comparison's id, or its prompt's id made negative. `ids` gives the keys of a whole table in
its order (8 bytes a row), and `rows` what stands in some of them, so that any place of a long table is one
look-up away; `page` gives a beginning without knowing the rest.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from app.store.errors import explained
from app.store.handle import Project
from app.store.library.conditions import SHOWN_MARGIN
from app.store.library.filters import Filter, Sort, Standing
from app.store.library.query import Query, build
from app.store.records import Purpose
from app.store.rows import Row, checked, from_json, ids_to_json, read, to_json, to_record
from dpo_engine.preferences import Message, Split

Keys = NDArray[np.int64]

_MESSAGES_READ = 20_000
"""Characters of a conversation that are looked at for its first words."""
_WORDS = 200
_WINDOW = 2_000
"""Comparisons looked through at first for the rows of a frequent word."""
_LAST_CONTENT = re.compile(r'"content":"((?:[^"\\]|\\.)*)')


@dataclass(frozen=True, kw_only=True)
class LibraryRow:
    key: int
    prompt_id: int
    words: str
    """The beginning of what was asked last, on one line."""
    standing: Standing
    split: Split
    tags: tuple[str, ...]
    """The comparison's and its prompt's, by name."""
    added_at: str
    strength: int | None = None
    annotators: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Who wrote the two responses, in no order that tells which is which before the verdict."""
    left_chars: int | None = None
    right_chars: int | None = None
    margin: float | None = None
    """Of chosen over rejected, in units of beta; without its sign before the verdict."""
    judged_at: str | None = None
    flagged: bool = False
    commented: bool = False
    edited: bool = False
    disputed: bool = False
    purpose: Purpose = "collect"

    @property
    def comparison_id(self) -> int | None:
        return self.key if self.key > 0 else None

    @property
    def judged(self) -> bool:
        return self.judged_at is not None


@dataclass(frozen=True, kw_only=True)
class Facets:
    """What there is to filter by, each value with how many rows or texts have it, most first."""

    annotators: tuple[tuple[str, int], ...]
    tags: tuple[tuple[str, int], ...]
    models: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, int], ...]
    runs: tuple[tuple[int, str], ...]
    """Id and name, newest first."""


def page(
    project: Project, wanted: Filter, sort: Sort | None = None, *, offset: int = 0, limit: int = 100
) -> list[LibraryRow]:
    """`limit` rows from `offset` on; the further down, the longer it takes (see `ids` for a long table)."""
    keys: list[int] = []
    with explained("reading the library"):
        query = build(project.db, wanted, sort or Sort(), whole=False)
        for part in query.parts:
            find = _first_in_windows if part.windowed else _first
            found = find(project, part.sql, query, offset, limit - len(keys))
            keys += found
            if len(keys) >= limit:
                break
            if offset and not found:
                offset -= _counted(project, part.count, query)
            else:
                offset = 0
    return list(rows(project, keys).values())


def ids(project: Project, wanted: Filter, sort: Sort | None = None) -> Keys:
    """The keys of every row, in order."""
    with explained("reading the library"):
        query = build(project.db, wanted, sort or Sort(), whole=True)
        parts = [
            np.fromiter(
                chain.from_iterable(project.db.conn.execute(part.sql, query.parameters)), dtype=np.int64
            )
            for part in query.parts
        ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def count(project: Project, wanted: Filter) -> int:
    """How many rows a filter lets through."""
    with explained("counting the rows"):
        query = build(project.db, wanted, Sort(), whole=True)
        return sum(_counted(project, part.count, query) for part in query.parts)


def rows(project: Project, keys: Iterable[int]) -> dict[int, LibraryRow]:
    """What stands in these rows, by key and in their order; one that is gone is left out."""
    wanted = [int(key) for key in keys]
    found = _comparison_rows(project, [key for key in wanted if key > 0])
    found |= _prompt_rows(project, [-key for key in wanted if key < 0])
    return {key: found[key] for key in wanted if key in found}


def prompts_of(project: Project, comparison_ids: Sequence[int]) -> list[int]:
    """The ids of the prompts that these comparisons are about, each once."""
    found = read(
        project,
        "reading the library",
        """
        SELECT DISTINCT prompt_id AS id FROM json_each(?) AS wanted
        CROSS JOIN comparisons ON comparisons.id = wanted.value
        """,
        [ids_to_json(comparison_ids)],
    )
    return [row["id"] for row in found]


def judged_among(project: Project, comparison_ids: Sequence[int]) -> list[int]:
    """Those of these comparisons that have their answer, are not deleted, and ask nothing again."""
    found = read(
        project,
        "reading the library",
        """
        SELECT comparisons.id FROM json_each(?) AS wanted
        CROSS JOIN comparisons ON comparisons.id = wanted.value
        WHERE state = 'answered' AND purpose = 'collect' AND deleted_at IS NULL
        """,
        [ids_to_json(comparison_ids)],
    )
    return [row["id"] for row in found]


def facets(project: Project) -> Facets:
    """What the filters can be set to in this project."""

    def counted(sql: str) -> tuple[tuple[str, int], ...]:
        found = read(project, "reading the filters", f"{sql} ORDER BY n DESC, value")
        return tuple((str(row["value"]), int(row["n"])) for row in found)

    runs = read(project, "reading the filters", "SELECT id, name FROM runs ORDER BY id DESC")
    return Facets(
        annotators=counted("SELECT annotator AS value, count(*) AS n FROM standing GROUP BY annotator"),
        tags=counted(
            """
            SELECT tag AS value, sum(n) AS n FROM (
                SELECT tag, count(*) AS n FROM comparison_tags GROUP BY tag
                UNION ALL SELECT tag, count(*) FROM prompt_tags GROUP BY tag
            ) GROUP BY tag
            """
        ),
        models=counted("SELECT model AS value, count(*) AS n FROM candidates GROUP BY model"),
        sources=counted("SELECT source AS value, count(*) AS n FROM prompts GROUP BY source"),
        runs=tuple((int(run["id"]), str(run["name"])) for run in runs),
    )


def first_line(messages: str) -> str:
    """The beginning of the last message of a conversation in JSON (perhaps cut), on one line."""
    try:
        content = msgspec.json.decode(messages, type=list[Message])[-1].content
    except (msgspec.DecodeError, IndexError):
        contents = _LAST_CONTENT.findall(messages)
        content = contents[-1].replace("\\n", " ").replace('\\"', '"') if contents else ""
    line = " ".join(content[: 4 * _WORDS].split())
    return line if len(line) <= _WORDS else line[:_WORDS] + "…"


def _first(project: Project, sql: str, query: Query, offset: int, limit: int) -> list[int]:
    found = project.db.execute(
        f"{sql} LIMIT :limit OFFSET :offset", query.parameters | {"limit": limit, "offset": offset}
    )
    return [key for (key,) in found]


def _first_in_windows(project: Project, sql: str, query: Query, offset: int, limit: int) -> list[int]:
    """The same where very many texts are found: only those of a few comparisons at a time are looked up."""
    descending = sql.endswith("DESC")
    # One of the two at a time is looked up; both together would be looked for in every row.
    low, high = project.db.execute(
        "SELECT (SELECT min(id) FROM comparisons), (SELECT max(id) FROM comparisons)"
    ).fetchone()
    keys: list[int] = []
    size = _WINDOW
    while low is not None and low <= high and len(keys) < offset + limit:
        window = (max(low, high - size + 1), high) if descending else (low, min(high, low + size - 1))
        keys += _in_window(project, sql, query, *window, limit=offset + limit - len(keys))
        low, high = (low, window[0] - 1) if descending else (window[1] + 1, high)
        size *= 5
    return keys[offset:]


def _in_window(project: Project, sql: str, query: Query, low: int, high: int, *, limit: int) -> list[int]:
    texts = project.db.execute(
        """
        SELECT min(min(left_id, right_id)), max(max(left_id, right_id)), min(prompt_id), max(prompt_id)
        FROM comparisons NOT INDEXED WHERE id BETWEEN ? AND ?
        """,
        [low, high],
    ).fetchone()
    of_texts = dict(zip(("first", "last", "first_prompt", "last_prompt"), texts, strict=True))
    found = project.db.execute(
        f"{sql} LIMIT :limit", query.parameters | of_texts | {"low": low, "high": high, "limit": limit}
    )
    return [key for (key,) in found]


def _counted(project: Project, sql: str, query: Query) -> int:
    (number,) = project.db.execute(sql, query.parameters).fetchone()
    return int(number)


def _comparison_rows(project: Project, comparison_ids: list[int]) -> dict[int, LibraryRow]:
    found = read(
        project,
        "reading the library",
        f"""
        SELECT c.id, c.prompt_id, substr(prompts.messages, 1, {_MESSAGES_READ}) AS messages, c.state,
            c.choice, c.purpose, c.flagged, c.comment <> '' AS commented, c.disputed,
            {SHOWN_MARGIN} AS margin,
            prompts.split, c.left_chars, c.right_chars, c.created_at, verdicts.strength,
            verdicts.created_at AS judged_at, verdicts.edited_id IS NOT NULL AS edited,
            lefts.model AS left_model, rights.model AS right_model,
            (SELECT json_group_array(annotator) FROM standing WHERE comparison_id = c.id) AS annotators,
            (
                SELECT json_group_array(tag) FROM (
                    SELECT tag FROM comparison_tags WHERE comparison_id = c.id
                    UNION SELECT tag FROM prompt_tags WHERE prompt_id = c.prompt_id
                )
            ) AS tags
        FROM json_each(?) AS wanted
        CROSS JOIN comparisons AS c ON c.id = wanted.value
        CROSS JOIN prompts ON prompts.id = c.prompt_id
        CROSS JOIN candidates AS lefts ON lefts.id = c.left_id
        CROSS JOIN candidates AS rights ON rights.id = c.right_id
        LEFT JOIN verdicts ON verdicts.id = c.verdict_id
        """,  # noqa: S608 (texts of this project)
        [to_json(comparison_ids)],
    )
    return {row["id"]: _comparison_row(row) for row in found}


def _comparison_row(row: Row) -> LibraryRow:
    choice = row["choice"]
    standing = "retired" if row["state"] == "retired" else choice or "waiting"
    models = (row["left_model"], row["right_model"])
    fields: dict[str, Any] = {
        "key": row["id"],
        "prompt_id": row["prompt_id"],
        "words": first_line(row["messages"]),
        "standing": checked(standing, Standing),
        "split": row["split"],
        "tags": tuple(sorted(from_json(row["tags"], tuple[str, ...]))),
        "added_at": row["created_at"],
        "strength": row["strength"] if choice in ("left", "right") else None,
        "annotators": from_json(row["annotators"], tuple[str, ...]),
        "models": tuple(dict.fromkeys(models if choice else sorted(models))),
        "left_chars": row["left_chars"],
        "right_chars": row["right_chars"],
        "margin": row["margin"],
        "judged_at": row["judged_at"],
        "purpose": row["purpose"],
    }
    marks = {name: bool(row[name]) for name in ("flagged", "commented", "edited", "disputed")}
    return to_record(LibraryRow, fields | marks)


def _prompt_rows(project: Project, prompt_ids: list[int]) -> dict[int, LibraryRow]:
    found = read(
        project,
        "reading the library",
        f"""
        SELECT prompts.id, substr(messages, 1, {_MESSAGES_READ}) AS messages, split, created_at,
            (SELECT json_group_array(tag) FROM prompt_tags WHERE prompt_id = prompts.id) AS tags
        FROM json_each(?) AS wanted CROSS JOIN prompts ON prompts.id = wanted.value
        """,  # noqa: S608 (a number of this file)
        [to_json(prompt_ids)],
    )
    return {
        -row["id"]: to_record(
            LibraryRow,
            {
                "key": -row["id"],
                "prompt_id": row["id"],
                "words": first_line(row["messages"]),
                "standing": "uncompared",
                "split": row["split"],
                "tags": tuple(sorted(from_json(row["tags"], tuple[str, ...]))),
                "added_at": row["created_at"],
            },
        )
        for row in found
    }
