"""From a filter to SQL that is quick at a million comparisons. Qt-free.

SQLite keeps no statistics for us, so this module chooses: where a facet has few rows (looked up, up to
`FEW`), the query starts from them; else it walks the rows in the order asked for and tests each, which finds
a page soon just because many match. Every statement names its index or none, so no plan comes as a surprise.
"""

# ruff: noqa: S608 (statements are put together from this file's own texts; every value is bound)

from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from app.store.library_filter import Filter, Sort, Standing
from app.store.rows import to_json
from app.store.search_text import fts_query

FEW = 15_000
"""Rows that are fetched and sorted in some ten milliseconds."""
_MANY_HITS = 150_000
"""Texts found above which a page's rows are asked one by one instead of listing all that were found."""

SHOWN_MARGIN = "CASE c.choice WHEN 'left' THEN c.margin WHEN 'right' THEN -c.margin ELSE abs(c.margin) END"
_TAGS = "SELECT value FROM json_each(:tags)"

_TAGGED = f"""
    SELECT comparison_id AS id FROM comparison_tags WHERE tag IN ({_TAGS})
    UNION ALL
    SELECT t.id FROM prompt_tags CROSS JOIN comparisons AS t ON t.prompt_id = prompt_tags.prompt_id
    WHERE prompt_tags.tag IN ({_TAGS})
"""
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
_WRITTEN_BY = """
    SELECT t.id FROM candidates CROSS JOIN comparisons AS t ON t.left_id = candidates.id
    WHERE candidates.model IN (SELECT value FROM json_each(:models))
    UNION ALL
    SELECT t.id FROM candidates CROSS JOIN comparisons AS t ON t.right_id = candidates.id
    WHERE candidates.model IN (SELECT value FROM json_each(:models))
"""
_OF_RUNS = """
    SELECT CAST(substr(pair, 12) AS INTEGER) AS id FROM run_pairs
    WHERE run_id IN (SELECT value FROM json_each(:runs)) AND pair LIKE 'comparison-%'
"""
_OF_SOURCES = """
    SELECT t.id FROM prompts CROSS JOIN comparisons AS t ON t.prompt_id = prompts.id
    WHERE prompts.source IN (SELECT value FROM json_each(:sources))
"""
_ASKED_AGAIN = "SELECT id FROM comparisons INDEXED BY comparisons_by_purpose WHERE purpose <> 'collect'"


@dataclass
class _Conditions:
    """What must hold of a comparison `c`; and what could be started from, each a query of ids."""

    where: list[str] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)

    def add(self, condition: str, start: str = "") -> None:
        self.where.append(condition)
        if start:
            self.starts.append(start)


@dataclass(frozen=True)
class Part:
    """One part of the table, from top to bottom: a statement whose first column is the rows' keys."""

    sql: str
    """Without LIMIT; a comparison's key is its id, that of a prompt without one is its id made negative."""
    count: str
    """The same rows counted."""


@dataclass(frozen=True)
class Query:
    parts: tuple[Part, ...]
    parameters: dict[str, Any]


def build(db: Database, wanted: Filter, sort: Sort, *, whole: bool) -> Query:
    """The statements that list a filter's rows in an order. Looks up how many rows some facets have.

    `whole`: all rows will be taken, not only the first few.
    """
    parameters = _parameters(wanted)
    conditions = _conditions(wanted)
    if parameters["text"]:
        conditions.add(_text_condition(db, parameters, whole=whole), _FOUND)
    start = _best_start(db, conditions.starts, parameters)
    parts: list[Part] = []
    if not _impossible(wanted, parameters):
        if wanted.standings != ("uncompared",):
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


def _conditions(wanted: Filter) -> _Conditions:
    found = _Conditions()
    _add_presence(found, wanted)
    _add_verdict(found, wanted)
    _add_marks(found, wanted)
    _add_origin(found, wanted)
    _add_ranges(found, wanted)
    return found


def _add_presence(found: _Conditions, wanted: Filter) -> None:
    if wanted.deleted:
        found.add(
            "c.deleted_at IS NOT NULL",
            "SELECT id FROM comparisons INDEXED BY comparisons_deleted WHERE deleted_at IS NOT NULL",
        )
    else:
        found.add("c.deleted_at IS NULL")
    if wanted.purposes:
        found.add(
            "c.purpose IN (SELECT value FROM json_each(:purposes))"
            " AND (c.purpose = 'collect' OR c.state = 'answered')",
            "" if "collect" in wanted.purposes else _ASKED_AGAIN,
        )
    else:
        found.add("c.purpose = 'collect'")


def _add_verdict(found: _Conditions, wanted: Filter) -> None:
    if wanted.standings:
        found.add(
            "CASE WHEN c.state = 'retired' THEN 'retired' ELSE coalesce(c.choice, 'waiting') END"
            " IN (SELECT value FROM json_each(:standings))",
            _standing_start(wanted.standings),
        )
    else:
        found.add("c.state <> 'retired'")
    if wanted.strengths:
        found.add(
            "c.choice IN ('left', 'right') AND (SELECT strength FROM verdicts WHERE id = c.verdict_id)"
            " IN (SELECT value FROM json_each(:strengths))",
            ""
            if 1 in wanted.strengths
            else "SELECT t.id FROM verdicts CROSS JOIN comparisons AS t ON t.verdict_id = verdicts.id"
            " WHERE strength > 1 AND strength IN (SELECT value FROM json_each(:strengths))",
        )
    if wanted.annotators:
        found.add(
            "EXISTS (SELECT 1 FROM standing WHERE comparison_id = c.id"
            " AND annotator IN (SELECT value FROM json_each(:annotators)))",
            "SELECT comparison_id AS id FROM standing"
            " WHERE annotator IN (SELECT value FROM json_each(:annotators))",
        )
    if wanted.edited:
        found.add(
            "(SELECT edited_id FROM verdicts WHERE id = c.verdict_id) IS NOT NULL",
            "SELECT t.id FROM verdicts CROSS JOIN comparisons AS t ON t.verdict_id = verdicts.id"
            " WHERE edited_id IS NOT NULL",
        )
    if wanted.disputed:
        found.add(
            "c.disputed = 1", "SELECT id FROM comparisons INDEXED BY comparisons_disputed WHERE disputed = 1"
        )


def _standing_start(standings: tuple[Standing, ...]) -> str:
    """Where to find these: in the queue, on the screen, or by their verdict; each has an index."""
    places = {
        "waiting": "SELECT id FROM comparisons INDEXED BY comparisons_waiting"
        " WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL"
        " UNION ALL SELECT id FROM comparisons INDEXED BY comparisons_shown"
        " WHERE state = 'shown' AND deleted_at IS NULL",
        "retired": "SELECT id FROM comparisons INDEXED BY comparisons_retired WHERE state = 'retired'",
        "uncompared": "",
    }
    judged = (
        "SELECT id FROM comparisons INDEXED BY comparisons_by_choice WHERE choice IS NOT NULL"
        " AND choice IN (SELECT value FROM json_each(:standings))"
    )
    wanted = dict.fromkeys(places.get(standing, judged) for standing in standings)
    return " UNION ALL ".join(place for place in wanted if place)


def _add_marks(found: _Conditions, wanted: Filter) -> None:
    if wanted.flagged:
        found.add(
            "c.flagged = 1", "SELECT id FROM comparisons INDEXED BY comparisons_flagged WHERE flagged = 1"
        )
    if wanted.commented:
        found.add(
            "c.comment <> ''",
            "SELECT id FROM comparisons INDEXED BY comparisons_commented WHERE comment <> ''",
        )
    if wanted.tags:
        found.add(
            f"(EXISTS (SELECT 1 FROM comparison_tags WHERE comparison_id = c.id AND tag IN ({_TAGS})) OR"
            f" EXISTS (SELECT 1 FROM prompt_tags WHERE prompt_id = c.prompt_id AND tag IN ({_TAGS})))",
            _TAGGED,
        )


def _add_origin(found: _Conditions, wanted: Filter) -> None:
    if len(wanted.splits) == 1:
        held_out = wanted.splits == ("held_out",)
        found.add(
            f"c.held_out = {int(held_out)}",
            "SELECT id FROM comparisons INDEXED BY comparisons_held_out WHERE held_out = 1"
            if held_out
            else "",
        )
    if wanted.models:
        found.add(
            "EXISTS (SELECT 1 FROM candidates WHERE id IN (c.left_id, c.right_id)"
            " AND model IN (SELECT value FROM json_each(:models)))",
            _WRITTEN_BY,
        )
    if wanted.runs:
        found.add(f"c.id IN ({_OF_RUNS})", _OF_RUNS)
    if wanted.sources:
        found.add(
            "EXISTS (SELECT 1 FROM prompts WHERE id = c.prompt_id"
            " AND source IN (SELECT value FROM json_each(:sources)))",
            _OF_SOURCES,
        )


def _add_ranges(found: _Conditions, wanted: Filter) -> None:
    if wanted.shortest is not None or wanted.longest is not None:
        found.add(
            "(c.left_chars BETWEEN :shortest AND :longest OR c.right_chars BETWEEN :shortest AND :longest)",
            "SELECT id FROM comparisons INDEXED BY comparisons_by_left_chars"
            " WHERE left_chars BETWEEN :shortest AND :longest"
            " UNION ALL SELECT id FROM comparisons INDEXED BY comparisons_by_right_chars"
            " WHERE right_chars BETWEEN :shortest AND :longest",
        )
    if wanted.least_margin is not None or wanted.most_margin is not None:
        between = "BETWEEN :least_margin AND :most_margin"
        found.add(
            f"c.margin IS NOT NULL AND {SHOWN_MARGIN} {between}",
            "SELECT c.id FROM comparisons AS c INDEXED BY comparisons_by_margin"
            f" WHERE c.margin IS NOT NULL AND {SHOWN_MARGIN} {between}",
        )


def _text_condition(db: Database, parameters: dict[str, Any], *, whole: bool) -> str:
    """For a page of what is in very many texts, each row's own texts are asked; else all hits are listed."""
    asked = False
    if not whole and "*" not in parameters["text"]:  # beginnings are slow to look up row by row
        (hits,) = db.execute(
            "SELECT count(*) FROM "
            f"(SELECT 1 FROM candidates_fts WHERE candidates_fts MATCH :text LIMIT {_MANY_HITS})",
            parameters,
        ).fetchone()
        asked = hits == _MANY_HITS
    places = (
        ("candidates_fts", "c.left_id"),
        ("candidates_fts", "c.right_id"),
        ("prompts_fts", "c.prompt_id"),
    )
    if asked:
        each = [
            f"EXISTS (SELECT 1 FROM {table} WHERE rowid = {key} AND {table} MATCH :text)"
            for table, key in places
        ]
    else:
        each = [f"{key} IN (SELECT rowid FROM {table} WHERE {table} MATCH :text)" for table, key in places]
    return f"({' OR '.join(each)})"


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


def _part(conditions: _Conditions, start: str, only: str, order: str, index: str) -> Part:
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
        where.append(f"EXISTS (SELECT 1 FROM prompt_tags WHERE prompt_id = p.id AND tag IN ({_TAGS}))")
    if len(wanted.splits) == 1:
        where.append(f"p.split = '{'held_out' if wanted.splits == ('held_out',) else 'train'}'")
    if wanted.sources:
        where.append("p.source IN (SELECT value FROM json_each(:sources))")
    if parameters["text"]:
        where.append("p.id IN (SELECT rowid FROM prompts_fts WHERE prompts_fts MATCH :text)")
    rows = f"FROM prompts AS p WHERE {' AND '.join(where)}"
    return Part(sql=f"SELECT -p.id {rows} ORDER BY p.id DESC", count=f"SELECT count(*) {rows}")
