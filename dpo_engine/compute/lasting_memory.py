"""Memory for what stays until a training ends, apart from the heap.

On the heap it would lie between the activations of the step in which it was made, whose places then no longer
fit those of other steps: with a 135M model half a gigabyte of holes.
"""

import mmap

import torch
from torch import Tensor

_SMALL = 64 * 1024
"""Bytes below which the heap is the better place."""


def lasting_zeros(like: Tensor) -> Tensor:
    """Zeros of the shape and type of `like`, which is contiguous; on the CPU straight from the system."""
    if like.device.type != "cpu" or like.nbytes < _SMALL:
        return torch.zeros_like(like)
    return torch.frombuffer(mmap.mmap(-1, like.nbytes), dtype=like.dtype).view(like.shape)
