"""The tensors that make up a training under way, by name: for a checkpoint, and back from one.

weight/NAME                        trained weights, float32
exp_avg/NAME, exp_avg_sq/NAME      AdamW's moments
moments_step/NAME                  how many steps they have seen
random/GENERATOR                   states of the random generators
reference                          reference log-probs, [2, pairs]
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from dpo_engine.errors import BadInput
from dpo_engine.randomness import RandomStream
from dpo_engine.reference import Reference

_MOMENTS = {"exp_avg": "exp_avg", "exp_avg_sq": "exp_avg_sq", "step": "moments_step"}


def trained_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Name and parameter of everything that the optimizer moves."""
    return ((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)


def collect(
    model: nn.Module, optimizer: AdamW, random: RandomStream, reference: Reference
) -> dict[str, Tensor]:
    """Copies on the CPU of everything listed above."""
    tensors = {"reference": reference.state()}
    tensors |= {f"random/{name}": state for name, state in random.state().items()}
    for name, parameter in trained_parameters(model):
        tensors[f"weight/{name}"] = parameter.detach()
        for key, prefix in _MOMENTS.items():
            if key in optimizer.state.get(parameter, {}):
                tensors[f"{prefix}/{name}"] = optimizer.state[parameter][key]
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}


@torch.no_grad()
def restore(
    tensors: dict[str, Tensor],
    model: nn.Module,
    optimizer: AdamW,
    random: RandomStream,
    reference: Reference,
) -> None:
    """Put everything back where `collect` found it. Raises `BadInput` where it does not fit the model."""
    for name, parameter in trained_parameters(model):
        weight = tensors.get(f"weight/{name}")
        if weight is None or weight.shape != parameter.shape:
            raise BadInput(f"The checkpoint does not fit the model: {name} is missing or of another shape.")
        parameter.copy_(weight)
        moments = {
            key: tensors[f"{prefix}/{name}"].to(parameter.device)
            for key, prefix in _MOMENTS.items()
            if f"{prefix}/{name}" in tensors
        }
        if moments:
            optimizer.state[parameter] = moments
    if "reference" not in tensors:
        raise BadInput("The checkpoint does not fit the run: it has no reference log-probs.")
    reference.load_state(tensors["reference"])
    prefix = "random/"
    random.load_state({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
