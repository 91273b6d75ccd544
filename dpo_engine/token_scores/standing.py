"""Where a token stands among all that a model could have said at its place."""

from typing import NamedTuple

import torch
from torch import Tensor

TOP = 5
"""Alternatives that are told of each place."""


class Standing(NamedTuple):
    """Of n tokens."""

    rank: Tensor
    """[n] int64, 1 for the likeliest; tokens that are equally likely share the best of their ranks."""
    top: Tensor
    """[n, up to 5] int64, the likeliest first."""
    top_log_probs: Tensor
    """[n, up to 5]."""


def standing(log_probs: Tensor, target: Tensor) -> Standing:
    """[n, vocabulary] and [n] -> where each target stands."""
    own = log_probs.gather(-1, target[:, None])
    top = log_probs.topk(min(TOP, log_probs.shape[-1]), dim=-1)
    return Standing((log_probs > own).sum(-1) + 1, top.indices, top.values)


def joined(parts: list[Standing]) -> Standing:
    """Several, one after another, on the CPU."""
    return Standing(*(torch.cat([tensor.cpu() for tensor in column]) for column in zip(*parts, strict=True)))
