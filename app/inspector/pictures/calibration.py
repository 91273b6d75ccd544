"""Whether the policy is as sure as it may be: how often held-out verdicts agree with it. Qt-free.

A verdict is always for its own chosen response, so σ(margin) alone has nothing to be right or wrong about.
A pair is therefore folded: the policy's choice is the response that its margin favours, its confidence in
that choice is σ(|margin|), from 0.5 to 1, and it is right when the person chose the same. That is the
reliability diagram of top-label confidence for two classes. It says the same as taking every pair both ways
round, but counts each verdict once, so that its intervals are honest. A margin of exactly 0 is no choice:
such pairs are counted and left out. Pairs picked by the sign of their margin agree, or not, by construction:
calibration is never that of such a pick.

Sources: C. Guo et al. (2017), On calibration of modern neural networks, arXiv 1706.04599, sections 2 and 4;
bins of equally many verdicts after J. Nixon et al. (2019), Measuring calibration in deep learning,
arXiv 1904.01685.
"""

import math
from dataclasses import dataclass

import numpy as np

from app.inspector.figures import Floats, Ints
from app.inspector.pictures.equal_bins import starts_of_bins
from app.store.figures.intervals import Interval, wilson

ENOUGH = 30
"""Verdicts below which nothing is said about calibration: one bin's interval is then wider than ± 17 %."""
_MOST_BINS, _LEAST_IN_BIN = 10, 15


@dataclass(frozen=True, kw_only=True)
class Bin:
    verdicts: int
    low: float
    """The smallest confidence in it; the next bin's is the end."""
    confidence: float
    """Mean over its verdicts."""
    agreement: float
    """Share of verdicts that chose as the policy would."""
    interval: Interval
    """Of the agreement, Wilson, 95 %."""


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Of at least one verdict."""

    verdicts: int
    confidence: float
    agreement: float
    interval: Interval
    error: float
    """Expected calibration error: Σ over bins of share of verdicts · |agreement - confidence|."""
    error_by_chance: float
    """What `error` would be on average for a perfectly calibrated policy with these bins: the mean distance
    of a normal variable from its mean is √(2/π) standard deviations."""
    bins: tuple[Bin, ...]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    held_out: int
    """Held-out pairs, those without a choice included."""
    overall: Reliability | None
    better: Reliability | None
    """Verdicts that said better; None, as below, unless both kinds are there in number."""
    much_better: Reliability | None

    @property
    def verdicts(self) -> int:
        return self.overall.verdicts if self.overall else 0


def calibration(margin: Floats, strength: Ints) -> Calibration:
    """Of held-out pairs; `strength` 1 better, 2 or 3 much better, 0 not known."""
    decided = margin != 0
    kinds = [decided & (strength == 1), decided & (strength >= 2)]
    split = all(np.count_nonzero(kind) >= ENOUGH for kind in kinds)
    better, much_better = (reliability(margin[kind]) if split else None for kind in kinds)
    return Calibration(
        held_out=len(margin),
        overall=reliability(margin[decided]) if decided.any() else None,
        better=better,
        much_better=much_better,
    )


def confidence_of(margin: Floats) -> Floats:
    """σ(|margin|), the policy's probability for the response that it favours: 0.5 to 1."""
    confidence: Floats = 1 / (1 + np.exp(-np.abs(margin)))
    return confidence


def reliability(margin: Floats) -> Reliability:
    """`margin`: at least one, none of them 0."""
    confidence = confidence_of(margin)
    order = np.argsort(confidence)
    confidence, right = confidence[order], (margin > 0)[order]
    starts = starts_of_bins(confidence, max(1, min(_MOST_BINS, len(margin) // _LEAST_IN_BIN)))
    ends = np.append(starts[1:], len(margin))
    bins = tuple(
        _bin(confidence[start:end], int(right[start:end].sum()))
        for start, end in zip(starts, ends, strict=True)
    )
    weights = [one.verdicts / len(margin) for one in bins]
    hits = int(right.sum())
    chance = [
        weight * math.sqrt(2 / math.pi * float((part * (1 - part)).sum())) / one.verdicts
        for weight, one, part in zip(weights, bins, np.split(confidence, starts[1:]), strict=True)
    ]
    return Reliability(
        verdicts=len(margin),
        confidence=float(confidence.mean()),
        agreement=hits / len(margin),
        interval=wilson(hits, len(margin)),
        error=sum(
            weight * abs(one.agreement - one.confidence) for weight, one in zip(weights, bins, strict=True)
        ),
        error_by_chance=sum(chance),
        bins=bins,
    )


def _bin(confidence: Floats, hits: int) -> Bin:
    verdicts = len(confidence)
    return Bin(
        verdicts=verdicts,
        low=float(confidence[0]),
        confidence=float(confidence.mean()),
        agreement=hits / verdicts,
        interval=wilson(hits, verdicts),
    )
