"""How good one annotator's verdicts are: asked again with sides swapped, does the same answer come?

About one comparison in twelve is an earlier one, unannounced. From those comes self-agreement; from the
fresh ones, whose sides were drawn at random, how often left was preferred; and the pace. Second looks at
suspect verdicts are asked again too, but count for none of these: they were picked for being doubtful.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from random import Random
from statistics import median

from app.store.collecting import comparisons
from app.store.collecting.asking_again import again
from app.store.collecting.standing import other_side
from app.store.errors import BadValue
from app.store.figures.intervals import Interval, wilson
from app.store.handle import Project
from app.store.records import Comparison
from app.store.rows import Row, checked, read, read_one, writing

EVERY = 12
"""One in so many comparisons is a repeat, where nothing else is said."""
NOT_OF_THE_LAST = 10
"""A comparison comes back only when so many others were judged since."""

_PAUSE_SECONDS = 300.0
_RECENT = 200


@dataclass(frozen=True, kw_only=True)
class Meter:
    """What one annotator's own verdicts here say about them. Shares are from 0 to 1."""

    repeats: int
    """Comparisons drawn at random, asked again and answered again."""
    agreed: int
    """Of those, how many got the same answer, sides taken into account."""
    agreement: float | None
    """agreed / repeats; None before the first repeat."""
    interval: Interval
    """Of the agreement, Wilson, 95 %."""
    left_share: float | None
    """Of fresh comparisons where a side was preferred, how often the left one; None before the first."""
    left_interval: Interval
    verdicts: int
    """All that stand and are no skips, the repeats among them."""
    median_seconds: float | None
    """From both responses being there to the key press, over the latest 200."""
    per_hour: float | None
    """Pace over the latest 200, without pauses of five minutes and more; None before the second one."""
    today: int
    """Since local midnight."""
    streak_of_left: int
    """How many of the latest verdicts in a row were for left."""


def plan_repeat(project: Project, annotator: str, every: int, rng: Random) -> Comparison | None:
    """Have the annotator judge an earlier comparison again, sides swapped, when one is due; else None.

    One in `every` comparisons on average is a repeat, at uneven distances; 0 is never. Not of the last ten
    that they judged, never two in a row, none that waits to be judged again already, those first that were
    repeated least. It comes next in their queue. May be called any number of times between two verdicts.
    """
    if every == 0:
        return None
    if every < 2:
        raise BadValue(f"One in {every} comparisons cannot be a repeat. Choose 0 (never) or 2 and more.")
    if not _due(project, annotator, every):
        return None
    row = _to_repeat(project, annotator, rng)
    if row is None:
        return None
    with writing(project, "planning what to ask again") as db:
        made = again(db, row, "repeat", annotator, other_sides=True)
    return comparisons.get(project, made)


def meter(project: Project, annotator: str) -> Meter:
    """Work out the annotator's figures, from verdicts given here that stand."""
    repeats, agreed = _self_agreement(project, annotator)
    left, sided = _left(project, annotator)
    recent = _recent(project, annotator)
    midnight = datetime.combine(date.today(), time.min).astimezone(UTC).isoformat(timespec="microseconds")
    totals = read_one(
        project,
        "counting the verdicts",
        """
        SELECT count(*) AS verdicts, count(*) FILTER (WHERE verdicts.created_at >= ?) AS today
        FROM standing CROSS JOIN verdicts ON verdicts.id = standing.verdict_id
        CROSS JOIN comparisons ON comparisons.id = standing.comparison_id
        WHERE standing.annotator = ? AND imported = 0 AND verdicts.choice <> 'skip' AND deleted_at IS NULL
        """,
        [midnight, annotator],
    )
    return Meter(
        repeats=repeats,
        agreed=agreed,
        agreement=agreed / repeats if repeats else None,
        interval=wilson(agreed, repeats),
        left_share=left / sided if sided else None,
        left_interval=wilson(left, sided),
        verdicts=totals["verdicts"],
        median_seconds=median(row["seconds"] for row in recent) if recent else None,
        per_hour=_pace([checked(row["created_at"], datetime) for row in recent]),
        today=totals["today"],
        streak_of_left=_streak([row["choice"] for row in recent]),
    )


def _due(project: Project, annotator: str, every: int) -> bool:
    last = read_one(
        project,
        "planning what to ask again",
        """
        SELECT max(id) AS id, coalesce(sum(state IN ('waiting', 'shown')), 0) AS open FROM comparisons
        WHERE purpose = 'repeat' AND purpose <> 'collect' AND asked_of = ? AND deleted_at IS NULL
        """,
        [annotator],
    )
    if last["open"]:
        return False
    # Drawn from the last repeat, so that asking twice gives the same answer, and nobody can count along.
    gap = Random(f"{annotator} {last['id']}").randint(every - every // 2, every + every // 2) - 1  # noqa: S311
    since = read(
        project,
        "planning what to ask again",
        """
        SELECT verdicts.id FROM verdicts
        WHERE annotator = ? AND imported = 0 AND undone_at IS NULL AND choice <> 'skip'
            AND verdicts.id > coalesce((
                SELECT max(verdicts.id) FROM verdicts WHERE comparison_id = ? AND undone_at IS NULL
            ), 0)
        LIMIT ?
        """,
        [annotator, last["id"], max(gap, 1)],
    )
    return len(since) >= max(gap, 1)


def _to_repeat(project: Project, annotator: str, rng: Random) -> int | None:
    """The id of a comparison to ask again, or None. Drawn among those that were repeated least."""
    rows = read(
        project,
        "planning what to ask again",
        """
        SELECT comparisons.id, (
            SELECT count(*) FROM comparisons AS again
            WHERE again.of_id = comparisons.id AND again.purpose = 'repeat' AND again.asked_of = :who
        ) AS repeated
        FROM standing
        CROSS JOIN verdicts ON verdicts.id = standing.verdict_id
        CROSS JOIN comparisons ON comparisons.id = standing.comparison_id
        WHERE standing.annotator = :who AND imported = 0 AND verdicts.choice <> 'skip'
            AND comparisons.purpose = 'collect' AND comparisons.deleted_at IS NULL
            AND comparisons.state = 'answered'
            AND verdicts.id < (
                SELECT id FROM verdicts
                WHERE annotator = :who AND imported = 0 AND undone_at IS NULL AND choice <> 'skip'
                ORDER BY id DESC LIMIT 1 OFFSET :last
            )
        """,
        {"who": annotator, "last": NOT_OF_THE_LAST - 1},
    )
    least = min((row["repeated"] for row in rows), default=0)
    among = [row["id"] for row in rows if row["repeated"] == least]
    return rng.choice(among) if among else None


def _self_agreement(project: Project, annotator: str) -> tuple[int, int]:
    rows = read(
        project,
        "comparing the repeats",
        """
        SELECT said.choice AS said, before.choice AS before, again.left_id = first.left_id AS same_sides
        FROM comparisons AS again
        CROSS JOIN comparisons AS first ON first.id = again.of_id
        CROSS JOIN standing AS now ON now.comparison_id = again.id AND now.annotator = :who
        CROSS JOIN verdicts AS said ON said.id = now.verdict_id
        CROSS JOIN standing AS earlier ON earlier.comparison_id = first.id AND earlier.annotator = :who
        CROSS JOIN verdicts AS before ON before.id = earlier.verdict_id
        WHERE again.purpose <> 'collect' AND again.purpose = 'repeat'
            AND again.deleted_at IS NULL AND said.choice <> 'skip' AND before.choice <> 'skip'
        """,
        {"who": annotator},
    )
    agreed = sum(
        (row["said"] if row["same_sides"] else other_side(row["said"])) == row["before"] for row in rows
    )
    return len(rows), agreed


def _left(project: Project, annotator: str) -> tuple[int, int]:
    row = read_one(
        project,
        "counting the sides",
        """
        SELECT coalesce(sum(verdicts.choice = 'left'), 0) AS lefts, count(*) AS sided
        FROM standing
        CROSS JOIN verdicts ON verdicts.id = standing.verdict_id
        CROSS JOIN comparisons ON comparisons.id = standing.comparison_id
        WHERE standing.annotator = ? AND imported = 0 AND verdicts.choice IN ('left', 'right')
            AND purpose = 'collect' AND deleted_at IS NULL
        """,
        [annotator],
    )
    return row["lefts"], row["sided"]


def _recent(project: Project, annotator: str) -> list[Row]:
    return read(
        project,
        "reading the latest verdicts",
        """
        SELECT choice, seconds, created_at FROM verdicts
        WHERE annotator = ? AND imported = 0 AND undone_at IS NULL AND choice <> 'skip'
        ORDER BY id DESC LIMIT ?
        """,
        [annotator, _RECENT],
    )


def _pace(moments: Sequence[datetime]) -> float | None:
    """Verdicts an hour, of moments newest first."""
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(moments)]
    working = [gap for gap in gaps if 0 <= gap < _PAUSE_SECONDS]
    return 3600 * len(working) / sum(working) if sum(working) > 0 else None


def _streak(choices: Sequence[object]) -> int:
    for number, choice in enumerate(choices):
        if choice != "left":
            return number
    return len(choices)
