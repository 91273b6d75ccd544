"""Preference losses: pure functions of the four log-probs of each pair.

Notation: x the prompt, y_w the chosen and y_l the rejected response, π_θ the policy, π_ref the reference,
log-ratio = log π_θ(y|x) − log π_ref(y|x). Every loss gives one value a pair; means are taken by the caller,
over all pairs of an optimizer step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import logsigmoid

from dpo_engine.config import LossType, TrainConfig


@dataclass(frozen=True, kw_only=True)
class PairLogProbs:
    """log π(y|x) summed over response tokens, each [pairs] float32, in nats."""

    policy_chosen: Tensor
    policy_rejected: Tensor
    reference_chosen: Tensor
    reference_rejected: Tensor

    @property
    def chosen_log_ratio(self) -> Tensor:
        return self.policy_chosen - self.reference_chosen

    @property
    def rejected_log_ratio(self) -> Tensor:
        return self.policy_rejected - self.reference_rejected

    def margin(self, beta: float) -> Tensor:
        """[pairs]: β · (chosen log-ratio − rejected log-ratio)."""
        return beta * (self.chosen_log_ratio - self.rejected_log_ratio)


PairLoss = Callable[[PairLogProbs, TrainConfig], Tensor]


def sigmoid(log_probs: PairLogProbs, *, beta: float, label_smoothing: float = 0.0) -> Tensor:
    """[pairs]: −(1−ε) · log σ(m) − ε · log σ(−m), with m the margin and ε the label smoothing.

    ε = 0 is DPO (Rafailov et al., arXiv 2305.18290, equation 7), ε > 0 conservative DPO, which takes a share
    ε of the verdicts to be wrong (Mitchell, "A note on DPO with noisy preferences", 2023, equation 3).
    """
    margin = log_probs.margin(beta)
    return -(1 - label_smoothing) * logsigmoid(margin) - label_smoothing * logsigmoid(-margin)


def _sigmoid(log_probs: PairLogProbs, config: TrainConfig) -> Tensor:
    return sigmoid(log_probs, beta=config.beta, label_smoothing=config.label_smoothing)


LOSSES: Mapping[LossType, PairLoss] = {"sigmoid": _sigmoid}
"""Every loss by its config name, with the settings it takes from the config."""
