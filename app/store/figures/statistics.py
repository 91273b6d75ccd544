"""Figures of a whole project's verdicts: days, lengths, sides, agreement, coverage. For a reader's thread.

At a million comparisons each takes a second or so; none touches a text.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from app.store.collecting import annotators
from app.store.figures import agreement, quality
from app.store.figures.agreement import Between
from app.store.figures.intervals import Interval, wilson
from app.store.figures.quality import Meter
from app.store.handle import Project
from app.store.records import Choice
from app.store.rows import read, read_one

_TRAINABLE = "purpose = 'collect' AND disputed = 0 AND deleted_at IS NULL AND choice IN ('left', 'right')"
_CHOSEN = "CASE comparisons.choice WHEN 'left' THEN left_chars ELSE right_chars END"
_REJECTED = "CASE comparisons.choice WHEN 'left' THEN right_chars ELSE left_chars END"


@dataclass(frozen=True, kw_only=True)
class Day:
    """Verdicts that stand, by kind, given on one day of this machine's calendar; skips left out."""

    day: date
    counts: dict[Choice, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, kw_only=True)
class LengthBias:
    """Chosen against rejected, in characters, over all pairs that can be trained on."""

    pairs: int
    longer_won: int
    shorter_won: int
    same: int
    mean_chosen: float
    mean_rejected: float
    interval: Interval
    """Of longer_won / (longer_won + shorter_won), Wilson, 95 %."""
    differences: NDArray[np.int64]
    """Each chosen minus rejected that occurs, ascending."""
    times: NDArray[np.int64]
    """How often each of them does."""

    @property
    def share(self) -> float | None:
        """How often the longer one won; None where no pair differs in length."""
        unlike = self.longer_won + self.shorter_won
        return self.longer_won / unlike if unlike else None

    @property
    def mean_difference(self) -> float:
        return self.mean_chosen - self.mean_rejected


@dataclass(frozen=True, kw_only=True)
class Sides:
    """How often left was preferred; sides are drawn at random, so half is what to expect."""

    left: int
    right: int
    interval: Interval

    @property
    def share(self) -> float | None:
        return self.left / (self.left + self.right) if self.left + self.right else None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Of one kind of prompt: how many comparisons were judged, of how many."""

    name: str
    judged: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Statistics:
    days: tuple[Day, ...]
    """Every day from the first with a verdict to the last, the empty ones too."""
    lengths: LengthBias | None
    """None without a pair."""
    sides: Sides
    meters: tuple[tuple[str, Meter], ...]
    """Each annotator's own."""
    between: Between | None
    """None with fewer than two annotators."""
    tags: tuple[Coverage, ...]
    sources: tuple[Coverage, ...]
    splits: tuple[Coverage, ...]


def statistics(project: Project) -> Statistics:
    """All of it, as of now. Raises `StoreError`."""
    names = annotators.list_annotators(project)
    return Statistics(
        days=_days(project),
        lengths=_lengths(project),
        sides=_sides(project),
        meters=tuple((name, quality.meter(project, name)) for name in names),
        between=agreement.between(project) if len(names) > 1 else None,
        tags=_tags(project),
        sources=_sources(project),
        splits=_splits(project),
    )


def _days(project: Project) -> tuple[Day, ...]:
    # By the hour in UTC, as it is written; time zones that are not whole hours off lose some minutes.
    rows = read(
        project,
        "counting the verdicts of each day",
        """
        SELECT substr(verdicts.created_at, 1, 13) AS hour, verdicts.choice, count(*) AS n FROM standing
        CROSS JOIN verdicts ON verdicts.id = verdict_id WHERE verdicts.choice <> 'skip' GROUP BY 1, 2
        """,
    )
    days: dict[date, Counter[Choice]] = {}
    for row in rows:
        when = datetime.fromisoformat(f"{row['hour']}:00:00").replace(tzinfo=UTC).astimezone().date()
        days.setdefault(when, Counter())[row["choice"]] += row["n"]
    if not days:
        return ()
    first, last = min(days), max(days)
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(Day(day=day, counts=dict(days.get(day, {}))) for day in every)


def _lengths(project: Project) -> LengthBias | None:
    times: Counter[int] = Counter()
    chosen = rejected = 0
    for row in read(
        project,
        "comparing the lengths",
        f"""
        SELECT {_CHOSEN} - {_REJECTED} AS difference, count(*) AS n,
            sum({_CHOSEN}) AS chosen, sum({_REJECTED}) AS rejected
        FROM comparisons WHERE {_TRAINABLE} GROUP BY 1
        """,  # noqa: S608 (texts of this file)
    ):
        times[row["difference"]] += row["n"]
        chosen += row["chosen"]
        rejected += row["rejected"]
    for row in read(
        project,
        "comparing the lengths",
        f"""
        SELECT {_CHOSEN} - {_REJECTED} AS difference, candidates.chars - {_CHOSEN} AS grown
        FROM verdicts CROSS JOIN comparisons ON comparisons.verdict_id = verdicts.id
        CROSS JOIN candidates ON candidates.id = edited_id
        WHERE edited_id IS NOT NULL AND {_TRAINABLE.replace("choice", "comparisons.choice")}
        """,  # noqa: S608 (texts of this file)
    ):
        times[row["difference"]] -= 1
        times[row["difference"] + row["grown"]] += 1
        chosen += row["grown"]
    return _length_bias(times, chosen, rejected) if times else None


def _length_bias(times: Counter[int], chosen: int, rejected: int) -> LengthBias:
    found = sorted((difference, n) for difference, n in times.items() if n)
    longer = sum(n for difference, n in found if difference > 0)
    shorter = sum(n for difference, n in found if difference < 0)
    pairs = sum(n for _difference, n in found)
    return LengthBias(
        pairs=pairs,
        longer_won=longer,
        shorter_won=shorter,
        same=pairs - longer - shorter,
        mean_chosen=chosen / pairs,
        mean_rejected=rejected / pairs,
        interval=wilson(longer, longer + shorter),
        differences=np.array([difference for difference, _n in found], dtype=np.int64),
        times=np.array([n for _difference, n in found], dtype=np.int64),
    )


def _sides(project: Project) -> Sides:
    row = read_one(
        project,
        "counting the sides",
        """
        SELECT coalesce(sum(n) FILTER (WHERE choice = 'left'), 0) AS lefts,
            coalesce(sum(n) FILTER (WHERE choice = 'right'), 0) AS rights
        FROM tally WHERE disputed = 0
        """,
    )
    left, right = int(row["lefts"]), int(row["rights"])
    return Sides(left=left, right=right, interval=wilson(left, left + right))


_COUNTS = "count(*) FILTER (WHERE choice IS NOT NULL AND choice <> 'skip') AS judged, count(*) AS of"
_LISTED = "purpose = 'collect' AND comparisons.deleted_at IS NULL AND state <> 'retired'"


def _tags(project: Project) -> tuple[Coverage, ...]:
    return _coverage(
        project,
        f"""
        SELECT tag AS name, {_COUNTS} FROM (
            SELECT tag, comparison_id AS id FROM comparison_tags
            UNION SELECT tag, t.id FROM prompt_tags CROSS JOIN comparisons AS t USING (prompt_id)
        ) CROSS JOIN comparisons USING (id) WHERE {_LISTED} GROUP BY tag
        """,  # noqa: S608 (texts of this file)
    )


def _sources(project: Project) -> tuple[Coverage, ...]:
    return _coverage(
        project,
        f"""
        SELECT source AS name, {_COUNTS} FROM comparisons CROSS JOIN prompts ON prompts.id = prompt_id
        WHERE {_LISTED} GROUP BY source
        """,  # noqa: S608 (texts of this file)
    )


def _splits(project: Project) -> tuple[Coverage, ...]:
    return _coverage(
        project,
        f"""
        SELECT CASE held_out WHEN 1 THEN 'Held-out' ELSE 'Train' END AS name, {_COUNTS}
        FROM comparisons WHERE {_LISTED} GROUP BY held_out
        """,  # noqa: S608 (texts of this file)
    )


def _coverage(project: Project, sql: str) -> tuple[Coverage, ...]:
    rows = read(project, "counting what was judged", sql)
    found = [Coverage(name=str(row["name"]), judged=row["judged"], of=row["of"]) for row in rows]
    return tuple(sorted(found, key=lambda one: (-one.of, one.name)))
