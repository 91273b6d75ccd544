"""How what was written and said becomes rows of the project: work for the store's own thread. Qt-free."""

from dataclasses import dataclass

from app.annotate.drafts import Draft
from app.annotate.state import LastJudged
from app.store.collecting import comparisons, verdicts
from app.store.handle import Project
from app.store.records import Choice, Comparison, Side, Verdict
from app.store.rows import writing


@dataclass(frozen=True, kw_only=True)
class Said:
    """A verdict as it was given."""

    choice: Choice
    strength: int
    seconds: float
    """From both responses being there to the key press."""
    annotator: str
    edited: str | None = None
    """What the chosen response should have been."""


def keep(project: Project, draft: Draft, annotator: str) -> tuple[Comparison, int]:
    """The comparison that a draft became, and how many wait now."""
    return _comparison(project, draft, annotator), comparisons.waiting_count(project, fresh_only=True)


def judge(project: Project, comparison: Comparison, said: Said) -> LastJudged:
    verdict = verdicts.give_verdict(
        project,
        comparison.id,
        said.choice,
        strength=said.strength,
        annotator=said.annotator,
        seconds=said.seconds,
        edited=said.edited,
    )
    return LastJudged(comparison=comparison, verdict=verdict, winner=_winner(comparison, verdict, said))


def judge_draft(project: Project, draft: Draft, said: Said) -> LastJudged:
    """What is there of a draft becomes a comparison with its verdict, in one transaction."""
    with writing(project, "saving the verdict"):
        return judge(project, _comparison(project, draft, said.annotator), said)


def _comparison(project: Project, draft: Draft, annotator: str) -> Comparison:
    first, second = draft.responses
    if draft.replaces is not None:
        side: Side = "right" if draft.swapped else "left"
        return comparisons.add_side(project, draft.replaces, side, first.candidate(), annotator=annotator)
    pair = (first.candidate(), second.candidate())
    return comparisons.add_comparison(project, draft.prompt.id, pair, swapped=draft.swapped)


def _winner(comparison: Comparison, verdict: Verdict, said: Said) -> str:
    if verdict.choice not in ("left", "right"):
        return ""
    chosen = comparison.left if verdict.choice == "left" else comparison.right
    return chosen.text if said.edited is None else said.edited
