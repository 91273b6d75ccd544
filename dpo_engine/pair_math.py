"""The arithmetic of one pair: from four log-probs to reward, margin, probability, loss and case.

Plain floats and no torch, so that the app recomputes the figures of a pair for another β without the
engine. Symbols: y_w the chosen, y_l the rejected response, x the prompt.
Source: Rafailov et al., "Direct Preference Optimization", arXiv 2305.18290, equations 5 and 7.
"""

import math
from dataclasses import dataclass
from typing import Literal

Case = Literal["learned", "undecided", "against"]

UNDECIDED_BELOW = math.log(1.5)
"""|margin| under which a pair counts as undecided: a preference of less than 60 : 40 either way."""


@dataclass(frozen=True, kw_only=True)
class TokenScore:
    """One scored token of a response: its text and log-prob under policy and reference."""

    text: str
    id: int
    policy: float
    reference: float


@dataclass(frozen=True, kw_only=True)
class PairScore:
    """Sums of log-probs over response tokens (nats), float32 accuracy, and how many tokens were scored."""

    pair: str
    """The pair's id in its file or project."""
    split: Literal["train", "held_out"]
    policy_chosen_logp: float
    policy_rejected_logp: float
    reference_chosen_logp: float
    reference_rejected_logp: float
    chosen_tokens: int
    rejected_tokens: int
    truncated: bool = False
    chosen_token_scores: tuple[TokenScore, ...] = ()
    rejected_token_scores: tuple[TokenScore, ...] = ()

    @property
    def chosen_log_ratio(self) -> float:
        """log π_θ(y_w|x) − log π_ref(y_w|x)."""
        return self.policy_chosen_logp - self.reference_chosen_logp

    @property
    def rejected_log_ratio(self) -> float:
        """log π_θ(y_l|x) − log π_ref(y_l|x)."""
        return self.policy_rejected_logp - self.reference_rejected_logp

    def margin(self, beta: float) -> float:
        """β · (chosen log-ratio − rejected log-ratio)."""
        return beta * (self.chosen_log_ratio - self.rejected_log_ratio)


def log_sigmoid(x: float) -> float:
    """log σ(x), without overflow for any finite x."""
    return -math.log1p(math.exp(-x)) if x >= 0 else x - math.log1p(math.exp(x))


def probability(margin: float) -> float:
    """Bradley–Terry probability that y_w is preferred: σ(margin)."""
    return math.exp(log_sigmoid(margin))


def sigmoid_loss(margin: float) -> float:
    """−log σ(margin); ln 2 where policy and reference agree."""
    return -log_sigmoid(margin)


def case(margin: float) -> Case:
    """Which of the three cases a pair is in: preferred ≫, ≈ or ≪ dispreferred, against the reference."""
    if abs(margin) < UNDECIDED_BELOW:
        return "undecided"
    return "learned" if margin > 0 else "against"
