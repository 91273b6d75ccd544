"""A copy of a model as it is now, for comparing with it after it has moved on."""

import copy

import psutil  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn

from dpo_engine.forward.kept_gradients import is_plain
from dpo_engine.forward.log_probs import LogProbs

_TRAINING_COPIES = 3
"""Gradients and AdamW's two moments, each as large as the weights, come with the first step."""
SHARE_OF_ROOM = 0.25
FEW_PAIRS = 256
"""So many are rather computed before the first step than with a copy kept for them, where memory is the
machine's own: the whole takes as long, and with a small model the first step waits half a minute at most."""


def frozen(scorer: LogProbs, *, whole: bool = False) -> LogProbs:
    """A scorer of its own for a copy of `scorer`'s model. It gives the same numbers to the last bit.

    The matrices of linear layers are kept in the type that they are multiplied in, which autocast would
    convert them to at every pass: in bfloat16 that is half the memory. `whole` keeps all as it is.
    """
    quickly = set() if whole else _converted_at_each_pass(scorer.model)
    memo: dict[int, object] = {}
    for parameter in scorer.model.parameters():
        dtype = scorer.forward_dtype if id(parameter) in quickly else parameter.dtype
        kept = parameter.detach().to(dtype, copy=True)
        memo[id(parameter)] = nn.Parameter(kept, requires_grad=False)
    model: nn.Module = copy.deepcopy(scorer.model, memo)
    return LogProbs(model.eval(), device=scorer.device, forward_dtype=scorer.forward_dtype)


def are_computed_first(device: torch.device, pairs: int) -> bool:
    """Whether a full fine-tune computes so many pairs with the model itself, before it moves."""
    return pairs <= FEW_PAIRS and device.type != "cuda"


def has_room(scorer: LogProbs) -> bool:
    """Whether a frozen copy takes little of the memory that a full fine-tune will leave free."""
    quickly = _converted_at_each_pass(scorer.model)
    weights = extra = 0
    for parameter in scorer.model.parameters():
        dtype = scorer.forward_dtype if id(parameter) in quickly else parameter.dtype
        weights += parameter.numel() * parameter.element_size()
        extra += parameter.numel() * dtype.itemsize
    return extra <= SHARE_OF_ROOM * (_free_memory(scorer.device) - _TRAINING_COPIES * weights)


def move_towards(model: nn.Module, target: nn.Module, share: float) -> None:
    """weight <- share · target's weight + (1 − share) · weight, for every weight of `model`."""
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), target.parameters(), strict=True):
            ours.lerp_(theirs, share)


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Name -> weight; one that two layers share comes once."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def _converted_at_each_pass(model: nn.Module) -> set[int]:
    """Ids of the matrices that only plain linear layers use, the head's apart: it may be used by itself."""
    by_linear = {id(one.weight) for one in model.modules() if is_plain(one, nn.Linear)}
    elsewhere = {id(one.weight) for one in model.modules() if isinstance(one, nn.Embedding)}
    head = getattr(model, "get_output_embeddings", lambda: None)()
    return by_linear - elsewhere - {id(getattr(head, "weight", None))}


def _free_memory(device: torch.device) -> int:
    """Bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return int(psutil.virtual_memory().available)
