"""The tensors that make up a training under way, by name: for a checkpoint, and back from one.

weight/NAME                        trained weights, float32
exp_avg/NAME, exp_avg_sq/NAME      AdamW's moments; another optimizer's tensors under its own words
moments_step/NAME                  how many steps they have seen
random/GENERATOR                   states of the random generators
loss/NAME                          what the loss keeps from step to step
reference, reference_model/NAME    reference log-probs, [2, pairs]; the reference itself where it moves
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dpo_engine.errors import BadInput
from dpo_engine.training.optimizers import load_state_tensors, state_tensors

_STEP, _WORD_FOR_STEP = "step", "moments_step"
_NOT_THE_OPTIMIZER_S = {"weight", "random", "loss", "reference", "reference_model"}


def trained_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Name and parameter of everything that the optimizer moves."""
    return ((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)


def collect(model: nn.Module, optimizer: Optimizer, others: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights, the optimizer's tensors and `others`, which have full names, on the CPU.

    What is there already is not copied, which would take as much memory again as three times the weights of
    a full fine-tune: save it before the next step changes it.
    """
    return {name: one.cpu() for name, one in named(model, optimizer, others).items()}


def named(model: nn.Module, optimizer: Optimizer, others: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same, themselves and where they are."""
    tensors = dict(others)
    for name, parameter in trained_parameters(model):
        tensors[f"weight/{name}"] = parameter
        for key, tensor in state_tensors(optimizer, parameter).items():
            tensors[f"{_WORD_FOR_STEP if key == _STEP else key}/{name}"] = tensor
    return {name: tensor.detach() for name, tensor in tensors.items()}


@torch.no_grad()
def restore(tensors: Mapping[str, Tensor], model: nn.Module, optimizer: Optimizer) -> None:
    """Put weights and the optimizer's tensors back. Raises `BadInput` where they do not fit the model."""
    words = {name.partition("/")[0] for name in tensors} - _NOT_THE_OPTIMIZER_S
    for name, parameter in trained_parameters(model):
        weight = tensors.get(f"weight/{name}")
        if weight is None or weight.shape != parameter.shape:
            raise BadInput(f"The checkpoint does not fit the model: {name} is missing or of another shape.")
        parameter.copy_(weight)
        kept = {
            _STEP if word == _WORD_FOR_STEP else word: tensors[f"{word}/{name}"]
            for word in words
            if f"{word}/{name}" in tensors
        }
        if kept:
            load_state_tensors(optimizer, parameter, kept)


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """NAME -> tensor of every `prefix/NAME`."""
    return {
        name.removeprefix(f"{prefix}/"): one for name, one in tensors.items() if name.startswith(f"{prefix}/")
    }


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`prefix/NAME` -> tensor of every NAME."""
    return {f"{prefix}/{name}": one for name, one in tensors.items()}
