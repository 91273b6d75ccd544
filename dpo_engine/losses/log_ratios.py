"""The log-probs of some pairs, and the differences that losses and metrics are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PairLogProbs:
    """log π(y|x) summed over response tokens, and how many those are; each [pairs] float32, in nats.

    Where no loss asks for a reference, its two are zeros.
    """

    policy_chosen: Tensor
    policy_rejected: Tensor
    reference_chosen: Tensor
    reference_rejected: Tensor
    chosen_tokens: Tensor
    rejected_tokens: Tensor

    @property
    def pairs(self) -> int:
        return self.policy_chosen.shape[0]

    @property
    def chosen_log_ratio(self) -> Tensor:
        return self.policy_chosen - self.reference_chosen

    @property
    def rejected_log_ratio(self) -> Tensor:
        return self.policy_rejected - self.reference_rejected

    def margin(self, beta: float) -> Tensor:
        """[pairs]: β · (chosen log-ratio − rejected log-ratio)."""
        return beta * (self.chosen_log_ratio - self.rejected_log_ratio)

    def margin_per_token(self, beta: float) -> Tensor:
        """[pairs]: β · (chosen log-ratio / |y_w| − rejected log-ratio / |y_l|)."""
        return beta * (
            self.chosen_log_ratio / self.chosen_tokens - self.rejected_log_ratio / self.rejected_tokens
        )

    def at_reference(self) -> "PairLogProbs":
        """The same pairs as if the policy were its reference."""
        return replace(self, policy_chosen=self.reference_chosen, policy_rejected=self.reference_rejected)

    def detached(self) -> "PairLogProbs":
        return PairLogProbs(**{name: getattr(self, name).detach() for name in _NAMES})


_NAMES = tuple(entry.name for entry in fields(PairLogProbs))


def gathered(parts: Sequence[PairLogProbs]) -> PairLogProbs:
    """All pairs of `parts` in order, in float64 on the CPU, by a single transfer."""
    columns = torch.cat([torch.stack([getattr(part, name) for name in _NAMES]) for part in parts], dim=1)
    return PairLogProbs(**dict(zip(_NAMES, columns.cpu().double(), strict=True)))
