"""All that is looked for in a run's curves, the most important first. Qt-free."""

from collections.abc import Callable

from app.train.curves import Columns
from app.train.health.answers import distance, length, repetition
from app.train.health.curves import Curves
from app.train.health.finding import Finding, Level, RunFacts
from app.train.health.generalising import memorised
from app.train.health.gradients import skipped, spikes
from app.train.health.likelihoods import both_fall
from app.train.health.saturation import saturated
from app.train.health.stuck import stuck

Rule = Callable[[Curves], Finding | None]

RULES: tuple[Rule, ...] = (
    skipped,
    stuck,
    repetition,
    distance,
    both_fall,
    memorised,
    spikes,
    length,
    saturated,
)
_LEVELS: tuple[Level, ...] = ("warning", "notice", "quiet")


def judge(curves: Columns, run: RunFacts) -> tuple[Finding, ...]:
    """What the curves show, warnings first; empty where there is nothing to say (yet).

    Takes a millisecond or two for a run of any length, so it can be asked after every step.
    """
    seen = Curves(curves, run)
    found = [finding for rule in RULES if (finding := rule(seen)) is not None]
    return tuple(sorted(found, key=lambda finding: _LEVELS.index(finding.level)))
