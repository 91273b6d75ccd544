"""The numbers behind the token view: what each token's colour means, on which scale, and what they add up to.

Qt-free. Everything is in nats. A token's log-ratio is log π_θ − log π_ref of it, given all before it; summed
over a response it is the response's log-ratio, and β · (chosen − rejected) is the pair's margin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from dpo_engine.token_scores.details import TokenDetail

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Mode = Literal["log_ratio", "policy", "reference", "share"]
MODES: tuple[Mode, ...] = ("log_ratio", "policy", "reference", "share")

_QUANTILE = 0.98
"""Of the sizes of all values: the ends of the scale are there unless the largest are not far off."""
_NOT_FAR = 1.5
_LEAST_LIMIT = 0.01
_PLACES = Decimal("0.001")


@dataclass(frozen=True, eq=False)
class SideTokens:
    """The tokens of one response with their log-probs as columns."""

    tokens: tuple[TokenDetail, ...]
    policy: Floats
    reference: Floats

    @staticmethod
    def of(tokens: Sequence[TokenDetail]) -> "SideTokens":
        return SideTokens(
            tuple(tokens),
            np.array([token.policy for token in tokens], dtype=np.float64),
            np.array([token.reference for token in tokens], dtype=np.float64),
        )

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def log_ratio(self) -> Floats:
        return self.policy - self.reference

    @property
    def total(self) -> float:
        """The response's log-ratio."""
        return math.fsum(self.log_ratio.tolist())


@dataclass(frozen=True, eq=False)
class PairTokens:
    chosen: SideTokens
    rejected: SideTokens

    def __len__(self) -> int:
        return len(self.chosen) + len(self.rejected)

    @property
    def sides(self) -> tuple[SideTokens, SideTokens]:
        return self.chosen, self.rejected

    def sums(self) -> tuple[float, float, float, float]:
        """Log-probs: policy chosen, policy rejected, reference chosen, reference rejected."""
        return (
            math.fsum(self.chosen.policy.tolist()),
            math.fsum(self.rejected.policy.tolist()),
            math.fsum(self.chosen.reference.tolist()),
            math.fsum(self.rejected.reference.tolist()),
        )


@dataclass(frozen=True, eq=False)
class Heat:
    """A value for each token of either response, NaN where it has none of its own, and their common scale."""

    chosen: Floats
    rejected: Floats
    limit: float
    """The scale's ends: ±limit, or 0 to −limit where no value is above 0."""
    signed: bool
    beyond: int
    """Values further out than the ends; they have the colour of an end."""
    furthest: float
    """The largest of them by size; 0 without any."""

    @property
    def sides(self) -> tuple[Floats, Floats]:
        return self.chosen, self.rejected


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The sum from tokens to margin in printed figures that add up as they stand."""

    chosen: Decimal
    rejected: Decimal
    difference: Decimal
    """chosen − rejected, to the last digit."""
    beta: Decimal
    margin: Decimal
    exact: bool
    """difference · beta is margin to the last digit; otherwise margin is rounded."""


def heat(pair: PairTokens, mode: Mode) -> Heat:
    """What is shown in this mode, on a scale that both responses share.

    `share` is each token's share in the log-ratios' difference (chosen − rejected): of tokens that stand in
    both responses in the same order the difference is shown with the chosen one, and the rejected one has
    none; the others of chosen count as they are, the others of rejected negatively. All of them add up to it.
    """
    match mode:
        case "log_ratio":
            chosen, rejected = pair.chosen.log_ratio, pair.rejected.log_ratio
        case "policy":
            chosen, rejected = pair.chosen.policy, pair.rejected.policy
        case "reference":
            chosen, rejected = pair.chosen.reference, pair.rejected.reference
        case "share":
            chosen, rejected = _shares(pair)
    signed = mode in ("log_ratio", "share")
    values = np.concatenate([chosen, rejected])
    values = values[np.isfinite(values)]
    sizes = np.abs(values)
    limit = _limit(sizes)
    beyond = int((sizes > limit).sum())
    furthest = float(values[np.argmax(sizes)]) if beyond else 0.0
    return Heat(chosen, rejected, limit, signed, beyond, furthest)


def partners(chosen: Sequence[int], rejected: Sequence[int]) -> tuple[Ints, Ints]:
    """For each token id of either response its place in the other one, −1 for one that only one has.

    By the longest sequence that both share.
    """
    of_chosen = np.full(len(chosen), -1, dtype=np.intp)
    of_rejected = np.full(len(rejected), -1, dtype=np.intp)
    for step in Indel.opcodes(list(chosen), list(rejected)):
        if step.tag == "equal":
            of_chosen[step.src_start : step.src_end] = np.arange(step.dest_start, step.dest_end)
            of_rejected[step.dest_start : step.dest_end] = np.arange(step.src_start, step.src_end)
    return of_chosen, of_rejected


def totals(chosen: float, rejected: float, beta: float) -> Totals:
    """Rounded so that the printed chosen − rejected is the printed difference.

    Each of the three is within a thousandth of its true value, the difference within half of one.
    """
    exact = [Decimal(value) for value in (chosen, rejected)]
    first, second = (value.quantize(_PLACES, ROUND_HALF_EVEN) for value in exact)
    difference = (exact[0] - exact[1]).quantize(_PLACES, ROUND_HALF_EVEN)
    missing = difference - (first - second)
    sign = 1 if missing > 0 else -1
    # The one whose rounding went further the wrong way gives the last digit.
    if missing and sign * (exact[0] - first) >= sign * (second - exact[1]):
        first += missing
    else:
        second -= missing
    strength = Decimal(f"{beta:.4g}")
    product = difference * strength
    margin = product.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
    return Totals(
        chosen=first,
        rejected=second,
        difference=difference,
        beta=strength,
        margin=margin,
        exact=margin == product,
    )


def _shares(pair: PairTokens) -> tuple[Floats, Floats]:
    chosen, rejected = pair.chosen.log_ratio.copy(), -pair.rejected.log_ratio
    ids = [[token.id for token in side.tokens] for side in pair.sides]
    of_chosen, of_rejected = partners(*ids)
    shared = of_chosen >= 0
    chosen[shared] += rejected[of_chosen[shared]]
    rejected[of_rejected >= 0] = np.nan
    return chosen, rejected


def _limit(sizes: Floats) -> float:
    """The scale's end for values of these sizes: round, and not stretched by a few that are far out."""
    if sizes.size == 0:
        return _LEAST_LIMIT
    ordered = np.sort(sizes)
    robust, largest = float(ordered[math.floor(_QUANTILE * (ordered.size - 1))]), float(ordered[-1])
    wanted = largest if largest <= _NOT_FAR * robust else robust
    if wanted <= _LEAST_LIMIT:
        return _LEAST_LIMIT
    unit = Decimal(10) ** (math.floor(math.log10(wanted)) - 1)
    return float(math.ceil(Decimal(repr(wanted)) / unit) * unit)
