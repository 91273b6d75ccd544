"""Attention inside a packed row on CUDA: PyTorch's FlexAttention under a block mask, compiled once.

Blocks of 128 tokens that see nothing of each other are never computed, so the cost is near that of the pairs'
own lengths squared, and a pair's prompt is read by both of its responses.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from dpo_engine.forward.span_attention import Layout, Span

BLOCK = 128


def block_attention(query: Tensor, key: Tensor, value: Tensor, mask: BlockMask, scale: float) -> Tensor:
    """[1, heads, tokens, width] -> [1, tokens, heads, width]; keys and values may have fewer heads."""
    grouped = query.shape[1] != key.shape[1]
    run = _compiled() if query.device.type == "cuda" else flex_attention
    out: Any = run(query, key, value, block_mask=mask, scale=scale, enable_gqa=grouped)
    heads_last: Tensor = out.transpose(1, 2)
    return heads_last


def block_mask(layout: Layout, device: torch.device) -> BlockMask:
    """Which blocks of a packed row see which, made without waiting for the device.

    From the spans themselves: PyTorch's own `create_block_mask` looks at every pair of tokens, gigabytes of
    them in a long row.
    """
    pair, part = places(layout)
    some, whole = (_listed(blocks, device) for blocks in blocks_that_see(pair, part))
    pair, part = (one.to(device, non_blocking=True) for one in (pair, part))

    def sees(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        same_text = (part[key] == 0) | (part[key] == part[query])
        return (pair[query] == pair[key]) & (query >= key) & same_text

    tokens = layout.spans[-1].end
    return BlockMask.from_kv_blocks(
        *some, *whole, BLOCK_SIZE=BLOCK, mask_mod=sees, seq_lengths=(tokens, tokens)
    )


def blocks_that_see(pair: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
    """[blocks, blocks] bool twice, from `places`: the query's block sees some of the key's, or all of it.

    Every two tokens that see each other are in one of the two; the former may hold a block too many.
    """
    order = torch.arange(-(-len(pair) // BLOCK))
    starts = order * BLOCK
    ends = (starts + BLOCK).clamp(max=len(pair)) - 1
    first, last = pair[starts], pair[ends]
    one_part = torch.stack([(some == some[0]).all() for some in torch.split(part, BLOCK)])
    one_part &= first == last
    kind = torch.where(one_part, part[starts], -1)
    only_prompt = one_part & (kind == 0)
    earlier = order[:, None] >= order[None]
    other_response = (kind[:, None] == 2) & (kind[None] == 1) & (first[:, None] == first[None])
    some = earlier & (last[None] >= first[:, None]) & ~other_response
    same_pair = (first == last)[:, None] & (first == last)[None] & (first[:, None] == first[None])
    same_part = one_part[:, None] & one_part[None] & (kind[:, None] == kind[None])
    whole = (order[:, None] > order[None]) & same_pair & (only_prompt[None] | same_part)
    return some & ~whole, whole


def _listed(blocks: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """How many blocks each row has, and which: [1, 1, rows] and [1, 1, rows, columns]."""
    counts = blocks.sum(-1, dtype=torch.int32)
    indices = blocks.to(torch.int8).argsort(dim=-1, descending=True, stable=True).to(torch.int32)
    return counts[None, None].to(device), indices[None, None].to(device)


def places(layout: Layout) -> tuple[Tensor, Tensor]:
    """[tokens] each: the number of a token's pair, and its part (0 prompt, 1 chosen, 2 rejected)."""
    pair: list[int] = []
    part: list[int] = []
    for number, span in enumerate(layout.spans):
        pair += [number] * span.length
        part += [0] * span.prompt + [1] * span.chosen + [2] * span.rejected
    return torch.tensor(pair), torch.tensor(part)


def works(query: Tensor, key: Tensor) -> bool:
    """Whether kernels for such heads can be had here; tried once for each kind, forward and backward."""
    if query.device.type != "cuda":
        return False
    return _tried(query.device, query.dtype, query.shape[1], key.shape[1], query.shape[-1])


@cache
def _tried(device: torch.device, dtype: torch.dtype, heads: int, key_heads: int, width: int) -> bool:
    """On a small row: there are none for narrow heads, and wide ones may not fit into a small GPU."""
    layout = Layout((Span(0, 60, 40, 50), Span(150, 3, 20, 10)))
    query, key, value = (
        torch.randn(1, each, 183, width, device=device, dtype=dtype, requires_grad=True)
        for each in (heads, key_heads, key_heads)
    )
    try:
        with torch.enable_grad():
            out = block_attention(query, key, value, block_mask(layout, device), width**-0.5)
            out.sum().backward()  # type: ignore[no-untyped-call]
    except Exception:  # whatever a compiler or driver on this machine lacks
        return False
    return all(one.grad is not None and bool(one.grad.isfinite().all()) for one in (query, key, value))


@cache
def _compiled() -> Any:
    return torch.compile(flex_attention, dynamic=True)
