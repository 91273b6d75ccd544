from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.models.loading import load_for_training
from dpo_engine.training import optimizers
from dpo_engine.training.optimizers import (
    begin_moments,
    decays,
    load_state_tensors,
    make_optimizer,
    state_tensors,
)
from tests.helpers.tiny_model import save_tiny_model, tiny_model

FULL = TrainConfig(method="full", weight_decay=0.1, device="cpu", dtype="float32")


def _kinds(names: frozenset[str]) -> set[str]:
    """Which weights of a layer they are, whatever its number."""
    return {".".join(part for part in name.split(".")[-3:] if not part.isdigit()) for name in names}


def test_decay_acts_on_the_matrices_of_a_llama_alone() -> None:
    model = tiny_model("llama")
    assert _kinds(decays(model)) == {
        *(f"self_attn.{name}_proj.weight" for name in "qkvo"),
        *(f"mlp.{name}_proj.weight" for name in ("gate", "up", "down")),
    }
    spared = {name for name, _ in model.named_parameters()} - decays(model)
    assert {name for name in spared if "layers" not in name} == {
        "model.embed_tokens.weight",
        "model.norm.weight",
    }
    assert all("layernorm" in name for name in spared if "layers" in name)


def test_decay_acts_on_the_matrices_of_a_gpt2_alone() -> None:
    model = tiny_model("gpt2")
    assert _kinds(decays(model)) == {
        "attn.c_attn.weight",
        "attn.c_proj.weight",
        "mlp.c_fc.weight",
        "mlp.c_proj.weight",
    }
    spared = {name for name, _ in model.named_parameters()} - decays(model)
    assert {"transformer.wte.weight", "transformer.wpe.weight"} <= spared
    assert all(name.endswith("bias") or "ln_" in name or ".w" in name for name in spared)


def test_an_output_layer_of_its_own_decays_and_one_that_is_the_embedding_does_not() -> None:
    assert "lm_head.weight" in decays(tiny_model("qwen2"))
    assert not any("embed_tokens" in name or "lm_head" in name for name in decays(tiny_model("llama")))


def test_an_adapter_s_matrices_decay_and_dora_s_magnitudes_do_not(tiny_model_folder: Path) -> None:
    config = TrainConfig(use_dora=True, device="cpu", dtype="float32")
    names = decays(load_for_training(str(tiny_model_folder), config).model)
    assert names and all("lora_A" in name or "lora_B" in name for name in names)


def test_every_trained_weight_is_in_one_group_and_decays_as_said() -> None:
    model = tiny_model("llama")
    optimizer = make_optimizer(model, FULL)
    names = {id(one): name for name, one in model.named_parameters()}
    grouped = {
        group["weight_decay"]: {names[id(one)] for one in group["params"]} for group in optimizer.param_groups
    }
    assert grouped[0.1] == decays(model)
    assert grouped[0.1] | grouped[0.0] == set(names.values())
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    for one in model.parameters():
        one.grad = torch.zeros_like(one)
    for group in optimizer.param_groups:
        group["lr"] = 0.5
    optimizer.step()
    for name, one in model.named_parameters():
        expected = before[name] * (1 - 0.5 * 0.1) if name in decays(model) else before[name]
        torch.testing.assert_close(one.detach(), expected, msg=name)


def test_moments_survive_a_checkpoint() -> None:
    model = tiny_model("llama")
    optimizer = make_optimizer(model, FULL)
    for one in model.parameters():
        one.grad = torch.ones_like(one)
    optimizer.step()
    again = make_optimizer(model, FULL)
    for one in model.parameters():
        kept = state_tensors(optimizer, one)
        assert set(kept) == {"exp_avg", "exp_avg_sq", "step"}
        load_state_tensors(again, one, kept)
        assert all(torch.equal(again.state[one][name], value) for name, value in kept.items())


def test_eight_bits_are_refused_where_they_cannot_be_had(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainConfig(optim="adamw_8bit", device="cpu")
    with pytest.raises(BadInput, match=r"adamw_8bit, which needs a CUDA device.*dpo-studio\[qlora\]"):
        load_for_training(str(tiny_model_folder), config)
    with pytest.raises(BadInput, match="needs a CUDA device"):
        make_optimizer(tiny_model(), TrainConfig(method="full", optim="adamw_8bit"))
    monkeypatch.setattr(optimizers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="needs the package bitsandbytes"):
        optimizers.check_available(config, torch.device("cuda"))


def test_eight_bit_moments_survive_a_checkpoint(tmp_path: Path) -> None:
    """With bitsandbytes' CPU kernels, where it is installed."""
    bitsandbytes: Any = pytest.importorskip("bitsandbytes")
    folder = save_tiny_model(tmp_path / "model")
    ours, theirs = (load_for_training(str(folder), FULL).model for _ in range(2))
    pairs = [(model, bitsandbytes.optim.AdamW8bit(model.parameters(), lr=1e-2)) for model in (ours, theirs)]

    def move(model: Any, optimizer: Any, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for one in model.parameters():
            one.grad = torch.randn(one.shape, generator=generator)
        optimizer.step()

    for seed in (1, 2):
        for model, optimizer in pairs:
            move(model, optimizer, seed)
    resumed = bitsandbytes.optim.AdamW8bit(theirs.parameters(), lr=1e-2)
    for one in theirs.parameters():
        kept = {name: value.clone() for name, value in state_tensors(pairs[1][1], one).items()}
        load_state_tensors(resumed, one, kept)
        assert isinstance(resumed.state[one]["step"], int)
    move(*pairs[0], 3)
    move(theirs, resumed, 3)
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_state_that_is_begun_apart_is_what_adamw_would_have_begun() -> None:
    layers = [torch.nn.Linear(200, 100), torch.nn.Linear(200, 100)]
    layers[1].load_state_dict(layers[0].state_dict())
    optimizers = [torch.optim.AdamW(layer.parameters(), lr=0.1, fused=True) for layer in layers]
    for _ in range(3):
        for layer, optimizer in zip(layers, optimizers, strict=True):
            optimizer.zero_grad()
            layer(torch.ones(2, 200)).square().sum().backward()
        begin_moments(optimizers[1])
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(layers[0].parameters(), layers[1].parameters(), strict=True):
        assert torch.equal(one, other)
        kept, begun = state_tensors(optimizers[0], one), state_tensors(optimizers[1], other)
        assert kept.keys() == begun.keys()
        assert all(torch.equal(kept[name], begun[name]) for name in kept)
