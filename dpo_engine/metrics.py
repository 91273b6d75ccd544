"""Metrics under TRL's names, as means over all pairs of an optimizer step (or of a held-out round).

Micro-batches only add to sums here; the division comes last, so the figures are the same whether eight
pairs went through the model together or one by one.
"""

import math
import statistics
from collections import deque

import torch
from torch import Tensor

from dpo_engine.losses import PairLogProbs

NAMES = (
    "loss",
    "rewards/chosen",
    "rewards/rejected",
    "rewards/margins",
    "rewards/accuracies",
    "logps/chosen",
    "logps/rejected",
)
"""Means over pairs: the loss; β · log-ratio of each side, their difference, and the share of pairs in which
it is above zero; log π_θ(y|x) of each side, summed over tokens."""


class PairMeans:
    """Collects the figures of batches on the device; reading them is the only wait for it."""

    def __init__(self) -> None:
        self._parts: list[Tensor] = []

    @torch.no_grad()
    def add(self, log_probs: PairLogProbs, losses: Tensor, beta: float) -> None:
        chosen = beta * log_probs.chosen_log_ratio
        rejected = beta * log_probs.rejected_log_ratio
        columns = (
            losses,
            chosen,
            rejected,
            chosen - rejected,
            (chosen > rejected).float(),
            log_probs.policy_chosen,
            log_probs.policy_rejected,
        )
        self._parts.append(torch.stack([column.detach() for column in columns]))

    @property
    def pairs(self) -> int:
        return sum(part.shape[1] for part in self._parts)

    def means(self, prefix: str = "") -> dict[str, float]:
        """Name -> mean over every pair added, computed in float64."""
        means = torch.cat(self._parts, dim=1).cpu().double().mean(dim=1)
        return {prefix + name: value for name, value in zip(NAMES, means.tolist(), strict=True)}

    def largest_margin(self) -> float:
        """max |reward margin| over the pairs."""
        row = NAMES.index("rewards/margins")
        return float(torch.cat(self._parts, dim=1)[row].abs().max())


def only_finite(metrics: dict[str, float]) -> dict[str, float]:
    """Without NaN and infinities, which JSON has no word for."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


class StepClock:
    """How long the rest takes, from the running median of the last steps' seconds."""

    def __init__(self, window: int = 20) -> None:
        self._seconds: deque[float] = deque(maxlen=window)

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)

    def seconds_left(self, steps_left: int) -> float:
        return statistics.median(self._seconds) * steps_left if self._seconds else 0.0
