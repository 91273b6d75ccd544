"""The numbers of a model that decide how much memory its training needs, without its weights."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM

from dpo_engine.config import TrainConfig
from dpo_engine.models import adapters

_KEPT_EXACT = 4096
"""bitsandbytes keeps the moments of smaller tensors in float32."""


@dataclass(frozen=True, kw_only=True)
class ModelSizes:
    """Counts of numbers, not bytes."""

    parameters: int
    """Of the model itself, without an adapter's."""
    linear: int
    """Of them, in linear layers, the output layer aside."""
    head: int
    """Of them, in the output layer."""
    trained: int
    """Of the weights that the optimizer moves."""
    trained_small: int
    """Of them, in tensors of fewer than 4,096 numbers."""
    trains_head: bool
    vocabulary: int
    hidden: int


def sizes_of(model_config: Any, config: TrainConfig) -> ModelSizes:
    """Of a model of this config (transformers') as `config` trains it.

    The model is laid out on PyTorch's meta device, where weights have shapes and no numbers. Raises
    `BadInput` where `config` names layers for its adapter that the model does not have.
    """
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(model_config, trust_remote_code=False)
        head = model.get_output_embeddings().weight
        parameters = sum(one.numel() for one in model.parameters())
        linear = sum(one.weight.numel() for one in model.modules() if _is_linear(one, head))
        if config.method != "full":
            model = adapters.begin(model.requires_grad_(False), config, "")
    trained = [one.numel() for one in model.parameters() if one.requires_grad]
    return ModelSizes(
        parameters=parameters,
        linear=linear,
        head=head.numel(),
        trained=sum(trained),
        trained_small=sum(count for count in trained if count < _KEPT_EXACT),
        trains_head=bool(head.requires_grad),
        vocabulary=head.shape[0],
        hidden=head.shape[1],
    )


def _is_linear(module: nn.Module, head: Any) -> bool:
    kind = isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
    return kind and module.weight is not head
