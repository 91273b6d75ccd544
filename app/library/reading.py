"""Everything about one row, for reading: texts, where they come from, and what was ever said. Qt-free."""

from dataclasses import dataclass
from typing import Literal

from app.store.collecting import comparisons, prompts, verdicts
from app.store.collecting.standing import other_side
from app.store.errors import NoSuchRow
from app.store.handle import Project
from app.store.records import Candidate, Choice, Comparison, Prompt, Purpose, Verdict
from app.store.rows import read

What = Literal["given", "superseded", "undone", "redone"]


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One line of a row's history."""

    at: str
    what: What
    annotator: str
    choice: Choice
    """In terms of the sides of the row, also where the sides stood swapped when it was asked again."""
    strength: int
    seconds: float
    purpose: Purpose
    edited: bool
    imported: bool
    stands: bool
    """It was given and is this annotator's answer to this day."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    key: int
    prompt: Prompt
    comparison: Comparison | None
    verdict: Verdict | None
    """The one that counts."""
    choice: Choice | None
    """What it comes to, in terms of the comparison's own sides."""
    edited: Candidate | None
    """What a person made of the chosen response."""
    history: tuple[Happening, ...]
    """Oldest first, with what was asked again."""


def load(project: Project, key: int) -> Reading:
    """Raises `NoSuchRow`, other `StoreError`s as they come."""
    if key < 0:
        return Reading(
            key=key,
            prompt=prompts.get(project, -key),
            comparison=None,
            verdict=None,
            choice=None,
            edited=None,
            history=(),
        )
    comparison = comparisons.get(project, key)
    verdict = verdicts.verdict_of(project, key)
    edited = None
    if verdict is not None and verdict.edited_id is not None:
        edited = comparisons.candidate(project, verdict.edited_id)
    return Reading(
        key=key,
        prompt=comparison.prompt,
        comparison=comparison,
        verdict=verdict,
        choice=_choice(project, key),
        edited=edited,
        history=_history(project, comparison),
    )


def _choice(project: Project, comparison_id: int) -> Choice | None:
    rows = read(
        project, "reading the verdict", "SELECT choice FROM comparisons WHERE id = ?", [comparison_id]
    )
    if not rows:
        raise NoSuchRow(f"There is no comparison {comparison_id} in this project.")
    choice: Choice | None = rows[0]["choice"]
    return choice


def _history(project: Project, comparison: Comparison) -> tuple[Happening, ...]:
    rows = read(
        project,
        "reading the history",
        """
        SELECT happened.at, happened.event, verdicts.annotator, verdicts.choice, verdicts.strength,
            verdicts.seconds, verdicts.edited_id IS NOT NULL AS edited, verdicts.imported,
            about.purpose, about.left_id <> :left AS swapped, standing.verdict_id IS NOT NULL AS stands
        FROM comparisons AS about
        JOIN verdicts ON verdicts.comparison_id = about.id
        JOIN verdict_history AS happened ON happened.verdict_id = verdicts.id
        LEFT JOIN standing ON standing.comparison_id = about.id AND standing.annotator = verdicts.annotator
            AND standing.verdict_id = verdicts.id
        WHERE about.id = :id OR (about.of_id = :id AND about.state = 'answered')
        ORDER BY happened.id
        """,
        {"id": comparison.id, "left": comparison.left.id},
    )
    return tuple(
        Happening(
            at=row["at"],
            what=row["event"],
            annotator=row["annotator"],
            choice=other_side(row["choice"]) if row["swapped"] else row["choice"],
            strength=row["strength"],
            seconds=row["seconds"],
            purpose=row["purpose"],
            edited=bool(row["edited"]),
            imported=bool(row["imported"]),
            stands=bool(row["stands"]) and row["event"] in ("given", "redone"),
        )
        for row in rows
    )
