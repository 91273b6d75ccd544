"""Attention inside a packed row on CUDA: PyTorch's FlexAttention under a block mask, compiled once.

Blocks of 128 tokens that see nothing of each other are never computed, so the cost is near that of the pairs'
own lengths squared, and a pair's prompt is read by both of its responses.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from dpo_engine.forward.span_attention import Layout, Span


def block_attention(query: Tensor, key: Tensor, value: Tensor, mask: BlockMask, scale: float) -> Tensor:
    """[1, heads, tokens, width] -> [1, tokens, heads, width]; keys and values may have fewer heads."""
    grouped = query.shape[1] != key.shape[1]
    run = _compiled() if query.device.type == "cuda" else flex_attention
    out: Any = run(query, key, value, block_mask=mask, scale=scale, enable_gqa=grouped)
    heads_last: Tensor = out.transpose(1, 2)
    return heads_last


def block_mask(layout: Layout, device: torch.device) -> BlockMask:
    """Which blocks of a packed row see which, made on the device without waiting for it."""
    pair, part = (one.to(device, non_blocking=True) for one in places(layout))

    def sees(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        same_text = (part[key] == 0) | (part[key] == part[query])
        return (pair[query] == pair[key]) & (query >= key) & same_text

    tokens = layout.spans[-1].end
    return create_block_mask(sees, None, None, tokens, tokens, device=device.type)


def places(layout: Layout) -> tuple[Tensor, Tensor]:
    """[tokens] each: the number of a token's pair, and its part (0 prompt, 1 chosen, 2 rejected)."""
    pair: list[int] = []
    part: list[int] = []
    for number, span in enumerate(layout.spans):
        pair += [number] * span.length
        part += [0] * span.prompt + [1] * span.chosen + [2] * span.rejected
    return torch.tensor(pair), torch.tensor(part)


@cache
def works(device: torch.device) -> bool:
    """Tried once on a small row, forward and backward: kernels have to be compiled for this very device."""
    if device.type != "cuda":
        return False
    layout = Layout((Span(0, 60, 40, 50), Span(150, 3, 20, 10)))
    query, key, value = (
        torch.randn(1, heads, 183, 64, device=device, dtype=torch.bfloat16, requires_grad=True)
        for heads in (4, 2, 2)
    )
    try:
        out = block_attention(query, key, value, block_mask(layout, device), 0.125)
        out.sum().backward()  # type: ignore[no-untyped-call]
    except Exception:  # whatever a compiler or driver on this machine lacks
        return False
    return all(one.grad is not None and bool(one.grad.isfinite().all()) for one in (query, key, value))


@cache
def _compiled() -> Any:
    return torch.compile(flex_attention, dynamic=True)
