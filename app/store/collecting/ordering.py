"""In which order waiting comparisons are asked, and the margins that one of the orders goes by.

Whatever the order, first comes what was shown and not judged, then what this annotator is asked again, then
what the person typed; what this annotator skipped for later comes last. A skip is its annotator's own: with
overlap the others meet what was skipped like what was answered, without it after all that nobody saw.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from app.store.errors import BadValue
from app.store.handle import Project
from app.store.records import Picked
from app.store.rows import read, to_json, writing
from app.store.settings import get_setting

Order = Literal["oldest", "newest", "random", "unseen", "margin"]
"""`oldest`: as they were written; `unseen`: first of prompts that nothing was said about yet; `margin`: what
the policy is least sure of, its margin nearest zero."""

OVERLAP = "annotate.overlap"
"""The setting that has every annotator answer what another one answered here."""
POLICY = "policy"
"""The setting that names the policy whose margins count."""

_NOT_IN_HAND = "comparisons.id NOT IN (SELECT value FROM json_each(:in_hand))"
_TRIES = 32


@dataclass(frozen=True)
class Choosing:
    """Who is asked, how the next one is picked, and what is in hand already."""

    annotator: str | None = None
    order: Order = "oldest"
    random_share: float = 0.0
    """How often, of fresh ones, the pick is at random instead; 0 to 1."""
    exclude: Collection[int] = ()
    overlap: bool | None = None
    """None: as the project's setting says."""


@dataclass(frozen=True)
class Chosen:
    id: int
    picked: Picked


def choose(project: Project, asked: Choosing, rng: Random) -> Chosen | None:
    """Which comparison comes next, or None. Raises `BadValue` for a share that is none, and `StoreError`."""
    if not 0 <= asked.random_share <= 1:
        raise BadValue(f"A random share is between 0 and 1, not {asked.random_share}. Nothing was changed.")
    bound: dict[str, object] = {"in_hand": to_json(list(asked.exclude)), "who": asked.annotator}
    if (found := _first(project, (_SHOWN, _ASKED_AGAIN, _TYPED), bound)) is not None:
        return Chosen(found, "order")
    overlap = overlapping(project) if asked.overlap is None else asked.overlap
    others = (_OTHERS,) if overlap and asked.annotator is not None else ()
    early = (*others, _SKIPPED_HERE_BY_OTHERS) if others else ()
    if (found := _first(project, early, {**bound, "skips": 0})) is not None:
        return Chosen(found, "order")
    at_random = asked.order == "random" or (asked.random_share > 0 and rng.random() < asked.random_share)
    if at_random and (found := _random(project, bound, rng)) is not None:
        return Chosen(found, "random")
    if asked.order == "margin":
        bound["policy"] = _policy(project)
    last = (*_ORDERED[asked.order], _SKIPPED_BY_OTHERS, _SKIPPED, *others)
    found = _first(project, last, {**bound, "skips": 1})
    return None if found is None else Chosen(found, "order")


def overlapping(project: Project) -> bool:
    """Whether every annotator is to answer what another one answered here."""
    return get_setting(project, OVERLAP, False) is True


def to_score(project: Project, policy: str, limit: int) -> list[int]:
    """Ids of fresh waiting comparisons that have no margin under this policy, oldest first of those never
    scored; at most `limit`."""
    found: list[int] = []
    for sql in _UNSCORED:
        rows = read(
            project,
            "choosing what to score",
            sql,
            {"policy": policy, "limit": limit - len(found)},
        )
        found += [row["id"] for row in rows]
    return found


def keep_margins(project: Project, policy: str, margins: Mapping[int, float]) -> None:
    """Keep log-ratio margins, left minus right, in nats, by comparison.

    One that is no number is kept as none, so that it is not asked for again.
    """
    rows = [(value if math.isfinite(value) else None, policy, key) for key, value in margins.items()]
    with writing(project, "saving the margins") as db:
        db.conn.executemany("UPDATE comparisons SET margin = ?, margin_policy = ? WHERE id = ?", rows)


def _query(where: str, order: str) -> str:
    return f"SELECT id FROM comparisons WHERE {where} AND {_NOT_IN_HAND} ORDER BY {order} LIMIT 1"  # noqa: S608


_OPEN = "asked_of IS NULL AND deleted_at IS NULL"
_WAITING = f"state = 'waiting' AND {_OPEN}"
_FRESH = f"{_WAITING} AND skipped = 0 AND priority = 0"
_SHOWN = _query(
    "state = 'shown' AND deleted_at IS NULL AND (asked_of IS NULL OR asked_of = :who)", "shown_at DESC"
)
_ASKED_AGAIN = _query(
    "state = 'waiting' AND asked_of IS NOT NULL AND deleted_at IS NULL AND asked_of = :who", "skipped, id"
)
_TYPED = _query(f"{_WAITING} AND skipped = 0 AND priority > 0", "priority DESC, id")
_SKIPPED = _query(f"{_WAITING} AND skipped > 0", "skipped, priority DESC, id")
_NOT_MINE = "NOT EXISTS (SELECT 1 FROM standing WHERE comparison_id = comparisons.id AND annotator = :who)"
_SKIPPED_BY_OTHERS = _query(f"{_WAITING} AND skipped > 0 AND {_NOT_MINE}", "skipped, priority DESC, id")
# From the latest on: what an import brought in lies before it in the index.
_SKIPPED_HERE_BY_OTHERS = _query(
    f"""{_WAITING} AND skipped > 0 AND {_NOT_MINE} AND EXISTS (
        SELECT 1 FROM standing CROSS JOIN verdicts ON verdicts.id = standing.verdict_id
        WHERE standing.comparison_id = comparisons.id AND imported = 0
    )""",  # noqa: S608 (texts of this file)
    "skipped DESC, priority, id DESC",
)
_OLDEST = _query(_FRESH, "id")
_NEWEST = _query(_FRESH, "id DESC")
_DRAWN = _query(f"{_FRESH} AND id = :drawn", "id")
_COUNTED = f"SELECT count(*) AS n FROM comparisons WHERE {_FRESH} AND {_NOT_IN_HAND}"  # noqa: S608
_DOUBTFUL = _query(f"{_FRESH} AND margin_policy = :policy AND abs(margin) >= 0", "abs(margin), id")
# The joins are crossed so that SQLite keeps to their order: one index walked, the other looked up.
_UNSEEN = """
SELECT comparisons.id AS id FROM prompts CROSS JOIN comparisons ON prompt_id = prompts.id
WHERE answered = 0 AND comparisons > 0 AND prompts.deleted_at IS NULL
    AND state = 'waiting' AND asked_of IS NULL AND comparisons.deleted_at IS NULL AND skipped = 0
    AND prompts.id NOT IN (
        SELECT prompt_id FROM comparisons AS held WHERE held.id IN (SELECT value FROM json_each(:in_hand))
    )
ORDER BY prompts.id LIMIT 1
"""
_OTHERS = """
SELECT given.comparison_id AS id
FROM verdicts AS given CROSS JOIN comparisons ON comparisons.id = given.comparison_id
WHERE given.imported = 0 AND given.undone_at IS NULL AND given.choice <> 'skip'
    AND purpose = 'collect' AND state = 'answered' AND deleted_at IS NULL
    AND comparisons.id NOT IN (SELECT value FROM json_each(:in_hand))
    AND NOT EXISTS (
        SELECT 1 FROM standing JOIN verdicts ON verdicts.id = standing.verdict_id
        WHERE standing.comparison_id = given.comparison_id AND standing.annotator = :who
            AND (:skips = 0 OR verdicts.choice <> 'skip')
    )
ORDER BY given.comparison_id LIMIT 1
"""
"""What others answered here; with `skips` also what this annotator put off."""
_ORDERED: Mapping[Order, tuple[str, ...]] = {
    "oldest": (_OLDEST,),
    "newest": (_NEWEST,),
    "random": (),
    "unseen": (_UNSEEN, _OLDEST),
    "margin": (_DOUBTFUL, _OLDEST),
}
# What another policy scored lies on both sides of this one in the index.
_UNSCORED = tuple(
    f"SELECT id FROM comparisons WHERE {_WAITING} AND margin_policy {other} LIMIT :limit"  # noqa: S608
    for other in ("IS NULL", "< :policy", "> :policy")
)


def _first(project: Project, queries: Iterable[str], bound: dict[str, object]) -> int | None:
    """The first id that one of the queries finds."""
    for sql in queries:
        rows = read(project, "choosing the next comparison", sql, bound)
        if rows:
            return int(rows[0]["id"])
    return None


def _random(project: Project, bound: dict[str, object], rng: Random) -> int | None:
    """Every fresh one as likely as any other: ids drawn until one is of them, or else counted out."""
    low, high = (_first(project, [sql], bound) for sql in (_OLDEST, _NEWEST))
    if low is None or high is None:
        return None
    for _ in range(_TRIES):
        drawn = {**bound, "drawn": rng.randint(low, high)}
        if (found := _first(project, [_DRAWN], drawn)) is not None:
            return found
    (counted,) = read(project, "choosing the next comparison", _COUNTED, bound)
    return _first(project, [f"{_OLDEST} OFFSET :place"], {**bound, "place": rng.randrange(counted["n"])})


def _policy(project: Project) -> str:
    name = get_setting(project, POLICY, "")
    return name if isinstance(name, str) else ""
