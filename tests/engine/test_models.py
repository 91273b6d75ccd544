from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.models.loading import LoadedModel, load, load_for_training
from dpo_engine.models.model_files import resolve
from tests.helpers.tiny_model import save_tiny_model

IDS = torch.tensor([[5, 90, 17, 200, 33, 64]])
LORA = TrainConfig(lora_r=4, lora_alpha=8, device="cpu", dtype="float32")


def _logits(loaded: LoadedModel) -> torch.Tensor:
    model: Any = loaded.model
    with torch.no_grad():
        return torch.as_tensor(model(input_ids=IDS).logits)


def test_a_folder_loads_to_the_model_it_holds(tiny_model_folder: Path, tiny: LoadedModel) -> None:
    theirs = AutoModelForCausalLM.from_pretrained(tiny_model_folder, dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(_logits(tiny), theirs(input_ids=IDS).logits, rtol=1e-5, atol=1e-5)
    assert tiny.parameters == sum(one.numel() for one in theirs.parameters())
    assert not tiny.model.training
    assert tiny.notes == ()


def test_bfloat16_is_what_was_asked_for(tiny_model_folder: Path) -> None:
    loaded = load(str(tiny_model_folder), device="cpu", dtype="bfloat16")
    assert {one.dtype for one in loaded.model.parameters()} == {torch.bfloat16}
    assert loaded.dtype == torch.bfloat16


def test_a_base_model_gets_a_plain_template_and_says_so(tmp_path: Path) -> None:
    loaded = load(str(save_tiny_model(tmp_path / "base", chat_template=None)), device="cpu")
    assert loaded.tokenizer.chat_template
    assert "no chat template" in loaded.notes[0]


def test_an_adapter_is_loaded_on_its_base(tiny: LoadedModel, tiny_adapter: Path) -> None:
    adapted = load(str(tiny_adapter), device="cpu", dtype="float32")
    model: Any = adapted.model
    assert not torch.allclose(_logits(adapted), _logits(tiny), atol=1e-2)
    with model.disable_adapter():
        assert torch.equal(_logits(adapted), _logits(tiny))
    assert adapted.parameters == tiny.parameters
    assert adapted.fingerprint != tiny.fingerprint


def test_an_adapter_keeps_its_float32_on_a_bfloat16_base(tiny_adapter: Path) -> None:
    adapted = load(str(tiny_adapter), device="cpu", dtype="bfloat16")
    dtypes = {"lora_" in name: one.dtype for name, one in adapted.model.named_parameters()}
    assert dtypes == {True: torch.float32, False: torch.bfloat16}


def test_a_fresh_adapter_changes_nothing_and_is_all_that_is_trained(
    tiny_model_folder: Path, tiny: LoadedModel
) -> None:
    fresh = load_for_training(str(tiny_model_folder), LORA)
    assert torch.equal(_logits(fresh), _logits(tiny))
    assert all(("lora_" in name) == one.requires_grad for name, one in fresh.model.named_parameters())


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "gemma2"])
def test_every_family_takes_an_adapter(family: Any, tmp_path: Path) -> None:
    fresh = load_for_training(str(save_tiny_model(tmp_path / "model", family=family)), LORA)
    assert any(one.requires_grad for one in fresh.model.parameters())


def test_full_training_has_every_weight_in_float32(tiny_model_folder: Path) -> None:
    full = load_for_training(
        str(tiny_model_folder), TrainConfig(method="full", device="cpu", dtype="bfloat16")
    )
    assert all(one.requires_grad and one.dtype == torch.float32 for one in full.model.parameters())
    assert full.dtype == torch.bfloat16


@pytest.mark.parametrize("method", ["lora", "full"])
def test_training_on_top_of_an_adapter_starts_from_what_it_says(method: Any, tiny_adapter: Path) -> None:
    below = load(str(tiny_adapter), device="cpu", dtype="float32")
    config = LORA if method == "lora" else TrainConfig(method="full", device="cpu", dtype="float32")
    above = load_for_training(str(tiny_adapter), config)
    assert torch.allclose(_logits(above), _logits(below), atol=1e-4)


def test_an_adapter_on_an_adapter_stands_on_both(tiny_adapter: Path, tmp_path: Path) -> None:
    above = load_for_training(str(tiny_adapter), LORA)
    with torch.no_grad():
        for name, one in above.model.named_parameters():
            if "lora_B" in name:
                one.add_(0.1)
    above.model.save_pretrained(tmp_path / "two", save_embedding_layers=False)
    files = resolve(str(tmp_path / "two"))
    assert files.adapters == (tiny_adapter, tmp_path / "two")
    again = load(str(tmp_path / "two"), device="cpu", dtype="float32")
    assert torch.allclose(_logits(again), _logits(above), atol=1e-5)
    assert resolve(str(tiny_adapter)).is_what_is_under(files)


def test_lora_targets_that_fit_no_layer_are_refused(tiny_model_folder: Path) -> None:
    config = TrainConfig(lora_target_modules="nonsense", device="cpu")
    with pytest.raises(BadInput, match="lora_target_modules is 'nonsense'"):
        load_for_training(str(tiny_model_folder), config)
