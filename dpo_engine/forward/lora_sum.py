"""A linear layer and its LoRA adapter in one step: y = W x + b + s · B A x, added in float32.

The same numbers as layer by layer, with the input cast once instead of three times, no float32 copy of either
output, and nothing kept for the backward pass but the cast input and the narrow s · A x.
"""

from typing import Any

import torch
from torch import Tensor


def lora_sum(
    states: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor, scaling: float
) -> Tensor:
    """[…, inputs] -> [outputs …] float32; products in `weight`'s type.

    `weight` [outputs, inputs] and `bias` [outputs] are frozen, `down` [rank, inputs] and `up` [outputs, rank]
    are learned, in float32.
    """
    added: Tensor = _LoraSum.apply(states, weight, bias, down, up, scaling)  # type: ignore[no-untyped-call]
    return added


class _LoraSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        down: Tensor,
        up: Tensor,
        scaling: float,
    ) -> Tensor:
        dtype = weight.dtype
        rows = states.reshape(-1, states.shape[-1]).to(dtype)
        narrow = (rows @ down.to(dtype).t()).mul_(scaling)
        own = torch.nn.functional.linear(rows, weight, bias).float()
        # Not by `alpha`: PyTorch 2.13 compiles a sum of two products with it as one without.
        own.add_(narrow @ up.to(dtype).t())
        ctx.save_for_backward(rows, narrow, weight, down, up)
        ctx.scaling, ctx.shape, ctx.dtype = scaling, states.shape, states.dtype
        return own.view(*states.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, narrow, weight, down, up = ctx.saved_tensors
        slope = gradient.reshape(-1, gradient.shape[-1]).to(weight.dtype)
        through = (slope @ up.to(weight.dtype)).mul_(ctx.scaling)
        to_up = (slope.t() @ narrow).to(up.dtype)
        to_down = (through.t() @ rows).to(down.dtype)
        to_states = None
        if ctx.needs_input_grad[0]:
            to_states = torch.addmm(slope @ weight, through, down.to(weight.dtype))
            to_states = to_states.view(ctx.shape).to(ctx.dtype)
        return to_states, None, None, to_down, to_up, None
