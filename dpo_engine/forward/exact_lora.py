"""LoRA layers that add their adapter's output in float32, so that a small adapter is not rounded away.

With bfloat16 weights a layer's own output has been rounded to 8 bits when the adapter's is added to it. In a
young adapter that addition is mostly smaller than half of the last bit, and rounding the sum loses it every
time: not noise that averages out, but a dead zone. Measured with a 135M model after three optimizer steps,
mean reward margin of six pairs: 0.705 in float32; 0.248 in bfloat16 with the sum rounded, 0.658 with the sum
in float32. It costs 7 % of a training step on a CPU.

DoRA has the same dead zone and a second one: peft begins a column's magnitude as its norm rounded to the
weights' type and later divides by the unrounded norm, which moves a fresh adapter off its model. Here norms
are float32 throughout (see `dora_norm`).
"""

from contextlib import nullcontext
from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from peft.tuners.lora.variants import DoraLinearVariant
from peft.utils.integrations import dequantize_module_weight
from torch import Tensor, nn

from dpo_engine.forward.lora_sum import lora_sum
from dpo_engine.forward.shared_prefix import product_dtype


class ExactSums:
    """The forward pass of an exact LoRA layer; comes before one of peft's layers in a class's bases.

    LoRA: y = W x + s · B A x. DoRA (arXiv 2402.09353, equation 5): y = c · (W x + s · B A x) with
    c = m / ‖W + s B A‖ for each output, the norm without a gradient (section 4.3 there), a bias added after
    it. W x is computed in the layer's own type, all that follows in float32 and passed on so; the stream
    between the layers is float32 then, so the model must be called under `device.precision`. With the
    adapter off the output is float32 as well: a fresh adapter changes nothing, to the last bit.
    """

    def forward(self: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if not _is_plain(self, kwargs):
            unusual: Tensor = super().forward(x, *args, **kwargs)  # type: ignore[misc]  # of peft's layer
            return unusual
        (name,) = self.active_adapters
        if not self.disable_adapters and _in_one_step(self, name, x):
            base, down, up = self.base_layer, self.lora_A[name], self.lora_B[name]
            return lora_sum(x, base.weight, base.bias, down.weight, up.weight, self.scaling[name])
        own: Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return own.float()
        taken = self._cast_input_dtype(x, self.lora_A[name].weight.dtype)
        added: Tensor = self.lora_B[name](self.lora_A[name](self.lora_dropout[name](taken)))
        total: Tensor
        if name not in self.lora_variant:
            total = own.float() + added.float() * self.scaling[name]
            return total
        stretch = self.lora_magnitude_vector[name].weight.float() / self._frozen_norm(name)
        bias = self.get_base_layer().bias
        bare = own if bias is None else own - bias
        total = own.float() + bare * (stretch - 1) + added.float() * (stretch * self.scaling[name])
        return total

    def _frozen_norm(self: Any, name: str) -> Tensor:
        """`dora_norm`, kept while the adapter is only used. One that is trained moves with every step, and
        nothing tells: a fused optimizer does not count its changes to a tensor."""
        down, up = self.lora_A[name].weight, self.lora_B[name].weight
        if down.requires_grad or torch.is_inference(down):
            return dora_norm(self, name)
        state = (down._version, up._version, down.device, self.scaling[name])
        kept = getattr(self, "_dora_norm", None)
        if kept is None or kept[0] != state:
            kept = self._dora_norm = (state, dora_norm(self, name))
        norm: Tensor = kept[1]
        return norm


class ExactLoraLinear(ExactSums, Linear):  # type: ignore[misc]  # peft has no types
    """peft's layer on a linear one, or on GPT-2's transposed kind."""


@torch.no_grad()
def dora_norm(layer: Any, name: str) -> Tensor:
    """[outputs] float32: ‖W + s B A‖ of every output's weights.

    By ‖w + d‖² = ‖w‖² + 2 w·d + ‖d‖², which needs no matrix of W's size beside W's own in float32. For a
    fresh adapter, whose B is 0, it is ‖w‖ to the last bit.
    """
    weight: Tensor = dequantize_module_weight(layer.get_base_layer())
    # PyTorch's meta device, on which models are only measured, knows no autocast.
    with nullcontext() if weight.is_meta else torch.autocast(weight.device.type, enabled=False):
        own = weight.float().T if layer.fan_in_fan_out else weight.float()
        down = layer.lora_A[name].weight.float()
        up = layer.lora_B[name].weight.float() * layer.scaling[name]
        cross = (up * (own @ down.T)).sum(1)
        added = (up * (up @ (down @ down.T))).sum(1)
        square: Tensor = own.square().sum(1) + 2 * cross + added
    return square.clamp(min=0).sqrt()


def make_sums_exact(model: nn.Module) -> None:
    """Turn peft's LoRA layers of `model` into exact ones, in place, and fit the other layers to them."""
    kinds: dict[type, type] = {Linear: ExactLoraLinear}
    for module in model.modules():
        theirs = type(module)
        if theirs.__module__ == "peft.tuners.lora.bnb" and theirs.__name__ == "Linear4bit":
            # peft has this class only where bitsandbytes is installed
            kinds.setdefault(theirs, type("ExactLoraLinear4bit", (ExactSums, theirs), {}))
        if theirs in kinds:
            module.__class__ = kinds[theirs]
        if isinstance(module, nn.LayerNorm):
            module.float()  # on a CPU it takes a float32 stream only with weights of that type


@torch.no_grad()
def begin_dora(model: nn.Module) -> None:
    """Set the magnitudes of fresh DoRA layers to the norms that they will be divided by."""
    for module in model.modules():
        if isinstance(module, ExactSums):
            layer: Any = module
            for name, magnitudes in layer.lora_magnitude_vector.items():
                magnitudes.weight = nn.Parameter(dora_norm(layer, name))


def _in_one_step(layer: Any, name: str, x: Tensor) -> bool:
    """LoRA without dropout on an ordinary frozen layer of the type that products are computed in."""
    base, dropout = layer.base_layer, layer.lora_dropout[name]
    return (
        type(base) is nn.Linear
        and name not in layer.lora_variant
        and not base.weight.requires_grad
        and base.weight.dtype == product_dtype(x) != torch.float64
        and (isinstance(dropout, nn.Identity) or not dropout.training)
    )


def _is_plain(layer: Any, options: dict[str, Any]) -> bool:
    """One unmerged adapter of a kind known here, for all rows."""
    active = layer.active_adapters
    return (
        not layer.merged
        and not options
        and len(active) == 1
        and active[0] in layer.lora_A
        and (
            active[0] not in layer.lora_variant
            or isinstance(layer.lora_variant[active[0]], DoraLinearVariant)
        )
    )
