import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora.layer import Linear
from safetensors.torch import load_file, save_file

from dpo_engine.config import TrainConfig
from dpo_engine.device import precision
from dpo_engine.exact_lora import ExactLoraLinear
from dpo_engine.models import LoadedModel, load, load_for_training

IDS = torch.tensor([[5, 90, 17, 200, 33, 64]])


@pytest.fixture
def small(tiny_adapter: Path, tmp_path: Path) -> LoadedModel:
    """In bfloat16, with an adapter whose outputs are far below the last bit of its layers' own."""
    folder = Path(shutil.copytree(tiny_adapter, tmp_path / "small"))
    weights = load_file(folder / "adapter_model.safetensors")
    less = {key: one * 1e-3 if "lora_B" in key else one for key, one in weights.items()}
    save_file(less, folder / "adapter_model.safetensors", {"format": "pt"})
    return load(str(folder), device="cpu", dtype="bfloat16")


def test_a_small_adapter_is_not_rounded_away(small: LoadedModel) -> None:
    model: Any = small.model
    layers = [module for module in model.modules() if isinstance(module, ExactLoraLinear)]
    assert len(layers) == 14
    for layer in layers:
        x = torch.randn(50, layer.in_features, generator=torch.Generator().manual_seed(0)).bfloat16()
        with torch.no_grad(), precision(small.device, small.dtype):
            on = layer(x)
            with model.disable_adapter():
                added = on - layer(x)
        down, up = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
        expected = x.float() @ down.T @ up.T * layer.scaling["default"]
        assert float((added - expected).norm() / expected.norm()) < 0.02


def test_float32_gives_what_peft_gives(tiny_adapter: Path) -> None:
    exact = load(str(tiny_adapter), device="cpu", dtype="float32")
    model: Any = exact.model
    with torch.no_grad():
        ours = model(input_ids=IDS).logits
        for module in model.modules():
            if isinstance(module, ExactLoraLinear):
                module.__class__ = Linear
        assert torch.equal(model(input_ids=IDS).logits, ours)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_fresh_adapter_changes_nothing_to_the_last_bit(tiny_model_folder: Path, dtype: Any) -> None:
    fresh = load_for_training(str(tiny_model_folder), TrainConfig(device="cpu", dtype=dtype))
    model: Any = fresh.model
    with torch.no_grad(), precision(fresh.device, fresh.dtype):
        with model.disable_adapter():
            off = model(input_ids=IDS).logits
        assert torch.equal(model(input_ids=IDS).logits, off)
