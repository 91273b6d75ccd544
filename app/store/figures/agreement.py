"""How far annotators agree, what they dispute, and asking again, blind, to settle it.

Answers are nominal: left, right, tie, both bad, in terms of the comparison's own sides; skips are none.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from app.store.collecting.asking_again import again
from app.store.collecting.standing import SETTLING
from app.store.figures.coefficients import (
    DRAWS,
    MISSING,
    Agreement,
    Codes,
    cohen_kappa,
    krippendorff_alpha,
)
from app.store.handle import Project
from app.store.records import Choice
from app.store.rows import ids_to_json, now, read, writing
from app.store.undo.changes import Change
from app.store.undo.journal import record

ANSWERS: tuple[Choice, ...] = ("left", "right", "tie", "both_bad")


@dataclass(frozen=True)
class PairAgreement:
    """Two annotators over the comparisons that both answered."""

    first: str
    second: str
    kappa: Agreement
    same: int
    """How many got the same answer from both."""


@dataclass(frozen=True)
class Between:
    """Everybody's agreement, and each two annotators' own."""

    annotators: tuple[str, ...]
    alpha: Agreement
    pairs: tuple[PairAgreement, ...]


@dataclass(frozen=True)
class Dispute:
    """A comparison whose annotators prefer different sides."""

    comparison_id: int
    answers: tuple[tuple[str, Choice], ...]
    """(annotator, answer), by name."""
    asked: bool
    """It waits to be settled already."""


def between(project: Project, *, draws: int = DRAWS) -> Between:
    """Agreement over every comparison that at least two annotators answered, imported answers included."""
    rows = read(
        project,
        "comparing the annotators",
        """
        SELECT standing.comparison_id AS item, standing.annotator AS annotator, verdicts.choice AS choice
        FROM (
            SELECT comparison_id FROM standing GROUP BY comparison_id HAVING count(*) > 1
        ) AS shared
        CROSS JOIN comparisons ON comparisons.id = shared.comparison_id
        CROSS JOIN standing ON standing.comparison_id = shared.comparison_id
        CROSS JOIN verdicts ON verdicts.id = standing.verdict_id
        WHERE purpose = 'collect' AND deleted_at IS NULL AND verdicts.choice <> 'skip'
        """,
    )
    names = sorted({row["annotator"] for row in rows})
    items = {item: column for column, item in enumerate(dict.fromkeys(row["item"] for row in rows))}
    codes: Codes = np.full((len(names), len(items)), MISSING, np.int8)
    line = {name: number for number, name in enumerate(names)}
    for row in rows:
        codes[line[row["annotator"]], items[row["item"]]] = ANSWERS.index(row["choice"])
    pairs = [
        _pair(names[one], names[other], codes[one], codes[other], draws)
        for one in range(len(names))
        for other in range(one + 1, len(names))
    ]
    return Between(
        annotators=tuple(names),
        alpha=krippendorff_alpha(codes, draws=draws),
        pairs=tuple(pair for pair in pairs if pair.kappa.items),
    )


def disputes(project: Project, *, any_difference: bool = False) -> list[Dispute]:
    """Comparisons in dispute, oldest first; with `any_difference` all on which two answers differ."""
    disputed = """
        SELECT id FROM comparisons WHERE disputed = 1 AND purpose = 'collect' AND deleted_at IS NULL
    """
    different = f"""
        SELECT standing.comparison_id AS id FROM standing JOIN verdicts ON verdicts.id = standing.verdict_id
        JOIN comparisons ON comparisons.id = standing.comparison_id
        WHERE verdicts.choice <> 'skip' AND purpose = 'collect' AND deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM comparisons AS again JOIN standing AS final ON final.comparison_id = again.id
            WHERE again.of_id = comparisons.id AND again.purpose IN {SETTLING} AND again.deleted_at IS NULL
        )
        GROUP BY standing.comparison_id HAVING min(verdicts.choice) <> max(verdicts.choice)
    """  # noqa: S608 (a text of `standing`)
    rows = read(
        project,
        "reading the disputes",
        f"""
        SELECT found.id AS id, standing.annotator AS annotator, verdicts.choice AS choice, EXISTS (
            SELECT 1 FROM comparisons AS again WHERE again.of_id = found.id AND again.purpose = 'settle'
                AND again.state IN ('waiting', 'shown') AND again.deleted_at IS NULL
        ) AS asked
        FROM ({different if any_difference else disputed}) AS found
        JOIN standing ON standing.comparison_id = found.id JOIN verdicts ON verdicts.id = standing.verdict_id
        WHERE verdicts.choice <> 'skip' ORDER BY found.id, standing.annotator
        """,  # noqa: S608 (one of two texts of this function)
    )
    answers: dict[int, list[tuple[str, Choice]]] = defaultdict(list)
    for row in rows:
        answers[row["id"]].append((row["annotator"], row["choice"]))
    asked = {row["id"] for row in rows if row["asked"]}
    return [Dispute(key, tuple(said), key in asked) for key, said in answers.items()]


def ask_again(
    project: Project,
    comparison_ids: Sequence[int],
    annotator: str,
    *,
    purpose: Literal["settle", "second_look"] = "settle",
    rng: Random | None = None,
) -> int:
    """Have the annotator judge comparisons again, sides drawn anew, nobody's verdict shown; how many.

    The answer is what counts from then on, above everybody's. Of one that asks again itself, its original is
    asked. What waits to be asked so already is left as it is. One act, which undo takes back. Raises
    `NoSuchRow` for one that is none or deleted; then none is asked.
    """
    draw = rng or Random()  # noqa: S311 (no secret)
    with writing(project, "asking again") as db:
        waiting = {
            of_id
            for (of_id,) in db.execute(
                """
                SELECT of_id FROM comparisons WHERE purpose = ? AND purpose <> 'collect' AND asked_of = ?
                    AND state IN ('waiting', 'shown') AND deleted_at IS NULL
                """,
                [purpose, annotator],
            )
        }
        first = dict(
            db.execute(
                "SELECT id, of_id FROM comparisons WHERE of_id IS NOT NULL "
                "AND id IN (SELECT value FROM json_each(?))",
                [ids_to_json(comparison_ids)],
            )
        )
        originals = dict.fromkeys(first.get(one, one) for one in comparison_ids)
        wanted = [one for one in originals if one not in waiting]
        made = [again(db, one, purpose, annotator, other_sides=draw.random() < 0.5) for one in wanted]
        if made:
            moment = now()
            number = "1 comparison" if len(made) == 1 else f"{len(made):,} comparisons"
            record(
                db,
                annotator=annotator,
                kind="ask_again",
                label=f"asking {number} again",
                changes=[Change("comparisons", one, "deleted_at", moment, None) for one in made],
                comparison_id=made[0] if len(made) == 1 else None,
            )
    return len(made)


def _pair(first: str, second: str, one: Codes, other: Codes, draws: int) -> PairAgreement:
    both = (one != MISSING) & (other != MISSING)
    kappa = cohen_kappa(one[both], other[both], draws=draws)
    return PairAgreement(first, second, kappa, int((one[both] == other[both]).sum()))
