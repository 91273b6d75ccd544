"""A full fine-tune on the CPU with little memory: weights cast when they are used, gradients in one place.

Autocast casts every weight of a linear layer once a forward pass and keeps the casts until the backward pass
is over: half of the model's size again. And each product of the backward pass gives a gradient that is cast
to float32, then added to the one that is there, through memory that comes and goes between the activations
and leaves holes behind. Here a weight is cast for the product that reads it, in both passes, while it is in
the processor's cache; and its gradient is added straight to memory that is taken once, apart from the heap.
Of a gated MLP the two halves of the gate are kept for the backward pass, and not also what they come to: a
quarter less of all that a layer keeps.

The numbers are the library's. What is given up: the gradients of these weights do not pass through autograd,
so hooks on them and `torch.autograd.grad` see nothing of them; `.grad` is as ever.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import SiLUActivation

from dpo_engine.compute.lasting_memory import lasting_zeros
from dpo_engine.config import TrainConfig
from dpo_engine.forward.shared_prefix import product_dtype


def pays(config: TrainConfig, device: torch.device) -> bool:
    """Where it is right; layers that are compiled cannot use it, and a GPU would gain nothing."""
    return config.method == "full" and device.type == "cpu" and config.torch_compile != "on"


def keep_gradients(model: nn.Module) -> None:
    """Let the plain linear layers and embeddings of `model` that learn compute so, in place."""
    for module in model.modules():
        kind = _KINDS.get(type(module))
        weight: Any = getattr(module, "weight", None)
        whole = type(weight) is nn.Parameter and weight.requires_grad  # not a part of one, on several devices
        if kind is None or not whole or getattr(module, "max_norm", None):
            continue
        module.__class__ = kind
        if not is_kept(weight):
            weight.gradient_memory = lasting_zeros(weight.detach())
    made: dict[type, type] = {}
    for module in model.modules():
        if _is_known_gate(module):
            theirs = type(module)
            module.__class__ = made.setdefault(theirs, type(theirs.__name__, (_KeepingGate, theirs), {}))


def is_plain(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether it is the library's `kind` (`nn.Linear`, `nn.Embedding`) and computes nothing else."""
    return type(module) in (kind, _KINDS[kind])


def is_kept(weight: Tensor) -> bool:
    """Whether the layers that use this weight add up its gradient themselves."""
    return hasattr(weight, "gradient_memory")


def gradient_of(weight: Any) -> tuple[Tensor, bool]:
    """The gradient of such a weight, and whether it has just begun: then its numbers mean nothing yet."""
    begins = weight.grad is None
    if begins:
        weight.grad = weight.gradient_memory
    return weight.grad, begins


def add_up(place: Tensor, part: Tensor, *, begins: bool) -> None:
    """Add `part` to `place`, a gradient or some rows of it, as `gradient_of` gives them."""
    if begins:
        place.copy_(part)
    else:
        place.add_(part)


class KeepingLinear(nn.Linear):
    """y = x Wᵀ + b with the gradient of W kept."""

    def forward(self, input: Tensor) -> Tensor:
        dtype = product_dtype(input)
        if dtype == self.weight.dtype and not torch.is_grad_enabled():
            return super().forward(input)
        product: Tensor = _Product.apply(input, self.weight, self.bias, dtype)  # type: ignore[no-untyped-call]
        return product


class KeepingEmbedding(nn.Embedding):
    """Rows of a table whose gradient is kept: only the rows that were read are touched."""

    def forward(self, input: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return super().forward(input)
        rows: Tensor = _Rows.apply(input, self.weight, self.padding_idx)  # type: ignore[no-untyped-call]
        return rows


class _KeepingGate:
    """W_down (silu(g) · u) with g = W_gate x and u = W_up x; comes before the library's class."""

    def forward(self: Any, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            plain: Tensor = super().forward(x)  # type: ignore[misc]
            return plain
        gate, up, down = self.gate_proj(x), self.up_proj(x), self.down_proj.weight
        out: Tensor = _GatedProduct.apply(gate, up, down)  # type: ignore[no-untyped-call]
        return out


def _is_known_gate(module: nn.Module) -> bool:
    kind, down = type(module), getattr(module, "down_proj", None)
    known = kind.__name__ in _GATED and kind.__module__.startswith("transformers.models.")
    return known and _is_silu(module) and type(down) is KeepingLinear and down.bias is None


def _is_silu(module: Any) -> bool:
    return isinstance(module.act_fn, nn.SiLU | SiLUActivation)


class _GatedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        ctx.down = down
        return functional.linear(functional.silu(gate).mul_(up), down.to(gate.dtype))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gate, up = ctx.saved_tensors
        slope = gradient.reshape(-1, gradient.shape[-1])
        opened = functional.silu(gate)
        inner = (opened * up).reshape(-1, gate.shape[-1])
        place, begins = gradient_of(ctx.down)
        add_up(place, slope.t() @ inner, begins=begins)
        to_inner = (slope @ ctx.down.to(slope.dtype)).view(gate.shape)
        to_gate = torch.ops.aten.silu_backward(to_inner * up, gate)
        return to_gate, to_inner.mul_(opened), None


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> Tensor:
        cast = states.to(dtype)
        ctx.save_for_backward(cast)
        ctx.weight, ctx.bias, ctx.dtype = weight, bias, states.dtype
        return functional.linear(cast, weight.to(dtype), None if bias is None else bias.to(dtype))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (states,) = ctx.saved_tensors
        slope = gradient.reshape(-1, gradient.shape[-1])
        place, begins = gradient_of(ctx.weight)
        add_up(place, slope.t() @ states.reshape(-1, states.shape[-1]), begins=begins)
        to_bias = slope.sum(0).to(ctx.bias.dtype) if ctx.needs_input_grad[2] else None
        to_states = None
        if ctx.needs_input_grad[0]:
            to_states = (slope @ ctx.weight.to(slope.dtype)).view(states.shape).to(ctx.dtype)
        return to_states, None, to_bias, None


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ids: Tensor, weight: Tensor, padding: int | None) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.weight, ctx.padding = weight, padding
        return functional.embedding(ids, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (ids,) = ctx.saved_tensors
        place, begins = gradient_of(ctx.weight)
        if begins:
            place.zero_()
        rows, slope = ids.flatten(), gradient.reshape(ids.numel(), -1)
        if ctx.padding is not None:
            learns = rows != ctx.padding
            rows, slope = rows[learns], slope[learns]
        place.index_add_(0, rows, slope.to(place.dtype))
        return None, None, None


_GATED = {"LlamaMLP", "Qwen2MLP", "Qwen3MLP", "MistralMLP"}
_KINDS: dict[type, type] = {nn.Linear: KeepingLinear, nn.Embedding: KeepingEmbedding}
