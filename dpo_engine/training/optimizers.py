"""The optimizer of a run: which one, over which weights, and its state as named tensors for a checkpoint."""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from dpo_engine.compute.lasting_memory import lasting_zeros
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput

EIGHT_BIT_NEEDS = (
    "optim is adamw_8bit, which needs {missing}. Use optim adamw, or install it on a machine with an NVIDIA "
    'GPU: pip install "dpo-studio[qlora]".'
)


def make_optimizer(model: nn.Module, config: TrainConfig) -> Optimizer:
    """AdamW over the trained weights of `model`, in one fused kernel, or with its moments in 8 bits.

    Decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101) acts on matrices of linear layers and of
    adapters, see `decays`. Raises `BadInput` where the 8-bit one is asked for and cannot be had.
    """
    trained = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
    decayed = decays(model)
    groups = [
        {"params": [one for name, one in trained if name in decayed], "weight_decay": config.weight_decay},
        {"params": [one for name, one in trained if name not in decayed], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    rate = config.learning_rate or 0.0
    if config.optim == "adamw_8bit":
        return _eight_bit(groups, rate, {one.device.type for _, one in trained})
    fused = all(one.device.type in ("cpu", "cuda", "mps") for _, one in trained)
    return AdamW(groups, lr=rate, fused=fused)


def decays(model: nn.Module) -> frozenset[str]:
    """Names of the trained weights that weight decay acts on.

    Matrices only: a decayed norm scale or bias, or DoRA's magnitudes, would be drawn towards 0, which no
    layer means by 0. Embeddings are tables and not maps: a row that no batch names gets no gradient, and
    decay alone would wear rare tokens away. Where the output layer shares its weight with the embedding it
    is an embedding.
    """
    tables = {id(one.weight) for one in model.modules() if isinstance(one, nn.Embedding)}
    return frozenset(
        name
        for name, one in model.named_parameters()
        if one.requires_grad and one.ndim >= 2 and id(one) not in tables and "lora_embedding" not in name
    )


def check_available(config: TrainConfig, device: torch.device) -> None:
    """Raise `BadInput` where the optimizer cannot be had here: known before a model is loaded."""
    if config.optim != "adamw_8bit":
        return
    if device.type != "cuda":
        raise BadInput(EIGHT_BIT_NEEDS.format(missing="a CUDA device"))
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BadInput(EIGHT_BIT_NEEDS.format(missing="the package bitsandbytes"))


def begin_moments(optimizer: Optimizer) -> None:
    """Give AdamW the state that its next step would make itself, in memory apart from the heap."""
    if not isinstance(optimizer, AdamW):
        return
    for group in optimizer.param_groups:
        for one in group["params"]:
            if type(one) is nn.Parameter and one.grad is not None and one not in optimizer.state:
                optimizer.state[one] = {
                    "step": torch.zeros((), dtype=torch.float32),
                    "exp_avg": lasting_zeros(one.detach()),
                    "exp_avg_sq": lasting_zeros(one.detach()),
                }


def state_tensors(optimizer: Optimizer, parameter: nn.Parameter) -> dict[str, Tensor]:
    """What `optimizer` keeps about `parameter`, by name; a number becomes a tensor without dimensions."""
    kept: Mapping[str, Any] = optimizer.state.get(parameter, {})
    return dict(_as_tensors(kept))


def load_state_tensors(optimizer: Optimizer, parameter: nn.Parameter, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `state_tensors` gave, on the parameter's device.

    bitsandbytes counts its steps in a Python int, AdamW in a float32 tensor: int64 comes back as an int.
    AdamW keeps its count beside the parameter only where it is fused, which ours always is.
    """
    optimizer.state[parameter] = {
        name: int(one) if one.ndim == 0 and one.dtype == torch.int64 else one.to(parameter.device)
        for name, one in tensors.items()
    }


def _as_tensors(kept: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    for name, value in kept.items():
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, int):
            yield name, torch.tensor(value, dtype=torch.int64)


def _eight_bit(groups: list[dict[str, Any]], rate: float, devices: set[str]) -> Optimizer:
    """bitsandbytes' AdamW: moments in blocks of 256 values of 8 bits with a scale each (arXiv 2110.02861).

    It keeps tensors of fewer than 4,096 values in float32, so norms and biases are exact.
    """
    if devices - {"cuda"}:
        raise BadInput(EIGHT_BIT_NEEDS.format(missing="a CUDA device"))
    try:
        bitsandbytes = importlib.import_module("bitsandbytes")
    except ImportError as error:
        raise BadInput(EIGHT_BIT_NEEDS.format(missing="the package bitsandbytes")) from error
    made: Optimizer = bitsandbytes.optim.AdamW8bit(groups, lr=rate)
    return made
