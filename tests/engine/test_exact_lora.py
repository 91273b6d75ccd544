"""Small adapters are not rounded away, fresh ones change nothing, and in float32 all is as in peft."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor

from dpo_engine.compute.device import precision
from dpo_engine.config import TrainConfig
from dpo_engine.forward.exact_lora import ExactLoraLinear, dora_norm
from dpo_engine.models import adapters
from dpo_engine.models.loading import LoadedModel, load, load_for_training
from tests.helpers.tiny_model import Family, save_tiny_model

IDS = torch.tensor([[5, 90, 17, 200, 33, 64]])
KINDS = {
    "lora": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "both": {"use_dora": True, "use_rslora": True},
}


def _adapted(folder: Path, kind: str, *, size: float, dtype: Any = "float32") -> LoadedModel:
    """A policy in training whose adapter adds about `size` times what the tests' other adapters add."""
    config = TrainConfig(lora_r=4, lora_alpha=8, device="cpu", dtype=dtype, **KINDS[kind])
    with torch.random.fork_rng():
        torch.manual_seed(1)
        loaded = load_for_training(str(folder), config)
        with torch.no_grad():
            for name, one in loaded.model.named_parameters():
                if "lora_B" in name:
                    one.copy_(torch.randn(one.shape) * 0.2 * size)
                if "magnitude" in name:
                    one.mul_(1 + 0.1 * size * torch.randn(one.shape))
    return loaded


def _layers(loaded: LoadedModel) -> list[Any]:
    return [module for module in loaded.model.modules() if isinstance(module, ExactLoraLinear)]


def _logits(loaded: LoadedModel) -> Tensor:
    model: Any = loaded.model
    with torch.no_grad(), precision(loaded.device, loaded.dtype):
        return torch.as_tensor(model(input_ids=IDS).logits)


def _whole_weight(layer: Any) -> Tensor:
    """What the layer's matrix comes to, by the papers' formulas in float64."""
    own = layer.get_base_layer().weight.detach().double()
    down, up = (one["default"].weight.detach().double() for one in (layer.lora_A, layer.lora_B))
    moved = own + layer.scaling["default"] * up @ down
    if not layer.lora_magnitude_vector:
        return moved
    magnitude = layer.lora_magnitude_vector["default"].weight.detach().double()
    return moved * (magnitude / moved.norm(dim=1))[:, None]


def _error_of_what_is_added(layer: Any, forward: Any) -> float:
    """|what the adapter adds − what it should add| / |what it should add|, for bfloat16 inputs."""
    x = torch.randn(50, layer.in_features, generator=torch.Generator().manual_seed(0)).bfloat16()
    own = layer.get_base_layer().weight.detach()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        added = forward(layer, x).double() - layer.base_layer(x).double()
    expected = x.double() @ (_whole_weight(layer) - own.double()).T
    return float((added - expected).norm() / expected.norm())


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_adapter_is_not_rounded_away(kind: str, tiny_model_folder: Path) -> None:
    """And would be by peft's own layer: then there was no need for ours."""
    young = _adapted(tiny_model_folder, kind, size=1e-3, dtype="bfloat16")
    layers = _layers(young)
    assert len(layers) == 14
    for layer in layers:
        assert _error_of_what_is_added(layer, ExactLoraLinear.forward) < 0.03
        assert _error_of_what_is_added(layer, Linear.forward) > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_float32_gives_what_peft_gives_and_the_same_gradients(kind: str, tiny_model_folder: Path) -> None:
    exact = _adapted(tiny_model_folder, kind, size=1.0)
    model: Any = exact.model
    results = []
    for _ in range(2):
        logits = model(input_ids=IDS).logits
        model.zero_grad()
        logits.square().mean().backward()
        gradients = {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}
        results.append((logits.detach(), gradients))
        for module in _layers(exact):
            module.__class__ = Linear
    (ours, our_gradients), (theirs, their_gradients) = results
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)
    assert our_gradients.keys() == their_gradients.keys()
    assert any("magnitude" in name for name in our_gradients) == ("use_dora" in KINDS[kind])
    for name, gradient in our_gradients.items():
        torch.testing.assert_close(gradient, their_gradients[name], atol=1e-4, rtol=1e-3, msg=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_fresh_adapter_changes_nothing_to_the_last_bit(
    kind: str, dtype: Any, family: Family, tmp_path: Path
) -> None:
    folder = save_tiny_model(tmp_path / "model", family=family)
    fresh = load_for_training(str(folder), TrainConfig(device="cpu", dtype=dtype, **KINDS[kind]))
    assert _layers(fresh)
    model: Any = fresh.model
    with model.disable_adapter():
        off = _logits(fresh)
    assert torch.equal(_logits(fresh), off)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_adapter_says_the_same_when_it_is_loaded_again(
    kind: str, dtype: Any, tiny_model_folder: Path, tmp_path: Path
) -> None:
    trained = _adapted(tiny_model_folder, kind, size=1.0, dtype=dtype)
    trained.model.save_pretrained(tmp_path / "saved", save_embedding_layers=False)
    again = load(str(tmp_path / "saved"), device="cpu", dtype=dtype)
    assert torch.equal(_logits(again), _logits(trained))
    assert {one.dtype for name, one in again.model.named_parameters() if "lora_" in name} == {torch.float32}
    assert not any(one.requires_grad for one in again.model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_melting_puts_the_whole_adapter_into_the_weights(
    kind: str, tiny_model_folder: Path, tmp_path: Path
) -> None:
    trained = _adapted(tiny_model_folder, kind, size=1.0)
    trained.model.save_pretrained(tmp_path / "saved", save_embedding_layers=False)
    whole = adapters.melt(
        load(str(tiny_model_folder), device="cpu", dtype="float32").model, tmp_path / "saved"
    )
    with torch.no_grad():
        torch.testing.assert_close(whole(input_ids=IDS).logits, _logits(trained), atol=1e-3, rtol=1e-4)


def test_rank_stabilised_is_scaled_by_the_root_of_the_rank(tiny_model_folder: Path) -> None:
    scales = [_layers(_adapted(tiny_model_folder, kind, size=1.0))[0].scaling for kind in ("lora", "rslora")]
    assert [scale["default"] for scale in scales] == [8 / 4, 8 / 2]


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_norm_is_that_of_the_sum(family: Family, tmp_path: Path) -> None:
    loaded = _adapted(save_tiny_model(tmp_path / "model", family=family), "dora", size=1.0)
    for layer in _layers(loaded):
        own = layer.get_base_layer().weight.detach()
        whole = (own.T if family == "gpt2" else own) + layer.scaling["default"] * (
            layer.lora_B["default"].weight @ layer.lora_A["default"].weight
        ).detach()
        torch.testing.assert_close(dora_norm(layer, "default"), whole.norm(dim=1), atol=1e-5, rtol=1e-5)


def test_the_norm_follows_an_adapter_that_is_trained_and_one_that_is_changed(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    """A fused optimizer moves weights without counting it, so nothing may be kept from step to step."""
    trained = _adapted(tiny_model_folder, "dora", size=1.0)
    weights = [one for one in trained.model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=0.1, fused=True)
    before = _logits(trained)
    trained.model(input_ids=IDS).logits.square().mean().backward()
    optimizer.step()
    moved = _logits(trained)
    trained.model.save_pretrained(tmp_path / "saved", save_embedding_layers=False)
    again = load(str(tmp_path / "saved"), device="cpu", dtype="float32")
    assert torch.equal(_logits(again), moved) and not torch.allclose(moved, before, atol=1e-2)
    with torch.no_grad():
        for layer in _layers(again):
            layer.lora_B["default"].weight.mul_(2)
    expected = [_whole_weight(layer).float() for layer in _layers(again)]
    for layer, weight in zip(_layers(again), expected, strict=True):
        x = torch.randn(3, layer.in_features)
        with torch.no_grad():
            torch.testing.assert_close(layer(x), x @ weight.T, atol=1e-3, rtol=1e-4)


def test_dropout_acts_on_the_adapter_alone(tiny_model_folder: Path) -> None:
    config = TrainConfig(lora_dropout=0.9, use_dora=True, device="cpu", dtype="float32")
    fresh = load_for_training(str(tiny_model_folder), config)
    quiet = _logits(fresh)
    for name, module in fresh.model.named_modules():
        if "lora_dropout" in name:
            module.train()
    assert torch.equal(_logits(fresh), quiet)
