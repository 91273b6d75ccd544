"""From a filter to SQL that is quick at a million comparisons. Qt-free.

SQLite keeps no statistics for us, so this module chooses: where a facet has few rows (looked up, up to
`FEW`), the query starts from them; else it walks the rows in the order asked for and tests each, which finds
a page soon just because many match. Every statement names its index or none, so no plan comes as a surprise.
"""

# ruff: noqa: S608 (statements are put together from this file's own texts; every value is bound)

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from app.store.library.conditions import SHOWN_MARGIN, TAGS, Conditions, conditions_of
from app.store.library.filters import Filter, Sort, Standing
from app.store.library.search_text import fts_query
from app.store.rows import to_json

FEW = 15_000
"""Rows that are fetched and sorted in some ten milliseconds."""
_MANY_HITS = 15_000
"""Texts found above which a page is looked for window by window instead of listing all that were found."""
_CHOICES: tuple[Standing, ...] = ("left", "right", "tie", "both_bad", "skip")

_FOUND = """
    SELECT t.id FROM prompts_fts CROSS JOIN comparisons AS t ON t.prompt_id = prompts_fts.rowid
    WHERE prompts_fts MATCH :text
    UNION ALL
    SELECT t.id FROM candidates_fts CROSS JOIN comparisons AS t ON t.left_id = candidates_fts.rowid
    WHERE candidates_fts MATCH :text
    UNION ALL
    SELECT t.id FROM candidates_fts CROSS JOIN comparisons AS t ON t.right_id = candidates_fts.rowid
    WHERE candidates_fts MATCH :text
"""
_AMONG_HITS = """(
    c.left_id IN (SELECT rowid FROM candidates_fts WHERE candidates_fts MATCH :text)
    OR c.right_id IN (SELECT rowid FROM candidates_fts WHERE candidates_fts MATCH :text)
    OR c.prompt_id IN (SELECT rowid FROM prompts_fts WHERE prompts_fts MATCH :text)
)"""
_HITS_OF_WINDOW = """
WITH hits AS (
    SELECT rowid AS id FROM candidates_fts WHERE candidates_fts MATCH :text AND rowid BETWEEN :first AND :last
)
"""
"""Looked up once, though asked for twice below."""
_WITHIN_WINDOW = """(
    c.left_id IN (SELECT id FROM hits) OR c.right_id IN (SELECT id FROM hits)
    OR c.prompt_id IN (
        SELECT rowid FROM prompts_fts
        WHERE prompts_fts MATCH :text AND rowid BETWEEN :first_prompt AND :last_prompt
    )
)"""


@dataclass(frozen=True)
class Part:
    """One part of the table, from top to bottom: a statement whose first column is the rows' keys."""

    sql: str
    """Without LIMIT; a comparison's key is its id, that of a prompt without one is its id made negative."""
    count: str
    """The same rows counted."""
    windowed: bool = False
    """To be asked with `:low` and `:high`, a range of comparisons, and `:first`, `:last`, `:first_prompt` and
    `:last_prompt`, the range of their candidates and prompts, one window after another in the rows' order."""


@dataclass(frozen=True)
class Query:
    parts: tuple[Part, ...]
    parameters: dict[str, Any]


def build(db: Database, wanted: Filter, sort: Sort, *, whole: bool) -> Query:
    """The statements that list a filter's rows in an order. Looks up how many rows some facets have.

    `whole`: all rows will be taken, not only the first few.
    """
    parameters = _parameters(wanted)
    conditions = conditions_of(wanted)
    many_hits = _has_many_hits(db, parameters)
    starts = [*conditions.starts, *([_FOUND] if parameters["text"] and not many_hits else [])]
    start = _best_start(db, starts, parameters)
    first_page = not whole and not start and sort.key == "added"
    windowed = first_page and many_hits
    if parameters["text"]:
        conditions.add(_WITHIN_WINDOW if windowed else _AMONG_HITS)
    parts: list[Part] = []
    if not _impossible(wanted, parameters):
        if wanted.standings == ("uncompared",):
            pass
        elif windowed:
            parts.append(_windowed(conditions, sort))
        elif first_page and wanted.standings and set(wanted.standings) <= set(_CHOICES):
            parts.append(_along_choices(wanted.standings, conditions, sort))
        else:
            parts += [_part(conditions, start, *order) for order in _orders(sort, whole=whole)]
        if wanted.wants_prompts:
            parts.append(_prompts(wanted, parameters))
    return Query(tuple(parts), parameters)


def _parameters(wanted: Filter) -> dict[str, Any]:
    return {
        "text": fts_query(wanted.text),
        "standings": to_json(wanted.standings),
        "strengths": to_json(wanted.strengths),
        "annotators": to_json(wanted.annotators),
        "tags": to_json(wanted.tags),
        "models": to_json(wanted.models),
        "runs": to_json(wanted.runs),
        "sources": to_json(wanted.sources),
        "purposes": to_json(wanted.purposes),
        "shortest": wanted.shortest or 0,
        "longest": 2**62 if wanted.longest is None else wanted.longest,
        "least_margin": -9e999 if wanted.least_margin is None else wanted.least_margin,
        "most_margin": 9e999 if wanted.most_margin is None else wanted.most_margin,
    }


def _impossible(wanted: Filter, parameters: dict[str, Any]) -> bool:
    """Something was typed, but nothing in it is a word."""
    return bool(wanted.text.strip()) and not parameters["text"]


def _has_many_hits(db: Database, parameters: dict[str, Any]) -> bool:
    if not parameters["text"]:
        return False
    (hits,) = db.execute(
        f"""
        SELECT count(*) FROM (
            SELECT 1 FROM candidates_fts WHERE candidates_fts MATCH :text
            UNION ALL SELECT 1 FROM prompts_fts WHERE prompts_fts MATCH :text LIMIT {_MANY_HITS}
        )
        """,
        parameters,
    ).fetchone()
    return bool(hits == _MANY_HITS)


def _best_start(db: Database, starts: list[str], parameters: dict[str, Any]) -> str:
    """The facet with the fewest rows, if they are few; else nothing."""
    best, least = "", FEW + 1
    for start in starts:
        (rows,) = db.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM ({start}) LIMIT {least})", parameters
        ).fetchone()
        if rows < least:
            best, least = start, rows
    return best


def _orders(sort: Sort, *, whole: bool) -> list[tuple[str, str, str]]:
    """For each part of the table: what is in it, its order, and the index to walk along.

    All rows together are sooner sorted than looked up one by one along an index.
    """
    way = "DESC" if sort.descending else "ASC"

    def along(index: str) -> str:
        return "NOT INDEXED" if whole else f"INDEXED BY {index}"

    match sort.key:
        case "added":
            return [("", f"c.id {way}", "NOT INDEXED")]
        case "prompt":
            return [("", f"c.prompt_id {way}, c.id {way}", along("comparisons_by_prompt"))]
        case "judged":
            some, index = "c.verdict_id IS NOT NULL", along("comparisons_by_verdict")
            return [
                (some, f"c.verdict_id {way}, c.id {way}", index),
                ("c.verdict_id IS NULL", "c.id DESC", "NOT INDEXED"),
            ]
        case "margin":
            some, index = "c.margin IS NOT NULL", along("comparisons_by_margin")
            return [
                (some, f"{SHOWN_MARGIN} {way}, c.id {way}", index),
                ("c.margin IS NULL", "c.id DESC", "NOT INDEXED"),
            ]


def _windowed(conditions: Conditions, sort: Sort) -> Part:
    where = " AND ".join(["c.id BETWEEN :low AND :high", *conditions.where])
    way = "DESC" if sort.descending else "ASC"
    every = " AND ".join([*conditions.where[:-1], _AMONG_HITS])
    rows = f"SELECT c.id FROM comparisons AS c NOT INDEXED WHERE {where} ORDER BY c.id {way}"
    return Part(
        sql=_HITS_OF_WINDOW + rows,
        count=f"SELECT count(*) FROM comparisons AS c NOT INDEXED WHERE {every}",
        windowed=True,
    )


def _along_choices(standings: tuple[Standing, ...], conditions: Conditions, sort: Sort) -> Part:
    """By their verdicts alone, merged: sooner than past all rows that have other verdicts, or none yet."""
    where = " AND ".join(conditions.where)
    arms = [
        "SELECT c.id FROM comparisons AS c INDEXED BY comparisons_by_choice "
        f"WHERE c.choice = '{choice}' AND c.held_out = {held_out} AND {where}"
        for choice in _CHOICES
        if choice in standings
        for held_out in (0, 1)
    ]
    return Part(
        sql=f"{' UNION ALL '.join(arms)} ORDER BY 1 {'DESC' if sort.descending else 'ASC'}",
        count=_part(conditions, "", "", "c.id", "NOT INDEXED").count,
    )


def _part(conditions: Conditions, start: str, only: str, order: str, index: str) -> Part:
    where = " AND ".join([*([only] if only else []), *conditions.where])
    if start:
        few = f"(SELECT DISTINCT id FROM ({start})) AS few"
        source = f"{few} CROSS JOIN comparisons AS c NOT INDEXED ON c.id = few.id"
        return Part(
            sql=f"SELECT c.id FROM {source} WHERE {where} ORDER BY {order}",
            count=f"SELECT count(*) FROM {source} WHERE {where}",
        )
    return Part(
        sql=f"SELECT c.id FROM comparisons AS c {index} WHERE {where} ORDER BY {order}",
        count=f"SELECT count(*) FROM comparisons AS c NOT INDEXED WHERE {where}",
    )


def _prompts(wanted: Filter, parameters: dict[str, Any]) -> Part:
    where = ["p.comparisons = 0", f"p.deleted_at IS {'NOT ' if wanted.deleted else ''}NULL"]
    if wanted.deleted:  # one that was deleted along with its comparisons shows as those
        where.append(
            "NOT EXISTS (SELECT 1 FROM comparisons WHERE prompt_id = p.id AND deleted_at IS NOT NULL)"
        )
    if wanted.tags:
        where.append(f"EXISTS (SELECT 1 FROM prompt_tags WHERE prompt_id = p.id AND tag IN ({TAGS}))")
    if len(wanted.splits) == 1:
        where.append(f"p.split = '{'held_out' if wanted.splits == ('held_out',) else 'train'}'")
    if wanted.sources:
        where.append("p.source IN (SELECT value FROM json_each(:sources))")
    if parameters["text"]:
        where.append("p.id IN (SELECT rowid FROM prompts_fts WHERE prompts_fts MATCH :text)")
    rows = f"FROM prompts AS p WHERE {' AND '.join(where)}"
    return Part(sql=f"SELECT -p.id {rows} ORDER BY p.id DESC", count=f"SELECT count(*) {rows}")
