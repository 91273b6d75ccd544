"""Operations that a training step cannot do without, from shapes and lengths alone. Torch-free.

A product of [m, k] and [k, n] counts 2mkn. So a token costs 2 operations a weight forward, 2 for the gradient
of its input and 2 for the gradient of the weight (Kaplan et al., arXiv 2001.08361, section 2.1; Chowdhery et
al., arXiv 2204.02311, appendix B): 6 in a full fine-tune; 4 in frozen layers and 6 in the adapter's own with
LoRA. Attention costs 4·width for each query and each key it may see (scores and values), three times that
with the backward pass. The head is counted at scored positions only. Computing anything again counts nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Numbers in the matrices that tokens are multiplied by; an embedding is looked up and counts nothing."""

    layers: int
    head: int
    adapter: int
    attention: int
    """Layers · heads · width of a head."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What some pairs ask for: tokens through the layers, scored ones, and keys seen by all queries."""

    tokens: int
    scored: int
    seen: int


Lengths = tuple[int, int, int]
"""Tokens of a pair's prompt, chosen and rejected response."""


def shared(pairs: Sequence[Lengths]) -> Load:
    """Every prompt once: what has to be computed."""
    return Load(
        tokens=sum(map(sum, pairs)),
        scored=sum(chosen + rejected for _, chosen, rejected in pairs),
        seen=sum(_causal(p) + _causal(c) + _causal(r) + p * (c + r) for p, c, r in pairs),
    )


def unshared(pairs: Sequence[Lengths]) -> Load:
    """As if every response came with a prompt of its own, without padding: what a plain trainer computes."""
    return Load(
        tokens=sum(2 * p + c + r for p, c, r in pairs),
        scored=sum(chosen + rejected for _, chosen, rejected in pairs),
        seen=sum(_causal(p + c) + _causal(p + r) for p, c, r in pairs),
    )


def training(load: Load, weights: Weights, *, full: bool) -> float:
    """Operations of the forward and backward pass of the policy."""
    a_weight = 6 if full else 4
    products = a_weight * (weights.layers * load.tokens + weights.head * load.scored)
    return products + 6 * weights.adapter * load.tokens + 3 * 4 * weights.attention * load.seen


def forward(load: Load, weights: Weights) -> float:
    """Operations of one forward pass without an adapter: what the reference costs."""
    return 2 * (weights.layers * load.tokens + weights.head * load.scored) + 4 * weights.attention * load.seen


def _causal(length: int) -> int:
    return length * (length + 1) // 2
