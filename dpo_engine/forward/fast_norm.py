"""RMSNorm in one step, for the families whose norm is x / √(mean x² + ε) · w computed in float32.

The library's takes eight passes over the states and keeps five of their results for the backward pass. This
one keeps the input and one number a token, and gives its output in the type that the next layer multiplies in
(the library leaves that cast to every layer that reads it: three times before attention).
"""

from typing import Any

import torch
from torch import Tensor, nn

from dpo_engine.forward.shared_prefix import product_dtype

_KINDS = {"LlamaRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm", "MistralRMSNorm"}


def speed_up_norms(model: nn.Module) -> None:
    """Let the norms of `model` that are known compute in one step, in place."""
    made: dict[type, type] = {}
    for module in model.modules():
        kind = type(module)
        if kind.__name__ in _KINDS and kind.__module__.startswith("transformers.models."):
            module.__class__ = made.setdefault(kind, type(kind.__name__, (_FastNorm, kind), {}))


class _FastNorm:
    """Comes before the library's class, which is asked where a kept graph or float64 wants its own ways."""

    def forward(self: Any, hidden_states: Tensor) -> Tensor:
        if hidden_states.dtype == torch.float64:
            exact: Tensor = super().forward(hidden_states)  # type: ignore[misc]
            return exact
        dtype = product_dtype(hidden_states)
        normed: Tensor = _RmsNorm.apply(hidden_states, self.weight, self.variance_epsilon, dtype)  # type: ignore[no-untyped-call]
        return normed


class _RmsNorm(torch.autograd.Function):
    """y = w · x̂ with x̂ = x r and r = (mean x² + ε)^−½; dx = r (w g − x̂ · mean(w g x̂)), dw = Σ g x̂."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype) -> Tensor:
        precise = states.float()
        scale = torch.linalg.vector_norm(precise, dim=-1, keepdim=True).square_().div_(states.shape[-1])
        scale = scale.add_(epsilon).rsqrt_()
        ctx.save_for_backward(states, weight, scale)
        normed: Tensor = (precise * scale).mul_(weight).to(dtype)
        return normed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        states, weight, scale = ctx.saved_tensors
        unit = states.float() * scale
        slope = gradient.float()
        to_weight = None
        if ctx.needs_input_grad[1]:
            to_weight = (slope * unit).flatten(0, -2).sum(0).to(weight.dtype)
        slope = slope * weight
        along = torch.linalg.vecdot(slope, unit).unsqueeze_(-1).div_(states.shape[-1])
        to_states = slope.addcmul_(unit, along, value=-1).mul_(scale)
        return to_states.to(states.dtype), to_weight, None, None
