"""Where a run comes from and what came of it: whose verdicts made its policy, what that policy wrote.

Reads that may take long with many pairs: for a reader's thread.
"""

from dataclasses import dataclass

from app.store.handle import Project
from app.store.rows import read, read_one
from app.store.training.runs import get_run


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """`first` and `last`: when the first and the last of those verdicts was given; None without any."""

    annotators: tuple[tuple[str, int], ...]
    """(name, how many of the run's pairs rest on a verdict of theirs), most first."""
    first: str | None
    last: str | None
    unknown: int
    """Pairs of the run without a verdict in this project: they came from elsewhere."""
    written: int
    """Candidates that the run's policy wrote."""
    judged: int
    """How many of those stand in a comparison that somebody answered."""


@dataclass(frozen=True, kw_only=True)
class PairDifference:
    """The pairs of two runs side by side, by their ids."""

    same: int
    """In both, word for word."""
    turned: int
    """In both, with chosen and rejected the other way round."""
    changed: int
    """In both, with another text (an edited response)."""
    only_first: int
    only_second: int
    moved: int
    """Of those in both: trained on in one run, held out in the other."""


def lineage(project: Project, run_id: int) -> Lineage:
    """Raises `NoSuchRow`. A pair counts for who gave the last preference on it before the run was made."""
    run = get_run(project, run_id)
    makers = read(
        project,
        "reading whose verdicts made the run",
        """
        SELECT annotator, count(*) AS n, min(verdicts.created_at) AS first, max(verdicts.created_at) AS last
        FROM run_pairs JOIN verdicts ON verdicts.id = (
            SELECT max(given.id) FROM verdicts AS given
            WHERE given.comparison_id = CAST(substr(run_pairs.pair, 12) AS INTEGER)
                AND given.created_at <= ?2 AND given.choice IN ('left', 'right')
        )
        WHERE run_pairs.run_id = ?1 AND run_pairs.pair GLOB 'comparison-[0-9]*'
        GROUP BY annotator ORDER BY n DESC, annotator
        """,
        [run_id, run.created_at],
    )
    pairs = read_one(
        project, "counting the pairs", "SELECT count(*) AS n FROM run_pairs WHERE run_id = ?", [run_id]
    )
    written = read_one(
        project,
        "counting what the policy wrote",
        """
        SELECT count(*) AS written, coalesce(sum(EXISTS (
            SELECT 1 FROM comparisons
            WHERE (left_id = candidates.id OR right_id = candidates.id) AND state = 'answered'
        )), 0) AS judged
        FROM candidates WHERE model = ?
        """,
        [run.folder],
    )
    return Lineage(
        annotators=tuple((row["annotator"], row["n"]) for row in makers),
        first=min((row["first"] for row in makers), default=None),
        last=max((row["last"] for row in makers), default=None),
        unknown=pairs["n"] - sum(row["n"] for row in makers),
        written=written["written"],
        judged=written["judged"],
    )


def pair_difference(project: Project, first: int, second: int) -> PairDifference:
    """Of the snapshots of two runs."""
    shared = read_one(
        project,
        "comparing the pairs",
        """
        SELECT count(*) AS n,
            coalesce(sum(one.chosen = other.chosen AND one.rejected = other.rejected), 0) AS same,
            coalesce(sum(one.chosen = other.rejected AND one.rejected = other.chosen
                AND one.chosen <> one.rejected), 0) AS turned,
            coalesce(sum(one.split <> other.split), 0) AS moved
        FROM run_pairs AS one JOIN run_pairs AS other ON other.run_id = ?2 AND other.pair = one.pair
        WHERE one.run_id = ?1
        """,
        [first, second],
    )
    counted = read(
        project,
        "counting the pairs",
        "SELECT run_id, count(*) AS n FROM run_pairs WHERE run_id IN (?, ?) GROUP BY run_id",
        [first, second],
    )
    numbers = {row["run_id"]: row["n"] for row in counted}
    return PairDifference(
        same=shared["same"],
        turned=shared["turned"],
        changed=shared["n"] - shared["same"] - shared["turned"],
        only_first=numbers.get(first, 0) - shared["n"],
        only_second=numbers.get(second, 0) - shared["n"],
        moved=shared["moved"],
    )
