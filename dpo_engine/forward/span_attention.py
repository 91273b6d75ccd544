"""Attention inside a packed row: every pair by itself, its two responses sharing one prompt.

A row holds pairs back to back, each as prompt, chosen, rejected. A token sees the prompt up to itself, and
the tokens before it of its own response; the rejected response does not see the chosen one. The cost is that
of the pairs' own lengths squared, never of the row's.

On the CPU the work is done in two ways behind one autograd function, which writes results and gradients
straight into their places. Short pairs: matrix products with float32 scores under the pair's tree-shaped
mask. Long pairs: PyTorch's flash kernel over prompt and chosen, then over rejected and prompt. Measured in
bfloat16 with 9 heads of 64 on one thread, forward and backward, products against flash: 0.7 and 2.6 ms at 100
tokens, 3.8 and 7.1 ms at 260, 9.5 and 14.4 ms at 400. Elsewhere, if not by `flex_attention`, each pair goes
through `scaled_dot_product_attention`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

Made = TypeVar("Made")

SHORT = 512
"""Tokens of a pair up to which matrix products beat the flash kernel."""

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True)
class Span:
    """Where a pair lies in the row: its first token, and the tokens of prompt, chosen and rejected."""

    start: int
    prompt: int
    chosen: int
    rejected: int

    @property
    def length(self) -> int:
        return self.prompt + self.chosen + self.rejected

    @property
    def end(self) -> int:
        return self.start + self.length

    @property
    def turn(self) -> int:
        """The rejected response's first token."""
        return self.start + self.prompt + self.chosen

    @cached_property
    def may_see(self) -> Tensor:
        """[length, length] bool: token i (row) sees token j (column)."""
        seen = torch.ones(self.length, self.length, dtype=torch.bool).tril_()
        seen[self.prompt + self.chosen :, self.prompt : self.prompt + self.chosen] = False
        return seen

    @cached_property
    def hidden(self) -> Tensor:
        """[length, length] float32: 0 where a token is seen and −∞ where it is not; to be added to scores."""
        return torch.zeros(self.length, self.length).masked_fill_(~self.may_see, float("-inf"))

    def hidden_for(self, heads: int) -> Tensor:
        """`hidden` for the queries of several heads, one head below the other."""
        return self.hidden.repeat(heads, 1)


@dataclass(frozen=True)
class Layout:
    """The pairs of a packed row, in order and without gaps."""

    spans: tuple[Span, ...]

    @cached_property
    def _made(self) -> dict[Any, Any]:
        return {}

    def on_device(self, device: torch.device, make: Callable[["Layout", torch.device], Made]) -> Made:
        """What `make` makes of this layout for a device, once for all layers of a model."""
        key = (device, make)
        if key not in self._made:
            self._made[key] = make(self, device)
        made: Made = self._made[key]
        return made

    @cached_property
    def may_see(self) -> Tensor:
        """[tokens, tokens] bool for the whole row: needs memory with its square, for comparison only."""
        seen = torch.zeros(self.spans[-1].end, self.spans[-1].end, dtype=torch.bool)
        for span in self.spans:
            seen[span.start : span.end, span.start : span.end] = span.may_see
        return seen


def span_attention(query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float) -> Tensor:
    """[1, heads, tokens, width] -> [1, tokens, heads, width]; keys and values may have fewer heads."""
    if query.device.type == "cpu":
        out: Tensor = _CpuAttention.apply(query, key, value, layout, scale)  # type: ignore[no-untyped-call]
        return out
    parts = [_by_library(query, key, value, span, scale) for span in layout.spans]
    return torch.cat(parts, dim=2).transpose(1, 2)


def capped_attention(
    query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float, cap: float
) -> Tensor:
    """As `span_attention` with scores bent to cap · tanh(score / cap), as in Gemma 2."""
    parts = []
    for span in layout.spans:
        place = slice(span.start, span.end)
        seen = span.may_see.to(query.device)
        parts.append(
            masked_attention(query[:, :, place], key[:, :, place], value[:, :, place], seen, scale, cap)
        )
    return torch.cat(parts, dim=2).transpose(1, 2)


def masked_attention(
    query: Tensor, key: Tensor, value: Tensor, seen: Tensor | None, scale: float, cap: float
) -> Tensor:
    """[…, heads, n, width] by plain products; `seen` broadcasts to [n, n] (bool, or float to be added)."""
    groups = query.shape[-3] // key.shape[-3]
    scores = query @ key.repeat_interleave(groups, -3).transpose(-2, -1) * scale
    scores = torch.tanh(scores / cap) * cap
    if seen is not None and seen.dtype == torch.bool:
        scores = scores.masked_fill(~seen, float("-inf"))
    elif seen is not None:
        scores = scores + seen
    weights = torch.softmax(scores, -1, dtype=torch.promote_types(torch.float32, scores.dtype))
    return weights.to(value.dtype) @ value.repeat_interleave(groups, -3)


def _by_library(query: Tensor, key: Tensor, value: Tensor, span: Span, scale: float) -> Tensor:
    first, second = slice(span.start, span.turn), slice(span.turn, span.end)
    grouped: Any = {"scale": scale, "enable_gqa": query.shape[1] != key.shape[1]}
    chosen = scaled_dot_product_attention(
        query[:, :, first], key[:, :, first], value[:, :, first], is_causal=True, **grouped
    )
    seen = span.may_see[span.turn - span.start :, _branch(span)].to(query.device)
    rejected = scaled_dot_product_attention(
        query[:, :, second], _seen_by_rejected(key, span), _seen_by_rejected(value, span), seen, **grouped
    )
    return torch.cat([chosen, rejected], dim=2)


def _branch(span: Span) -> Tensor:
    """Places in the pair of prompt and rejected."""
    return torch.cat([torch.arange(span.prompt), torch.arange(span.prompt + span.chosen, span.length)])


def _seen_by_rejected(states: Tensor, span: Span) -> Tensor:
    """[1, heads, prompt + rejected, width]"""
    return torch.cat(
        [states[:, :, span.start : span.start + span.prompt], states[:, :, span.turn : span.end]], dim=2
    )


class _CpuAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float) -> Tensor:
        heads, tokens, width = query.shape[1:]
        out = query.new_empty(1, tokens, heads, width)
        sums: list[Sequence[Tensor]] = []
        for span in layout.spans:
            run = _short_forward if span.length <= SHORT else _long_forward
            sums.append(run(query, key, value, out.transpose(1, 2), span, scale))
        ctx.save_for_backward(query, key, value, out, *(one for several in sums for one in several))
        ctx.counts, ctx.layout, ctx.scale = [len(several) for several in sums], layout, scale
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, out, *sums = ctx.saved_tensors
        given = _Tensors(query, key, value, out.transpose(1, 2), gradient.transpose(1, 2))
        result = _Gradients(torch.empty_like(query), torch.empty_like(key), torch.empty_like(value))
        start = 0
        for span, count in zip(ctx.layout.spans, ctx.counts, strict=True):
            run = _short_backward if span.length <= SHORT else _long_backward
            run(given, sums[start : start + count], result, span, ctx.scale)
            start += count
        return result.query, result.key, result.value, None, None


@dataclass(frozen=True)
class _Tensors:
    """Each [1, heads, tokens, width]."""

    query: Tensor
    key: Tensor
    value: Tensor
    out: Tensor
    gradient: Tensor


@dataclass(frozen=True)
class _Gradients:
    query: Tensor
    key: Tensor
    value: Tensor


def _short_forward(
    query: Tensor, key: Tensor, value: Tensor, out: Tensor, span: Span, scale: float
) -> Sequence[Tensor]:
    """Fills `out`. Nothing is kept: the weights are computed again in the backward pass."""
    place = slice(span.start, span.end)
    weights = _weights(query[0, :, place], key[0, :, place], span, scale)
    out[0, :, place] = torch.bmm(weights.to(value.dtype), value[0, :, place]).view(
        -1, span.length, value.shape[3]
    )
    return ()


def _short_backward(
    given: _Tensors, _sums: Sequence[Tensor], result: _Gradients, span: Span, scale: float
) -> None:
    place = slice(span.start, span.end)
    key, value = given.key[0, :, place], given.value[0, :, place]
    query, gradient = (_by_key(one[0, :, place], key) for one in (given.query, given.gradient))
    weights = _weights(given.query[0, :, place], key, span, scale)
    result.value[0, :, place] = torch.bmm(weights.to(value.dtype).transpose(1, 2), gradient)
    along = _precise(gradient).mul(_by_key(given.out[0, :, place], key)).sum(-1, keepdim=True)
    scores = _precise(torch.bmm(gradient, value.transpose(1, 2))).sub_(along).mul_(weights).mul_(scale)
    scores = scores.to(query.dtype)
    result.query[0, :, place] = torch.bmm(scores, key).view(-1, span.length, key.shape[2])
    result.key[0, :, place] = torch.bmm(scores.transpose(1, 2), query)


def _weights(query: Tensor, key: Tensor, span: Span, scale: float) -> Tensor:
    """[key heads, query heads of each · length, length], at least float32: what is taken of each token."""
    hidden = span.hidden_for(query.shape[0] // key.shape[0]).to(_precise(query).dtype)
    keys = _precise(key).transpose(1, 2)
    scores = torch.baddbmm(hidden.expand(len(key), -1, -1), _precise(_by_key(query, key)), keys, alpha=scale)
    return torch.softmax(scores, -1)


def _by_key(states: Tensor, key: Tensor) -> Tensor:
    """[heads, n, width] -> [key heads, heads of each · n, width]."""
    return states.reshape(key.shape[0], -1, states.shape[2])


def _precise(states: Tensor) -> Tensor:
    return states.to(torch.promote_types(states.dtype, torch.float32))


def _long_forward(
    query: Tensor, key: Tensor, value: Tensor, out: Tensor, span: Span, scale: float
) -> Sequence[Tensor]:
    """Fills `out`; gives log Σ exp of the scores of prompt and chosen, then of rejected."""
    first, second = slice(span.start, span.turn), slice(span.turn, span.end)
    done, sums = _flash(query[:, :, first], key[:, :, first], value[:, :, first], 0.0, True, scale=scale)
    out[:, :, first] = done
    keys, values = _seen_by_rejected(key, span), _seen_by_rejected(value, span)
    mask = _rejected_mask(span, query.dtype)
    done, more = _flash(query[:, :, second], keys, values, 0.0, False, attn_mask=mask, scale=scale)
    out[:, :, second] = done
    return sums, more


def _long_backward(
    given: _Tensors, sums: Sequence[Tensor], result: _Gradients, span: Span, scale: float
) -> None:
    first, second = slice(span.start, span.turn), slice(span.turn, span.end)
    prompt = slice(span.start, span.start + span.prompt)
    query, key, value = _flash_backward(
        given.gradient[:, :, first],
        given.query[:, :, first],
        given.key[:, :, first],
        given.value[:, :, first],
        given.out[:, :, first],
        sums[0],
        0.0,
        True,
        scale=scale,
    )
    result.query[:, :, first], result.key[:, :, first], result.value[:, :, first] = query, key, value
    query, key, value = _flash_backward(
        given.gradient[:, :, second],
        given.query[:, :, second],
        _seen_by_rejected(given.key, span),
        _seen_by_rejected(given.value, span),
        given.out[:, :, second],
        sums[1],
        0.0,
        False,
        attn_mask=_rejected_mask(span, given.query.dtype),
        scale=scale,
    )
    result.query[:, :, second] = query
    for total, part in ((result.key, key), (result.value, value)):
        total[:, :, prompt] += part[:, :, : span.prompt]
        total[:, :, second] = part[:, :, span.prompt :]


def _rejected_mask(span: Span, dtype: torch.dtype) -> Tensor:
    """[rejected, prompt + rejected], to be added to scores."""
    rows = torch.zeros(span.rejected, span.prompt + span.rejected, dtype=dtype)
    return rows.masked_fill_(torch.ones_like(rows, dtype=torch.bool).triu_(span.prompt + 1), float("-inf"))
