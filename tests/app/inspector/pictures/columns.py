"""Columns made of thin air for the pictures."""

import numpy as np
from numpy.typing import ArrayLike

from app.inspector.figures import Floats, LogProbs, figures
from app.inspector.pair_table import PairTable
from app.inspector.pictures.material import Columns


def columns_of(
    chosen: ArrayLike,
    rejected: ArrayLike,
    *,
    beta: float = 0.1,
    difference: ArrayLike | None = None,
    held_out: ArrayLike | None = None,
    strength: ArrayLike | None = None,
    before: ArrayLike | None = None,
) -> Columns:
    """Columns with these log-ratios; what is not given is 0, or held out nowhere."""
    up = np.asarray(chosen, dtype=np.float64)
    return Columns(
        beta=beta,
        chosen_log_ratio=up,
        rejected_log_ratio=np.asarray(rejected, dtype=np.float64),
        length_difference=np.zeros(up.shape)
        if difference is None
        else np.asarray(difference, dtype=np.float64),
        held_out=np.zeros(up.shape, dtype=np.bool_)
        if held_out is None
        else np.asarray(held_out, dtype=np.bool_),
        strength=np.zeros(up.shape, dtype=np.int64)
        if strength is None
        else np.asarray(strength, dtype=np.int64),
        before=None if before is None else np.asarray(before, dtype=np.float64),
    )


def random_columns(pairs: int, seed: int = 1, beta: float = 0.1) -> Columns:
    rng = np.random.default_rng(seed)
    return columns_of(
        rng.normal(-1, 5, pairs),
        rng.normal(-4, 5, pairs),
        beta=beta,
        difference=rng.integers(-60, 60, pairs),
        held_out=rng.random(pairs) < 0.3,
        strength=rng.integers(0, 4, pairs),
    )


def random_table(pairs: int, seed: int = 1, beta: float = 0.1) -> PairTable:
    """A table with plausible log-ratios, every third pair held out."""
    rng = np.random.default_rng(seed)
    reference = -rng.uniform(20, 200, (2, pairs))
    return table_with(
        reference[0] + rng.normal(-1, 5, pairs), reference[1] + rng.normal(-4, 5, pairs), reference, beta
    )


def table_with(chosen: Floats, rejected: Floats, reference: Floats, beta: float = 0.1) -> PairTable:
    """`reference`: its log-probs of the chosen and of the rejected responses, a row each."""
    pairs = len(chosen)
    rng = np.random.default_rng(pairs)
    log_probs = LogProbs(
        policy_chosen=chosen,
        policy_rejected=rejected,
        reference_chosen=reference[0],
        reference_rejected=reference[1],
    )
    ids = tuple(f"pair-{number}" for number in range(pairs))
    return PairTable(
        ids=ids,
        place_of={pair: place for place, pair in enumerate(ids)},
        rows=np.arange(1, pairs + 1),
        log_probs=log_probs,
        figures=figures(log_probs, beta),
        held_out=np.arange(pairs) % 3 == 0,
        chosen_tokens=rng.integers(5, 80, pairs),
        rejected_tokens=rng.integers(5, 80, pairs),
        truncated=np.zeros(pairs, dtype=np.bool_),
        strength=rng.integers(1, 3, pairs),
        prompt_lines=tuple(f"Question {number}?" for number in range(pairs)),
        prompt_rank=np.arange(pairs),
    )
