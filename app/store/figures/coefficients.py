"""Coefficients of agreement on nominal answers, with bootstrap intervals: numbers only, no project.

Answers are codes, small numbers from 0; `MISSING` is no answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MISSING = -1
DRAWS = 2_000
SEED = 7

Codes = NDArray[np.int8]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]

_AT_ONCE = 250


@dataclass(frozen=True)
class Agreement:
    """A coefficient (1 is perfect, 0 is chance) with its 95 % bootstrap interval over the items.

    `value` is None where nothing can be said: no item has two answers, or only one answer was ever given.
    `low` and `high` are None then, too.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int
    """Items with at least two answers."""


def cohen_kappa(
    first: Sequence[int] | Codes, second: Sequence[int] | Codes, *, draws: int = DRAWS, seed: int = SEED
) -> Agreement:
    """κ = (p_o - p_e) / (1 - p_e) of two annotators' answers to the same items.

    Source: J. Cohen (1960), A coefficient of agreement for nominal scales.
    """
    both = np.stack([np.asarray(first, np.int8), np.asarray(second, np.int8)])
    both = both[:, (both != MISSING).all(axis=0)]
    size = int(both.max(initial=0)) + 1
    counts = np.bincount(both[0].astype(np.int64) * size + both[1], minlength=size * size)
    return _with_interval(counts, lambda drawn: _kappa(drawn, size), draws, seed)


def krippendorff_alpha(
    codes: Sequence[Sequence[int]] | Codes, *, draws: int = DRAWS, seed: int = SEED
) -> Agreement:
    """α = 1 - D_o / D_e, nominal, of the answers of any number of annotators (annotators x items).

    Source: K. Krippendorff (2011), Computing Krippendorff's alpha-reliability.
    """
    table = np.asarray(codes, np.int8)
    size = int(table.max(initial=0)) + 1
    answers = np.stack([(table == code).sum(axis=0) for code in range(size)], axis=1)
    answers = answers[answers.sum(axis=1) >= 2]
    kinds, counts = np.unique(answers, axis=0, return_counts=True)
    return _with_interval(counts, lambda drawn: _alpha(drawn, kinds), draws, seed)


def _kappa(counts: Counts, size: int) -> Values:
    """Of tables of counts (draws x size²)."""
    tables = counts.reshape(-1, size, size).astype(np.float64)
    total = tables.sum(axis=(1, 2))
    observed = np.trace(tables, axis1=1, axis2=2) / total
    expected = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1) / total**2
    return _ratio(observed - expected, 1 - expected)


def _alpha(counts: Counts, kinds: Counts) -> Values:
    """Of how often each kind of item occurs (draws x kinds); a kind says how often it got each answer."""
    weights = counts.astype(np.float64)
    each = kinds.sum(axis=1)
    coinciding = weights @ ((kinds * (kinds - 1)).sum(axis=1) / (each - 1))
    totals = weights @ kinds
    n = totals.sum(axis=1)
    disagreeing = (n - 1) * (n - coinciding)
    by_chance = n**2 - (totals**2).sum(axis=1)
    return 1 - _ratio(disagreeing, by_chance)


def _ratio(above: Values, below: Values) -> Values:
    """NaN where there is no telling: everything is one answer."""
    nothing = np.full_like(above, np.nan)
    return np.divide(above, below, out=nothing, where=below > 1e-12)


def _with_interval(
    counts: Counts, coefficient: Callable[[Counts], Values], draws: int, seed: int
) -> Agreement:
    """The percentile bootstrap over items: items of one kind are alike, so how often each kind is drawn is
    multinomial. Samples of a single answer, which say nothing, are left out."""
    items = int(counts.sum())
    value = float(coefficient(counts[None, :])[0]) if items else float("nan")
    if np.isnan(value):
        return Agreement(None, None, None, items)
    rng = np.random.default_rng(seed)
    pieces = [
        coefficient(rng.multinomial(items, counts / items, size=min(_AT_ONCE, draws - start)))
        for start in range(0, draws, _AT_ONCE)
    ]
    low, high = np.nanquantile(np.concatenate(pieces), [0.025, 0.975])
    return Agreement(value, float(low), float(high), items)
