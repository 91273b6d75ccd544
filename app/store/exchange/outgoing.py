"""What a project holds, as entries: read in order, a batch at a time. For exports and merges."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from app.store.collecting.prompts import to_messages
from app.store.collecting.standing import other_side
from app.store.errors import explained
from app.store.exchange.entries import Entry, Given, Response
from app.store.exchange.studio_format import Kind, kind_of
from app.store.handle import Project
from app.store.records import Choice
from app.store.rows import Row, checked, from_json, to_json, to_record
from dpo_engine.preferences import Split

BATCH = 500


class Outgoing(msgspec.Struct, frozen=True):
    """An entry with what only its own project knows of it."""

    entry: Entry
    kind: Kind
    comparison_id: int | None = None
    verdict_id: int | None = None
    counts: int | None = None
    """Which of the entry's verdicts is the one that counts."""
    choice: Choice | None = None
    """What it comes to."""
    imported: bool = False
    """That verdict was not given in this project."""


def comparisons_of(project: Project, ids: Sequence[int] | None = None) -> Iterator[Outgoing]:
    """Every collected comparison that is neither deleted nor retired, or of these those that `ids` name.

    In the order of their ids, each with its standing verdicts and the answer that settled it. Raises
    `StoreError`.
    """
    wanted = sorted(set(ids)) if ids is not None else None
    with explained("reading the comparisons"):
        for some in _batches_of_ids(project, wanted):
            yield from _read(project, some)


def prompts_alone(project: Project) -> Iterator[Outgoing]:
    """Every prompt that is not deleted and has no comparison that `comparisons_of` gives."""
    with explained("reading the prompts"):
        last = 0
        while rows := list(project.db.query(_ALONE, [last, BATCH])):
            last = rows[-1]["id"]
            for row in rows:
                yield Outgoing(Entry(**_asked(row)), "prompts")


def count_of(project: Project, ids: Sequence[int] | None = None) -> int:
    """How many comparisons and prompts there are to read, for a share of progress."""
    if ids is not None:
        return len(ids)
    with explained("counting"):
        (number,) = project.db.execute(
            "SELECT (SELECT count(*) FROM comparisons) + (SELECT count(*) FROM prompts)"
        ).fetchone()
    return int(number)


_WANTED = "purpose = 'collect' AND state <> 'retired' AND comparisons.deleted_at IS NULL"
_OF_IDS = f"SELECT id FROM comparisons WHERE id IN (SELECT value FROM json_each(?)) AND {_WANTED}"  # noqa: S608
_AFTER = f"SELECT id FROM comparisons WHERE id > ? AND {_WANTED} ORDER BY id LIMIT ?"  # noqa: S608
_ALONE = f"""
SELECT id, messages, split, source,
    (SELECT json_group_array(tag) FROM prompt_tags WHERE prompt_id = prompts.id) AS prompt_tags
FROM prompts WHERE id > ? AND deleted_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM comparisons WHERE prompt_id = prompts.id AND {_WANTED}
) ORDER BY id LIMIT ?
"""  # noqa: S608 (a text of this file)
_PAIRS = """
SELECT comparisons.id, messages, split, source, verdict_id, choice, disputed, flagged, comment,
    left_id, right_id,
    (SELECT json_group_array(tag) FROM prompt_tags WHERE prompt_id = prompts.id) AS prompt_tags,
    (SELECT json_group_array(tag) FROM comparison_tags WHERE comparison_id = comparisons.id) AS tags
FROM comparisons JOIN prompts ON prompts.id = comparisons.prompt_id
WHERE comparisons.id IN (SELECT value FROM json_each(?)) ORDER BY comparisons.id
"""
_CANDIDATES = """
SELECT id, text, model, fingerprint, sampling, seed, finish_reason, tokens, seconds, created_at
FROM candidates WHERE id IN (SELECT value FROM json_each(?))
"""
_STANDING = """
SELECT standing.comparison_id, verdicts.id, imported, verdicts.choice, strength, verdicts.annotator,
    verdicts.seconds, verdicts.created_at, edits.text AS edited, 0 AS settles, 1 AS same_sides
FROM standing
JOIN verdicts ON verdicts.id = standing.verdict_id
LEFT JOIN candidates AS edits ON edits.id = edited_id
WHERE standing.comparison_id IN (SELECT value FROM json_each(?1))
UNION ALL
SELECT first.id, verdicts.id, imported, verdicts.choice, strength, verdicts.annotator, verdicts.seconds,
    verdicts.created_at, edits.text, 1, again.left_id = first.left_id
FROM comparisons AS first
JOIN verdicts ON verdicts.id = first.verdict_id AND verdicts.comparison_id <> first.id
JOIN comparisons AS again ON again.id = verdicts.comparison_id
LEFT JOIN candidates AS edits ON edits.id = edited_id
WHERE first.id IN (SELECT value FROM json_each(?1))
ORDER BY 2
"""


def _batches_of_ids(project: Project, wanted: Sequence[int] | None) -> Iterator[list[int]]:
    if wanted is not None:
        for start in range(0, len(wanted), BATCH):
            listed = to_json(wanted[start : start + BATCH])
            yield [
                row[0]
                for row in project.db.execute(
                    _OF_IDS,
                    [listed],
                )
            ]
        return
    last = 0
    while ids := [row[0] for row in project.db.execute(_AFTER, [last, BATCH])]:
        last = ids[-1]
        yield ids


def _read(project: Project, ids: Iterable[int]) -> Iterator[Outgoing]:
    listed = [to_json(list(ids))]
    rows = list(project.db.query(_PAIRS, listed))
    sides = {row[key] for row in rows for key in ("left_id", "right_id")}
    candidates = {row["id"]: _response(row) for row in project.db.query(_CANDIDATES, [to_json(list(sides))])}
    said: dict[int, list[tuple[int, Given]]] = {}
    imported: set[int] = set()
    for verdict in project.db.query(_STANDING, listed):
        if verdict["imported"]:
            imported.add(verdict["id"])
        said.setdefault(verdict["comparison_id"], []).append((verdict["id"], _given(verdict)))
    for row in rows:
        theirs = said.get(row["id"], [])
        choice = checked(row["choice"], Choice | None)
        yield Outgoing(
            Entry(
                **_asked(row),
                left=candidates[row["left_id"]],
                right=candidates[row["right_id"]],
                verdicts=tuple([given for _, given in theirs]),
                placed=True,
                tags=from_json(row["tags"], tuple[str, ...]),
                flagged=bool(row["flagged"]),
                comment=row["comment"],
            ),
            kind_of(choice, disputed=bool(row["disputed"])),
            comparison_id=row["id"],
            verdict_id=row["verdict_id"],
            counts=next((n for n, (one, _) in enumerate(theirs) if one == row["verdict_id"]), None),
            choice=choice,
            imported=row["verdict_id"] in imported,
        )


def _asked(row: Row) -> dict[str, Any]:
    return {
        "prompt": to_messages(row["messages"]),
        "split": checked(row["split"], Split),
        "source": checked(row["source"], str),
        "prompt_tags": from_json(row["prompt_tags"], tuple[str, ...]),
    }


def _response(row: Row) -> Response:
    sampling = from_json(row["sampling"], dict[str, int | float])
    return to_record(Response, {**row, "sampling": sampling})


def _given(row: Row) -> Given:
    choice: Choice = checked(row["choice"], Choice)
    return Given(
        choice=choice if row["same_sides"] else other_side(choice),
        strength=row["strength"],
        annotator=row["annotator"],
        seconds=row["seconds"],
        created_at=row["created_at"],
        edited=row["edited"],
        settles=bool(row["settles"]),
    )
