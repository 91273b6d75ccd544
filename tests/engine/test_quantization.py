"""QLoRA. Its kernels are CUDA's; where bitsandbytes is installed its CPU ones stand in for them here."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from dpo_engine.compute.device import precision
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, ModelUnusable
from dpo_engine.models import loading as models
from dpo_engine.models import quantization
from dpo_engine.models.loading import LoadedModel, load, load_for_training
from tests.helpers.tiny_model import save_tiny_model, tiny_model

CPU = torch.device("cpu")
IDS = torch.tensor([[5, 90, 17, 200, 33, 64]])


class _FakeLinear4bit(nn.Linear):
    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool,
        compute_dtype: torch.dtype,
        compress_statistics: bool,
        quant_type: str,
    ) -> None:
        super().__init__(inputs, outputs, bias=bias)
        self.asked = (compute_dtype, compress_statistics, quant_type)


class _FakeParams4bit(nn.Parameter):
    """Keeps its values; where it was moved to says when the real one is quantized."""

    def __new__(
        cls,
        data: torch.Tensor,
        *,
        requires_grad: bool,
        compress_statistics: bool,
        quant_type: str,
        module: nn.Module,
    ) -> "_FakeParams4bit":
        made = super().__new__(cls, data, requires_grad)
        made.asked = (compress_statistics, quant_type)  # type: ignore[attr-defined]
        return made


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = SimpleNamespace(Linear4bit=_FakeLinear4bit, Params4bit=_FakeParams4bit)
    monkeypatch.setitem(sys.modules, "bitsandbytes", SimpleNamespace(nn=kinds))


def test_it_is_refused_where_it_cannot_be_had(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match=r"qlora, which needs a CUDA device.*dpo-studio\[qlora\]"):
        load_for_training(str(tiny_model_folder), TrainConfig(method="qlora", device="cpu"))
    monkeypatch.setattr(quantization.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"needs the package bitsandbytes.*dpo-studio\[qlora\]"):
        quantization.check_available(torch.device("cuda"))


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_every_linear_layer_but_the_output_becomes_a_four_bit_one(fake: None, family: Any) -> None:
    model, untouched = tiny_model(family), tiny_model(family)
    linear = {name for name, one in model.named_modules() if type(one) is nn.Linear} - {"lm_head"}
    quantization.quantize(model, CPU, torch.bfloat16)
    replaced = {name: one for name, one in model.named_modules() if isinstance(one, _FakeLinear4bit)}
    assert set(replaced) == linear
    for one in replaced.values():
        assert one.asked == (torch.bfloat16, True, "nf4")
        assert one.weight.asked == (True, "nf4")
        assert not one.weight.requires_grad
    with torch.no_grad():
        assert torch.equal(model(input_ids=IDS).logits, untouched(input_ids=IDS).logits)


def test_a_model_without_linear_layers_is_refused(fake: None) -> None:
    with pytest.raises(ModelUnusable, match="no linear layers"):
        quantization.quantize(tiny_model("gpt2"), CPU, torch.bfloat16)


# From here on with the real library


@pytest.fixture
def four_bit(tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads for QLoRA on the CPU, which a person cannot ask for."""
    pytest.importorskip("bitsandbytes")
    monkeypatch.setattr(models.quantization, "check_available", lambda device: None)

    def made(folder: Path = tiny_model_folder, **changes: Any) -> LoadedModel:
        config = TrainConfig(method="qlora", device="cpu", dtype="bfloat16", **changes)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            loaded = load_for_training(str(folder), config)
        for module in loaded.model.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):
                # else its CPU kernels lay the weights out anew, for which ours are too small
                module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]
        return loaded

    return made


def _logits(loaded: LoadedModel) -> torch.Tensor:
    model: Any = loaded.model
    ids = IDS.clone()
    with precision(loaded.device, loaded.dtype):
        return torch.as_tensor(model(input_ids=ids).logits.detach()).float()


@pytest.mark.parametrize("kind", [{}, {"use_dora": True}])
def test_a_fresh_adapter_on_four_bits_changes_nothing(four_bit: Any, kind: Any, tiny: LoadedModel) -> None:
    fresh = four_bit(**kind)
    assert fresh.notes == (quantization.NOTE,)
    assert fresh.parameters == tiny.parameters
    exact = [one for one in fresh.model.modules() if type(one).__name__ == "ExactLoraLinear4bit"]
    assert len(exact) == 14
    assert all(one.weight.dtype == torch.uint8 for one in (layer.base_layer for layer in exact))
    with fresh.model.disable_adapter():
        off = _logits(fresh)
    assert torch.equal(_logits(fresh), off)
    assert not torch.allclose(off, _logits(tiny), atol=1e-2)  # four bits are not the model itself
    trained = {one.dtype for one in fresh.model.parameters() if one.requires_grad}
    assert trained == {torch.float32}


@pytest.mark.parametrize("kind", [{}, {"use_dora": True}])
def test_a_small_adapter_on_four_bits_is_not_rounded_away(four_bit: Any, kind: Any) -> None:
    young = four_bit(**kind)
    layers = [one for one in young.model.modules() if type(one).__name__ == "ExactLoraLinear4bit"]
    generator = torch.Generator().manual_seed(0)
    for layer in layers:
        with torch.no_grad():
            layer.lora_B["default"].weight.copy_(torch.randn(layer.lora_B["default"].weight.shape) * 1e-4)
            x = torch.randn(20, layer.in_features, generator=generator)
            with precision(young.device, young.dtype):
                added = layer(x) - layer.base_layer(x)
            expected = layer.scaling["default"] * (
                x @ layer.lora_A["default"].weight.T @ layer.lora_B["default"].weight.T
            )
            off_by = float((added - expected).norm() / expected.norm())
            assert off_by < (0.05 if not kind else 0.8)


def test_what_was_trained_on_four_bits_is_an_adapter_for_the_original(
    four_bit: Any, tiny_model_folder: Path, tmp_path: Path
) -> None:
    trained = four_bit(lora_r=4, lora_alpha=8)
    weights = [one for one in trained.model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-2)
    before = _logits(trained)
    for _ in range(3):
        with precision(trained.device, trained.dtype):
            loss = trained.model(input_ids=IDS, labels=IDS).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert not torch.allclose(_logits(trained), before, atol=1e-2)
    trained.model.save_pretrained(tmp_path / "saved", save_embedding_layers=False)
    again = load(str(tmp_path / "saved"), device="cpu", dtype="float32")
    assert {one.dtype for one in again.model.parameters()} == {torch.float32}
    ours = {name: one for name, one in trained.model.named_parameters() if "lora_" in name}
    theirs = {name: one for name, one in again.model.named_parameters() if "lora_" in name}
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(one, theirs[name]) for name, one in ours.items())


def test_an_adapter_below_is_melted_before_the_weights_are_rounded(four_bit: Any, tiny_adapter: Path) -> None:
    above, below = four_bit(tiny_adapter), load(str(tiny_adapter), device="cpu", dtype="float32")
    plain = four_bit()
    expected = _logits(below)
    assert float((_logits(above) - expected).norm()) < 0.7 * float((_logits(plain) - expected).norm())


def test_other_families_too(four_bit: Any, tmp_path: Path) -> None:
    loaded = four_bit(save_tiny_model(tmp_path / "qwen2", family="qwen2"))
    assert any(type(one).__name__ == "ExactLoraLinear4bit" for one in loaded.model.modules())
    assert _logits(loaded).isfinite().all()
