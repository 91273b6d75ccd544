"""A run's curves as the rules look at them: the last stretch, the first value, the way back. Qt-free.

A step's metrics are means over its few pairs, so every rule looks at the mean of a stretch: one pass over
the training pairs, but at least 4 and at most 50 steps. That is as many pairs as there are to compare, and
at 50 steps of 4 pairs the mean's own error is a fourteenth of a pair's spread.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.train.curves import Columns
from app.train.health.finding import Action, KeepStep, RunFacts, StartAgain
from dpo_engine.loss_mix import REFERENCE_FREE
from dpo_engine.recommendations import resolved

Floats = NDArray[np.float64]

SHORTEST, LONGEST = 4, 50
_NONE: Floats = np.empty(0)
_LOOKED_BACK = 5000
"""Steps: so far back it is asked since when something is so."""


class Curves:
    """Columns by metric name, with the facts of their run."""

    def __init__(self, columns: Columns, facts: RunFacts) -> None:
        self._columns = columns
        self.facts = facts
        config = facts.config
        batch = config.per_device_train_batch_size * config.gradient_accumulation_steps
        passed = math.ceil(facts.train_pairs / batch) if facts.train_pairs else LONGEST
        self.stretch = min(LONGEST, max(SHORTEST, passed))
        """Steps that are averaged."""
        self.pairs_in_stretch = min(self.stretch * batch, facts.train_pairs or self.stretch * batch)

    @property
    def beta(self) -> float:
        return self.facts.config.beta

    @property
    def has_reference(self) -> bool:
        """The rewards are β · log-ratio."""
        return self.facts.config.loss_type not in REFERENCE_FREE

    @property
    def learning_rate(self) -> float:
        """At its highest."""
        return resolved(self.facts.config, self.facts.train_pairs).learning_rate or 0.0

    @property
    def step(self) -> int:
        """The last step that was measured; 0 before the first one."""
        steps = self.steps("learning_rate")
        return int(steps[-1]) if len(steps) else 0

    def steps(self, name: str) -> Floats:
        return self._columns[name][0] if name in self._columns else _NONE

    def values(self, name: str) -> Floats:
        return self._columns[name][1] if name in self._columns else _NONE

    def last(self, name: str) -> float | None:
        values = self.values(name)
        return float(values[-1]) if len(values) else None

    def at_start(self, name: str) -> float | None:
        """The value before the first step."""
        steps = self.steps(name)
        return float(self.values(name)[0]) if len(steps) and steps[0] == 0 else None

    def recent(self, name: str) -> float | None:
        """The mean of the last stretch; None until there is a whole one."""
        values = self.values(name)
        return float(values[-self.stretch :].mean()) if len(values) >= self.stretch else None

    def tokens(self, side: str) -> float | None:
        """About how many tokens such a response has: the mean of the sums over the mean per token."""
        total, each = self.recent(f"logps/{side}"), self.recent(f"logps/{side}_per_token")
        return total / each if total and each else None

    def change_per_token(self, side: str) -> float | None:
        """How far log π_θ(y|x) is from the reference's, in nats a token: reward / β / tokens."""
        reward, tokens = self.recent(f"rewards/{side}"), self.tokens(side)
        return reward / self.beta / tokens if reward is not None and tokens else None

    def smoothed(self, name: str) -> tuple[Floats, Floats]:
        """Steps and the means of the stretches that end there, of the last few thousand steps."""
        steps, values = self.steps(name)[-_LOOKED_BACK:], self.values(name)[-_LOOKED_BACK:]
        if len(values) < self.stretch:
            return _NONE, _NONE
        sums = np.cumsum(np.concatenate(([0.0], values)))
        means = (sums[self.stretch :] - sums[: -self.stretch]) / self.stretch
        return steps[self.stretch - 1 :], means

    def epoch_at(self, step: int) -> float | None:
        """Passes over the pairs that were done after `step`."""
        steps = self.steps("epoch")
        if not len(steps):
            return None
        return float(self.values("epoch")[min(int(np.searchsorted(steps, step)), len(steps) - 1)])

    def back_to(self, step: int, otherwise: Action | None) -> Action | None:
        """Keep the newest checkpoint up to `step`; where there is none, `otherwise`. Nothing to do where the
        run's result is from before then already."""
        facts = self.facts
        if facts.policy_step is not None and facts.policy_step <= step and not facts.trains:
            return None
        kept = [one for one in facts.checkpoints if one <= step]
        return KeepStep(step=kept[-1], stops=facts.trains) if kept else otherwise

    def gentler(self) -> StartAgain:
        """The next thing to try where a policy went too far: the chosen responses' own likelihood beside the
        verdicts, which kept the text whole where `recommendations` measured it; else half the rate."""
        config = self.facts.config
        if config.loss_mix is None and config.loss_type != "orpo":
            return StartAgain(changes={"loss_mix": "sft 0.4"})
        return self.slower()

    def slower(self) -> StartAgain:
        return StartAgain(changes={"learning_rate": float(f"{self.learning_rate / 2:.2g}")})


def last_within(steps: Floats, values: Floats, limit: float) -> int:
    """The last step at which the values were still at most `limit`; 0 where they never were."""
    within = np.flatnonzero(values <= limit)
    return int(steps[within[-1]]) if len(within) else 0


def first_of_the_end(steps: Floats, holds: Sequence[bool] | NDArray[np.bool_]) -> int:
    """From which step on it held without a break until the end."""
    failing = np.flatnonzero(~np.asarray(holds, dtype=bool))
    place = int(failing[-1]) + 1 if len(failing) else 0
    return int(steps[min(place, len(steps) - 1)])
