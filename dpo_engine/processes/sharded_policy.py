"""A policy whose weights lie in parts on several devices (FSDP2, `fully_shard`).

Each decoder layer is a group, and what is left (embedding, last norm, output layer) another. A group's
weights are gathered from all processes for its forward and its backward pass, and let go of in between;
gradients are added up over the processes and each keeps its part, in which its optimizer works. Numbers are
those of one process up to the order of sums: nothing is cast, the forward pass computes under the same
autocast. Frozen bfloat16 weights and a float32 adapter may share a group, because only what has gradients
must be of one type.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from transformers.modeling_layers import GradientCheckpointingLayer

from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.loading import LoadedModel
from dpo_engine.pairs.batches import Rows
from dpo_engine.processes.distributed import Ranks

_CPU = torch.device("cpu")


class ShardedLogProbs(LogProbs):
    """Scores as `LogProbs` does, while all processes score at the same time, each its own batch."""

    def __init__(self, loaded: LoadedModel, ranks: Ranks) -> None:
        """Takes the model of `loaded`, whole on the CPU, apart in place, and its part to `loaded.device`."""
        super().__init__(loaded.model, device=_CPU, forward_dtype=loaded.dtype)
        self._whole = _Whole(loaded.model, super()._of_rows)
        _shard(self._whole, loaded.device.type, ranks.size)
        self.device = loaded.device

    def _of_rows(self, rows: Rows) -> Tensor:
        result: Tensor = self._whole(rows)
        return result


class _Whole(nn.Module):
    """The model and all that is computed with its weights, as one module: outside of it they lie in parts."""

    def __init__(self, model: nn.Module, work: Callable[[Rows], Tensor]) -> None:
        super().__init__()
        self.model = model
        self._work = work

    def forward(self, rows: Rows) -> Tensor:
        return self._work(rows)


def _shard(whole: nn.Module, device: str, processes: int) -> None:
    """In place. Also the outermost group is let go of after a forward pass: else its weights would be found
    whole after a measurement, and in parts after a step."""
    mesh = init_device_mesh(device, (processes,))
    layers = [one for one in whole.modules() if isinstance(one, GradientCheckpointingLayer)]
    for module in (*layers, whole):
        part: FSDPModule = fully_shard(module, mesh=mesh, reshard_after_forward=True)
        # The loss is divided by the pairs of all processes, so gradients are to be added, not averaged.
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)


def parts_here(gradients: list[Tensor]) -> list[Tensor]:
    """What of each tensor lies on this device."""
    return [one.to_local() if isinstance(one, DTensor) else one for one in gradients]


def whole_state(model: nn.Module, ranks: Ranks) -> dict[str, Tensor]:
    """The trained weights (of a full fine-tune the whole state), whole on the leader's CPU; else nothing.

    One after another, so that no device ever holds more than one of them whole. All processes call it.
    """
    whole: dict[int, Tensor] = {}
    state: dict[str, Tensor] = {}
    for name, tensor in _to_save(model):
        if id(tensor) not in whole:
            full = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
            whole[id(tensor)] = full.detach().cpu() if ranks.leads else torch.empty(0)
        state[name] = whole[id(tensor)]
    return state if ranks.leads else {}


def _to_save(model: Any) -> Iterator[tuple[str, Tensor]]:
    state: dict[str, Any] = model.state_dict(keep_vars=True)
    frozen = {id(one) for one in model.parameters() if not one.requires_grad}
    return ((name, one) for name, one in state.items() if id(one) not in frozen)
