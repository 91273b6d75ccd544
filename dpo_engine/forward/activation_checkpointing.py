"""Activation checkpointing: a layer keeps its input alone and is computed again in the backward pass.

transformers has a switch for it that acts only in training mode. The policy learns in eval mode, because
every dropout but LoRA's own is off, so its layers become checkpointed ones here, which act whenever a
gradient is wanted and at no other time.
"""

from typing import Any

from torch import is_grad_enabled, nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer


class _Checkpointed:
    """Comes before a decoder layer in a class's bases."""

    draws_random_numbers: bool

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        layer: Any = super()
        if not is_grad_enabled():
            return layer.forward(*args, **kwargs)
        return checkpoint(
            layer.forward,
            *args,
            use_reentrant=False,
            preserve_rng_state=self.draws_random_numbers,
            **kwargs,
        )


def checkpoint_layers(model: nn.Module, *, dropout: bool) -> int:
    """Turn the decoder layers of `model` into checkpointed ones, in place; gives how many there are.

    `dropout`: the layers draw random numbers, which the second computation must draw again. Their class is
    changed rather than a function hung onto each: a copy of the model then runs its own layers. Gradients
    are the same to the last bit on the CPU.
    """
    kinds: dict[type, type] = {}
    layers = [one for one in model.modules() if isinstance(one, GradientCheckpointingLayer)]
    for layer in layers:
        theirs = type(layer)
        if issubclass(theirs, _Checkpointed):
            continue
        if theirs not in kinds:
            own = {"draws_random_numbers": dropout, "__module__": theirs.__module__}
            kinds[theirs] = type(theirs.__name__, (_Checkpointed, theirs), own)
        layer.__class__ = kinds[theirs]
    return len(layers)
