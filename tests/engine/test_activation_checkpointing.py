import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine.config import TrainConfig
from dpo_engine.forward.activation_checkpointing import checkpoint_layers
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.loading import load_for_training
from dpo_engine.pairs.batches import collate
from dpo_engine.pairs.tokenization import TokenizedPair
from tests.helpers.tiny_model import save_tiny_model
from tests.helpers.training_runs import curve, new_run, run_it

PAIRS = [
    TokenizedPair(id="a", split="train", prompt=(1, 9, 8), chosen=(5, 6, 7, 2), rejected=(9, 2)),
    TokenizedPair(id="b", split="train", prompt=(1, 4, 4, 4, 4, 10, 11), chosen=(2,), rejected=(3, 2, 2, 2)),
]
BATCH = collate(PAIRS, (0, 1))


class _Saved:
    """Counts the bytes that autograd keeps between forward and backward pass."""

    def __init__(self) -> None:
        self.bytes = 0

    def pack(self, tensor: torch.Tensor) -> torch.Tensor:
        self.bytes += tensor.nbytes
        return tensor


def _gradients(model: Any, dtype: torch.dtype) -> tuple[dict[str, torch.Tensor], torch.Tensor, int]:
    """Gradient by name, the sums, and the bytes kept; each dropout of an adapter draws the same numbers."""
    for name, module in model.named_modules():
        if "lora_dropout" in name:
            module.train()
    saved = _Saved()
    torch.manual_seed(3)
    scorer = LogProbs(model, device=torch.device("cpu"), forward_dtype=dtype)
    with torch.autograd.graph.saved_tensors_hooks(saved.pack, lambda tensor: tensor):
        sums = scorer.sums(BATCH)
    sums.square().sum().backward()
    gradients = {
        name.replace("_orig_mod.", ""): one.grad.clone()
        for name, one in model.named_parameters()
        if one.grad is not None
    }
    model.zero_grad()
    return gradients, sums.detach(), saved.bytes


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "gemma2"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("changes", [{"method": "full"}, {"lora_dropout": 0.5}])
def test_gradients_are_the_same_and_less_is_kept(
    changes: dict[str, Any], dtype: Any, family: Any, tmp_path: Path
) -> None:
    folder = save_tiny_model(tmp_path / "model", family=family)
    config = TrainConfig(device="cpu", dtype=dtype, **changes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        loaded = load_for_training(str(folder), config)
        for name, one in loaded.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(one, std=0.1)
        plain, sums, kept = _gradients(loaded.model, loaded.dtype)
        assert checkpoint_layers(loaded.model, dropout=config.lora_dropout > 0) == 2
        again, same_sums, kept_now = _gradients(loaded.model, loaded.dtype)
    assert torch.equal(sums, same_sums)
    assert plain.keys() == again.keys() and len(plain) > 10
    assert all(torch.equal(one, again[name]) for name, one in plain.items())
    assert kept_now < 0.7 * kept
    assert not loaded.model.base_model.training


def test_nothing_is_done_twice_where_no_gradient_is_wanted(tiny_model_folder: Path) -> None:
    loaded = load_for_training(str(tiny_model_folder), TrainConfig(device="cpu", dtype="float32"))
    checkpoint_layers(loaded.model, dropout=False)
    checkpoint_layers(loaded.model, dropout=False)
    scorer = LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)
    calls: list[int] = []
    for module in loaded.model.modules():
        if type(module).__name__ == "LlamaMLP":
            module.register_forward_pre_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        scorer.sums(BATCH)
    assert len(calls) == 2
    scorer.sums(BATCH).sum().backward()
    assert len(calls) == 2 + 4


def test_a_copy_of_the_model_runs_its_own_layers(tiny_model_folder: Path) -> None:
    """A frozen copy that is the reference must not follow the policy."""
    config = TrainConfig(method="full", device="cpu", dtype="float32")
    loaded = load_for_training(str(tiny_model_folder), config)
    checkpoint_layers(loaded.model, dropout=False)
    frozen = copy.deepcopy(loaded.model)
    scorer = LogProbs(frozen, device=loaded.device, forward_dtype=loaded.dtype)
    before = scorer.sums(BATCH)
    with torch.no_grad():
        for one in loaded.model.parameters():
            one.zero_()
    assert torch.equal(scorer.sums(BATCH), before)


@pytest.mark.parametrize("changes", [{"method": "full"}, {"lora_dropout": 0.2}])
def test_a_run_takes_the_same_curve_with_and_without(
    changes: dict[str, Any], tmp_path: Path, tiny_model_folder: Path
) -> None:
    curves = [
        curve(run_it(new_run(tmp_path, tiny_model_folder, name=how, gradient_checkpointing=how, **changes)))
        for how in ("off", "on")
    ]
    losses = [[metrics["loss"] for _, metrics in one] for one in curves]
    assert losses[0] == losses[1] and len(losses[0]) == 4
    assert losses[0][0] != losses[0][-1]
