"""Metrics under TRL's names, as means over all pairs of an optimizer step (or of a held-out round).

Micro-batches only add pairs here; the figures are computed from all of them when they are read, so they are
the same whether eight pairs went through the model together or one by one.
"""

import math
import statistics
from collections import deque

import torch
from torch import Tensor

from dpo_engine.losses import Loss, PairLogProbs
from dpo_engine.losses.log_ratios import gathered


class PairMeans:
    """Collects the log-probs of batches on the device; reading them is the only wait for it."""

    def __init__(self) -> None:
        self._parts: list[PairLogProbs] = []
        self._gathered: PairLogProbs | None = None
        self._loss: Loss | None = None

    def add(self, log_probs: PairLogProbs, loss: Loss) -> None:
        """`loss` is that of the run, the same one in every call."""
        self._parts.append(log_probs.detached())
        self._gathered = None
        self._loss = loss

    @property
    def pairs(self) -> int:
        return sum(part.pairs for part in self._parts)

    def log_probs(self) -> PairLogProbs:
        """Those of every pair added, in the order they came, in float64 on the CPU."""
        if self._gathered is None:
            self._gathered = gathered(self._parts)
        return self._gathered

    def means(self, prefix: str = "") -> dict[str, float]:
        """Name -> mean over every pair added; nothing before the first one."""
        if self._loss is None:
            return {}
        figures = pair_figures(self.log_probs(), self._loss)
        means = torch.stack(list(figures.values())).mean(dim=1).tolist()
        return {prefix + name: value for name, value in zip(figures, means, strict=True)}


def pair_figures(log_probs: PairLogProbs, loss: Loss) -> dict[str, Tensor]:
    """What is reported of each pair, by name, [pairs].

    `loss`, and `loss/NAME` for each part of a mix, before its weight; `rewards/…` as the loss defines them,
    their difference and whether that is above zero; `logps/…`, log π_θ(y|x) summed over tokens. Beside the
    sums `…_per_token` divides each response by its own tokens, so that a long one does not outweigh a short
    one; `rewards/margins_per_token` is of log-ratios, and left out where there is no reference.
    """
    chosen, rejected = loss.rewards(log_probs)
    figures = {
        "loss": loss(log_probs),
        "rewards/chosen": chosen,
        "rewards/rejected": rejected,
        "rewards/margins": chosen - rejected,
        "rewards/accuracies": (chosen > rejected).to(chosen.dtype),
        "logps/chosen": log_probs.policy_chosen,
        "logps/rejected": log_probs.policy_rejected,
        "logps/chosen_per_token": log_probs.policy_chosen / log_probs.chosen_tokens,
        "logps/rejected_per_token": log_probs.policy_rejected / log_probs.rejected_tokens,
    }
    if loss.needs_reference:
        figures["rewards/margins_per_token"] = log_probs.margin_per_token(loss.beta)
    return figures | {f"loss/{name}": part for name, part in loss.parts(log_probs).items()}


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
