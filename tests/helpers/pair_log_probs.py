"""Log-probs of a pair or a few, made by hand."""

from dataclasses import fields

from torch import Tensor, tensor

from dpo_engine.losses import PairLogProbs


def pair(
    chosen: float,
    rejected: float,
    ref_chosen: float = 0.0,
    ref_rejected: float = 0.0,
    *,
    tokens: tuple[int, int] = (1, 1),
) -> PairLogProbs:
    """One pair; with references of 0 the log-probs are the log-ratios."""
    return pairs([(chosen, rejected, ref_chosen, ref_rejected)], tokens=[tokens])


def pairs(
    rows: list[tuple[float, float, float, float]], *, tokens: list[tuple[int, int]] | None = None
) -> PairLogProbs:
    """(policy chosen, policy rejected, reference chosen, reference rejected) of each pair."""
    lengths = tensor(tokens or [(1, 1)] * len(rows)).float().T
    return of_columns(*tensor(rows).float().T, *lengths)


def of_columns(*columns: Tensor) -> PairLogProbs:
    """From the four columns of `pairs` and the tokens of the chosen and the rejected responses."""
    names = [entry.name for entry in fields(PairLogProbs)]
    return PairLogProbs(**dict(zip(names, columns, strict=True)))
