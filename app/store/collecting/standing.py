"""Which verdict counts, when several people judged the same comparison, or one person changed their mind.

An annotator's *standing* verdict is their latest that is not undone. What counts is the answer to the
comparison by which the matter was settled or looked at a second time, if there is one; else the latest
verdict of what most annotators said. Where as many prefer left as prefer right (and nothing else has more),
it is *disputed*.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from app.store.collecting.placing import place
from app.store.records import Choice
from app.store.rows import to_json

Happened = Literal["given", "undone", "redone"]

SETTLING = "('settle', 'second_look')"
"""SQL: for what a comparison is asked again whose answer counts from then on."""

_OTHER_SIDE: dict[Choice, Choice] = {"left": "right", "right": "left"}
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Said:
    """A standing verdict, `choice` in terms of the sides of the comparison it is counted for."""

    verdict_id: int
    choice: Choice


@dataclass(frozen=True)
class Outcome:
    """What the standing verdicts of a comparison come to."""

    verdict_id: int | None
    choice: Choice | None
    disputed: bool


def other_side(choice: Choice) -> Choice:
    """What the same answer is called when left and right change places."""
    return _OTHER_SIDE.get(choice, choice)


def weigh(said: Sequence[Said], settled: Sequence[Said] = ()) -> Outcome:
    """What counts, of the annotators' standing verdicts and of the answers that settle the matter.

    Skips are no answers; one stands only where nobody answered.
    """
    final = [one for one in settled if one.choice != "skip"]
    if final:
        last = max(final, key=_age)
        return Outcome(last.verdict_id, last.choice, False)
    answers = [one for one in said if one.choice != "skip"]
    if not answers:
        skip = max(said, key=_age, default=None)
        return Outcome(skip.verdict_id, "skip", False) if skip else Outcome(None, None, False)
    votes = Counter(one.choice for one in answers)
    most = max(votes.values())
    leading = {choice for choice, number in votes.items() if number == most}
    last = max((one for one in answers if one.choice in leading), key=_age)
    return Outcome(last.verdict_id, last.choice, {"left", "right"} <= leading)


def settle(db: Database, comparison_id: int, *, after: Happened) -> None:
    """Within a transaction: work out what counts after a verdict on a comparison was given, undone or redone.

    It leaves the queue once answered, goes to its end when skipped, and is shown again when nothing is left.
    """
    settle_again(db, [comparison_id])
    choice, of_id = db.execute(
        f"SELECT choice, CASE WHEN purpose IN {SETTLING} THEN of_id END FROM comparisons WHERE id = ?",  # noqa: S608
        [comparison_id],
    ).fetchone()
    if choice == "skip" and after != "undone":
        place(db, comparison_id, "waiting", last=True)
    elif choice in (None, "skip"):
        place(db, comparison_id, "shown")
    if of_id is not None:
        settle_again(db, [of_id])


def settle_again(db: Database, comparison_ids: Iterable[int] | None = None) -> None:
    """Within a transaction: work out anew what follows from the verdicts of these comparisons, or of all.

    That is `standing`, and `verdict_id`, `choice`, `disputed` and the state `answered` of the comparisons.
    """
    if comparison_ids is None:
        comparison_ids = [row[0] for row in db.execute("SELECT id FROM comparisons ORDER BY id")]
    for ids in _chunks(comparison_ids):
        _stand(db, ids)
        said = _gather(db, _SAID, ids)
        settled = _gather(db, _SETTLED, ids)
        _keep(db, ids, {one: weigh(said.get(one, []), settled.get(one, [])) for one in ids})


def _stand(db: Database, ids: list[int]) -> None:
    listed = to_json(ids)
    db.execute(
        "DELETE FROM standing WHERE comparison_id IN (SELECT value FROM json_each(?))",
        [listed],
    )
    db.execute(
        """
        INSERT INTO standing SELECT comparison_id, annotator, max(id) FROM verdicts
        WHERE comparison_id IN (SELECT value FROM json_each(?)) AND undone_at IS NULL
        GROUP BY comparison_id, annotator
        """,
        [listed],
    )


_SAID = """
SELECT standing.comparison_id, verdict_id, choice, 1
FROM standing JOIN verdicts ON verdicts.id = verdict_id
WHERE standing.comparison_id IN (SELECT value FROM json_each(?))
"""
_SETTLED = f"""
SELECT again.of_id, standing.verdict_id, verdicts.choice, again.left_id = first.left_id
FROM comparisons AS again
JOIN comparisons AS first ON first.id = again.of_id
JOIN standing ON standing.comparison_id = again.id
JOIN verdicts ON verdicts.id = standing.verdict_id
WHERE again.of_id IN (SELECT value FROM json_each(?))
    AND again.purpose IN {SETTLING} AND again.deleted_at IS NULL
"""  # noqa: S608 (a text of this file)


def _gather(db: Database, sql: str, ids: list[int]) -> dict[int, list[Said]]:
    found: dict[int, list[Said]] = {}
    for comparison_id, verdict_id, choice, same_sides in db.execute(sql, [to_json(ids)]):
        answer = choice if same_sides else other_side(choice)
        found.setdefault(comparison_id, []).append(Said(verdict_id, answer))
    return found


def _keep(db: Database, ids: list[int], outcomes: dict[int, Outcome]) -> None:
    db.conn.executemany(
        """
        UPDATE comparisons SET verdict_id = ?1, choice = ?2, disputed = ?3
        WHERE id = ?4 AND (verdict_id IS NOT ?1 OR choice IS NOT ?2 OR disputed <> ?3)
        """,
        [(one.verdict_id, one.choice, int(one.disputed), key) for key, one in outcomes.items()],
    )
    unplaced = db.execute(
        """
        SELECT id FROM comparisons WHERE id IN (SELECT value FROM json_each(?))
            AND choice IS NOT NULL AND choice <> 'skip' AND state <> 'answered'
        """,
        [to_json(ids)],
    ).fetchall()
    for (comparison_id,) in unplaced:
        place(db, comparison_id, "answered")


def _age(said: Said) -> int:
    return said.verdict_id


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    everything = list(ids)
    for start in range(0, len(everything), _AT_ONCE):
        yield everything[start : start + _AT_ONCE]
