"""A LoRA layer that adds its adapter's output in float32, so that a small adapter is not rounded away.

With bfloat16 weights a layer's own output has been rounded to 8 bits when the adapter's is added to it. In a
young adapter that addition is mostly smaller than half of the last bit, and rounding the sum loses it every
time: not noise that averages out, but a dead zone. Measured with a 135M model after three optimizer steps,
mean reward margin of six pairs: 0.705 in float32; 0.248 in bfloat16 with the sum rounded, 0.658 with the sum
in float32. It costs 7 % of a training step on a CPU.
"""

from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor


class ExactLoraLinear(Linear):  # type: ignore[misc]  # peft has no types
    """y = (W x in the layer's own type) + (B A x · scaling), added and passed on in float32.

    The stream between the layers is float32 then, so the model must be called under `device.precision`.
    With the adapter off, the output is float32 as well: a fresh adapter changes nothing, to the last bit.
    """

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if not self._is_plain(kwargs):
            unusual: Tensor = super().forward(x, *args, **kwargs)
            return unusual
        own: Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return own.float()
        (name,) = self.active_adapters
        taken = self._cast_input_dtype(x, self.lora_A[name].weight.dtype)
        added: Tensor = self.lora_B[name](self.lora_A[name](self.lora_dropout[name](taken)))
        total: Tensor = own.float() + added.float() * self.scaling[name]
        return total

    def _is_plain(self, options: dict[str, Any]) -> bool:
        """One unmerged adapter of the usual kind for all rows."""
        active = self.active_adapters
        return (
            not self.merged
            and not options
            and len(active) == 1
            and active[0] in self.lora_A
            and active[0] not in self.lora_variant
        )


def make_sums_exact(model: torch.nn.Module) -> None:
    """Turn peft's LoRA layers of `model` into exact ones, in place."""
    for module in model.modules():
        if type(module) is Linear:
            module.__class__ = ExactLoraLinear
