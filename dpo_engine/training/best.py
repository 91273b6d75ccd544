"""Which held-out check of a run was the best one, and how long nothing better has come."""

import dataclasses
from dataclasses import dataclass

from dpo_engine.config import BestBy


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best held-out check so far. The policy before its first step does not take part: it is what the
    run was started to better."""

    step: int = 0
    """0: there was none yet."""
    value: float | None = None
    checks_since: int = 0
    """Checks in a row that brought nothing better."""

    def after(self, step: int, value: float | None, by: BestBy) -> "Best":
        """With the check of `step`; `value` is None where the figure was not finite. A tie is not better."""
        if value is not None and (self.value is None or is_better(value, self.value, by)):
            return Best(step=step, value=value)
        return dataclasses.replace(self, checks_since=self.checks_since + 1)


def is_better(value: float, than: float, by: BestBy) -> bool:
    """A loss is better when it is smaller, margins and accuracies when they are larger."""
    return value < than if by == "eval_loss" else value > than
