"""What is known of comparisons that an import meets again: their notes, and every verdict they ever had."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from app.store.collecting.standing import SETTLING, other_side
from app.store.records import Choice
from app.store.rows import to_json


@dataclass(frozen=True, kw_only=True)
class Said:
    """A verdict of the project, `choice` in terms of the sides of the comparison that was collected."""

    id: int
    annotator: str
    choice: Choice
    created_at: str
    stands: bool


@dataclass(kw_only=True)
class Known:
    """A comparison as it is at this point of the import."""

    id: int
    left_id: int
    right_id: int
    chars: tuple[int, int]
    flagged: bool
    comment: str
    deleted_at: str | None
    tags: set[str] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)
    settled: list[Said] = field(default_factory=list)

    @property
    def sides(self) -> tuple[int, int]:
        return self.left_id, self.right_id


def known_comparisons(db: Database, ids: Iterable[int]) -> dict[int, Known]:
    """Raises nothing for an id that is not there: it is left out."""
    listed = [to_json(list(ids))]
    known = {
        row[0]: Known(
            id=row[0],
            left_id=row[1],
            right_id=row[2],
            chars=(row[3], row[4]),
            flagged=bool(row[5]),
            comment=row[6],
            deleted_at=row[7],
        )
        for row in db.execute(
            """
            SELECT id, left_id, right_id, left_chars, right_chars, flagged, comment, deleted_at
            FROM comparisons WHERE id IN (SELECT value FROM json_each(?))
            """,
            listed,
        )
    }
    for comparison_id, tag in db.execute(
        "SELECT * FROM comparison_tags WHERE comparison_id IN (SELECT value FROM json_each(?))", listed
    ):
        known[comparison_id].tags.add(tag)
    for comparison_id, *verdict in db.execute(_VERDICTS, listed):
        known[comparison_id].said.append(_said(verdict, same_sides=True))
    for comparison_id, *verdict in db.execute(_SETTLING, listed):
        known[comparison_id].settled.append(_said(verdict[:-1], same_sides=bool(verdict[-1])))
    return known


_VERDICTS = """
SELECT comparison_id, id, annotator, choice, created_at, undone_at IS NULL
FROM verdicts WHERE comparison_id IN (SELECT value FROM json_each(?)) ORDER BY id
"""
_SETTLING = f"""
SELECT again.of_id, verdicts.id, annotator, verdicts.choice, verdicts.created_at, undone_at IS NULL,
    again.left_id = first.left_id
FROM comparisons AS again
JOIN comparisons AS first ON first.id = again.of_id
JOIN verdicts ON verdicts.comparison_id = again.id
WHERE again.of_id IN (SELECT value FROM json_each(?)) AND again.purpose IN {SETTLING}
ORDER BY verdicts.id
"""  # noqa: S608 (a text of `standing`)


def _said(row: Sequence[Any], *, same_sides: bool) -> Said:
    verdict_id, annotator, choice, created_at, stands = row
    return Said(
        id=verdict_id,
        annotator=annotator,
        choice=choice if same_sides else other_side(choice),
        created_at=created_at,
        stands=bool(stands),
    )
