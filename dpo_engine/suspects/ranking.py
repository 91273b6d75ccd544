"""From out-of-fold scores to the order in which verdicts are worth asking again. Torch-free."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dpo_engine.pair_math import PairScore, probability


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One pair under the policy that was not trained on it."""

    pair: str
    fold: int
    margin: float
    """β times the difference of the log-ratios; below 0 the policy prefers the rejected response."""
    probability: float
    """σ(margin), that the chosen response is the better one."""
    standing: float
    """What the pairs are ordered by; see `standing_of`."""
    rank: int
    """1 is the most suspect."""


def standing_of(score: PairScore) -> float:
    """The difference of the log-ratios over the square root of the tokens; the lower the more suspect.

    A log-ratio is a sum over tokens, so that of two pairs about which a policy is equally unsure the longer
    one has the larger margin of either sign: about √tokens times as large where the tokens' own differences
    are independent. By the margin itself the longest pairs would come first, whatever was said of them.
    """
    difference = score.chosen_log_ratio - score.rejected_log_ratio
    return difference / math.sqrt(max(1, score.chosen_tokens + score.rejected_tokens))


def ranked(folds: Iterable[tuple[int, Sequence[PairScore]]], beta: float) -> list[Ranked]:
    """Every pair of these (fold, scores), the most suspect first; of equals the one that came first."""
    scored = [(standing_of(score), fold, score) for fold, scores in folds for score in scores]
    scored.sort(key=lambda one: one[0])
    return [
        Ranked(
            pair=score.pair,
            fold=fold,
            margin=score.margin(beta),
            probability=probability(score.margin(beta)),
            standing=standing,
            rank=rank,
        )
        for rank, (standing, fold, score) in enumerate(scored, start=1)
    ]
