"""From four log-probs and β to every figure of a pair, for all pairs at once. Qt-free, torch-free.

The same arithmetic as `dpo_engine.pair_math`, which is its specification, on numpy columns: one entry a
pair, in nats unless said otherwise. Source: Rafailov et al., arXiv 2305.18290, equations 5 and 7.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpo_engine.pair_math import UNDECIDED_BELOW, Case

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CASES: tuple[Case, ...] = ("learned", "undecided", "against")
"""A pair's case is stored as its place in this tuple."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LogProbs:
    """Sums of log-probs over the response tokens, one entry a pair."""

    policy_chosen: Floats
    policy_rejected: Floats
    reference_chosen: Floats
    reference_rejected: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Figures:
    """What follows from the log-probs at one β, one entry a pair."""

    beta: float
    chosen_log_ratio: Floats
    rejected_log_ratio: Floats
    chosen_reward: Floats
    rejected_reward: Floats
    margin: Floats
    probability: Floats
    """0 to 1."""
    loss: Floats
    case: Ints
    """Places in `CASES`."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Means over some pairs; None where there is no pair to take a mean of."""

    pairs: int
    mean_margin: float | None
    accuracy: float | None
    """Share of margins above 0."""
    mean_loss: float | None
    cases: dict[Case, int]


def figures(log_probs: LogProbs, beta: float) -> Figures:
    """Every figure of every pair at this β."""
    chosen = log_probs.policy_chosen - log_probs.reference_chosen
    rejected = log_probs.policy_rejected - log_probs.reference_rejected
    margin = beta * (chosen - rejected)
    log_probability = -np.logaddexp(0.0, -margin)
    return Figures(
        beta=beta,
        chosen_log_ratio=chosen,
        rejected_log_ratio=rejected,
        chosen_reward=beta * chosen,
        rejected_reward=beta * rejected,
        margin=margin,
        probability=np.exp(log_probability),
        # Adding 0.0 turns the -0.0 of a certain preference into 0.0.
        loss=-log_probability + 0.0,
        case=np.where(np.abs(margin) < UNDECIDED_BELOW, 1, np.where(margin > 0, 0, 2)).astype(np.int64),
    )


def summarise(computed: Figures, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Summary:
    """The means and case counts of the chosen rows (places or a mask)."""
    margin, loss = computed.margin[rows], computed.loss[rows]
    counts = np.bincount(computed.case[rows], minlength=len(CASES))
    some = margin.size > 0
    return Summary(
        pairs=int(margin.size),
        mean_margin=float(margin.mean()) if some else None,
        accuracy=float((margin > 0).mean()) if some else None,
        mean_loss=float(loss.mean()) if some else None,
        cases={name: int(count) for name, count in zip(CASES, counts, strict=True)},
    )
