import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from dpo_engine import fingerprints, hub
from dpo_engine.catalogue import STARTER
from dpo_engine.config import TrainConfig
from dpo_engine.device import precision
from dpo_engine.errors import BadInput, FetchFailed, ModelUnusable, NotFetched, OutOfMemory
from dpo_engine.fingerprints import fingerprint
from dpo_engine.model_files import resolve, stable_reference
from dpo_engine.models import LoadedModel, load, load_for_training
from dpo_engine.shelf import ModelShelf
from tests.helpers.tiny_model import save_tiny_model

IDS = torch.tensor([[5, 90, 17, 200, 33, 64]])
LORA = TrainConfig(lora_r=4, lora_alpha=8, device="cpu", dtype="float32")


@pytest.fixture
def folder(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model to spoil."""
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))


def _logits(loaded: LoadedModel) -> torch.Tensor:
    model: Any = loaded.model
    with torch.no_grad():
        return torch.as_tensor(model(input_ids=IDS).logits)


def _change_config(folder: Path, name: str = "config.json", **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_folder_loads_to_the_model_it_holds(tiny_model_folder: Path, tiny: LoadedModel) -> None:
    theirs = AutoModelForCausalLM.from_pretrained(tiny_model_folder, dtype=torch.float32)
    with torch.no_grad():
        assert torch.equal(_logits(tiny), theirs(input_ids=IDS).logits)
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
    config = TrainConfig(method=method, lora_r=4, lora_alpha=8, device="cpu", dtype="float32")
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


def test_a_run_and_a_checkpoint_stand_for_their_policy(tiny_adapter: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny_adapter, run / "policy")
    shutil.copytree(tiny_adapter, run / "checkpoints" / "step-000002" / "policy")
    (run / "run.json").write_text("{}")
    assert resolve(str(run)).adapters == (run / "policy",)
    assert resolve(str(run / "checkpoints" / "step-000002")).adapters[0].parent.name == "step-000002"
    shutil.rmtree(run / "policy")
    with pytest.raises(ModelUnusable, match="no policy yet"):
        resolve(str(run))


def test_the_starter_is_asked_to_be_fetched() -> None:
    with pytest.raises(NotFetched, match="fetch starter"):
        resolve("starter")


def test_a_catalogue_model_is_found_where_it_was_fetched(tiny_model_folder: Path) -> None:
    shutil.copytree(tiny_model_folder, STARTER.folder)
    assert resolve("starter").base == STARTER.folder
    assert stable_reference("starter") == "starter"
    assert stable_reference(str(tiny_model_folder / ".." / tiny_model_folder.name)) == str(tiny_model_folder)


def test_an_unreachable_hub_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_args: Any, **_options: Any) -> str:
        raise OSError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(FetchFailed, match="hub could not be reached"):
        resolve("somebody/something")


def test_only_safe_files_are_asked_of_the_hub(
    monkeypatch: pytest.MonkeyPatch, tiny_model_folder: Path
) -> None:
    asked: dict[str, Any] = {}

    def download(hub_id: str, **options: Any) -> str:
        asked.update(options, hub_id=hub_id)
        return str(tiny_model_folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert resolve("somebody/something").base == tiny_model_folder
    assert asked["hub_id"] == "somebody/something"
    assert not any(pattern.endswith((".bin", ".py", ".pt", "*")) for pattern in asked["allow_patterns"])


@pytest.mark.parametrize("reference", ["", "nope", "/no/such/folder", "../a/b", "a/b/c", "-x/y"])
def test_what_is_no_reference_is_refused_without_a_network(reference: str) -> None:
    assert not hub.is_hub_id(reference)
    if reference:
        with pytest.raises(ModelUnusable, match="There is no model"):
            resolve(reference)


def _only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _only_gguf(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model.gguf")


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _own_code(folder: Path) -> None:
    _change_config(folder, auto_map={"AutoModelForCausalLM": "modeling.Evil"})


def _tokenizer_with_code(folder: Path) -> None:
    _change_config(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]})


def _quantized(folder: Path) -> None:
    _change_config(folder, quantization_config={"quant_method": "bitsandbytes"})


def _no_language_model(folder: Path) -> None:
    _change_config(folder, model_type="vit", architectures=["ViTModel"])


def _unknown_kind(folder: Path) -> None:
    _change_config(folder, model_type="from-another-world")


def _torn(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def _garbage(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 4096)


def _other_shapes(folder: Path) -> None:
    _change_config(folder, intermediate_size=96)


def _enormous(folder: Path) -> None:
    _change_config(folder, hidden_size=32768, intermediate_size=131072, num_hidden_layers=100)


def _absurd(folder: Path) -> None:
    _change_config(folder, num_hidden_layers=10**9)


def _negative(folder: Path) -> None:
    _change_config(folder, hidden_size=-32)


def _weights_missing(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _shard_outside(folder: Path) -> None:
    index = {"weight_map": {"a": "../../etc/x.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _shard_missing(folder: Path) -> None:
    index = {"weight_map": {"a": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _no_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def _torn_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"model": ')


def _broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("[1, 2")


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


SPOILT: list[tuple[Callable[[Path], None], str]] = [
    (_only_pickle, "Convert them to safetensors"),
    (_only_gguf, "GGUF"),
    (_no_weights, "no weights"),
    (_own_code, "program code"),
    (_tokenizer_with_code, "program code"),
    (_quantized, "quantized"),
    (_no_language_model, "cannot be loaded as a causal language model"),
    (_unknown_kind, "cannot be loaded as a causal language model"),
    (_torn, "damaged or incomplete"),
    (_garbage, "damaged or incomplete"),
    (_other_shapes, "cannot be loaded as a causal language model"),
    (_enormous, "describes"),
    (_absurd, "num_hidden_layers is 1000000000"),
    (_negative, "cannot"),
    (_weights_missing, "incomplete"),
    (_shard_outside, "not allowed"),
    (_shard_missing, "is missing"),
    (_no_tokenizer, "no tokenizer"),
    (_torn_tokenizer, "tokenizer"),
    (_broken_config, "damaged"),
    (_no_config, "no model folder"),
]


@pytest.mark.parametrize(("spoil", "sentence"), SPOILT, ids=lambda one: getattr(one, "__name__", ""))
def test_a_spoilt_model_is_a_sentence(folder: Path, spoil: Callable[[Path], None], sentence: str) -> None:
    spoil(folder)
    with pytest.raises(ModelUnusable, match=sentence):
        load(str(folder), device="cpu")


def test_a_model_larger_than_the_machine_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpo_engine.models.machine_memory", lambda: 1000)
    with pytest.raises(OutOfMemory, match="more than fit"):
        load(str(folder), device="cpu")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"peft_type": "IA3"}, "only LoRA"),
        ({"megatron_config": {"a": 1}}, "changes the model itself"),
        ({"init_lora_weights": "pissa"}, "plain LoRA"),
        ({"r": 10**6}, "rank"),
        ({"r": 8}, "does not fit its model"),
        ({"target_modules": ["q_proj"]}, "no place there"),
        ({"base_model_name_or_path": None}, "does not say which model"),
    ],
)
def test_a_spoilt_adapter_is_a_sentence(
    tiny_adapter: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    spoilt = Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))
    _change_config(spoilt, "adapter_config.json", **changes)
    with pytest.raises(ModelUnusable, match=sentence):
        load(str(spoilt), device="cpu")


def test_adapters_that_stand_on_each_other_are_refused(tiny_adapter: Path, tmp_path: Path) -> None:
    ring = Path(shutil.copytree(tiny_adapter, tmp_path / "ring"))
    _change_config(ring, "adapter_config.json", base_model_name_or_path=str(ring))
    with pytest.raises(ModelUnusable, match="on each other"):
        resolve(str(ring))


def test_a_fingerprint_is_of_the_contents(tiny_model_folder: Path, folder: Path) -> None:
    original = fingerprint(resolve(str(tiny_model_folder)))
    assert fingerprint(resolve(str(folder))) == original
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert fingerprint(resolve(str(folder))) != original


def test_a_second_fingerprint_reads_no_weights(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fingerprint(resolve(str(tiny_model_folder)))

    def read(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(fingerprints, "_sha256", read)
    assert fingerprint(resolve(str(tiny_model_folder))) == first


def test_a_moved_base_leaves_an_adapters_fingerprint_alone(
    tiny_adapter: Path, folder: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))
    _change_config(moved, "adapter_config.json", base_model_name_or_path=str(folder))
    assert fingerprint(resolve(str(moved))) == fingerprint(resolve(str(tiny_adapter)))


def test_the_shelf_keeps_models_and_notices_changed_files(folder: Path) -> None:
    shelf = ModelShelf(capacity=1)
    first = shelf.take(str(folder), "cpu", "float32")
    assert shelf.has(str(folder), "cpu", "float32")
    assert shelf.take(str(folder), "cpu", "float32") is first
    weights = load_file(folder / "model.safetensors")
    save_file({key: one * 2 for key, one in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    assert not shelf.has(str(folder), "cpu", "float32")
    assert shelf.take(str(folder), "cpu", "float32").fingerprint != first.fingerprint


def test_the_shelf_lets_the_oldest_go(folder: Path, tiny_adapter: Path) -> None:
    shelf = ModelShelf(capacity=1)
    shelf.take(str(folder), "cpu", "float32")
    shelf.take(str(tiny_adapter), "cpu", "float32")
    assert not shelf.has(str(folder), "cpu", "float32")
    shelf.clear()
    assert not shelf.has(str(tiny_adapter), "cpu", "float32")


def _small_adapter(folder: Path, tiny_adapter: Path) -> Path:
    """An adapter whose outputs are far below the last bit of a bfloat16."""
    shutil.copytree(tiny_adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    small = {key: one * 2e-3 if "lora_B" in key else one for key, one in weights.items()}
    save_file(small, folder / "adapter_model.safetensors", {"format": "pt"})
    return folder


def _movement(folder: Path, dtype: Any) -> torch.Tensor:
    """By how much the adapter moves the logits."""
    loaded = load(str(folder), device="cpu", dtype=dtype)
    model: Any = loaded.model
    with torch.no_grad(), precision(loaded.device, loaded.dtype):
        moved = model(input_ids=IDS).logits.float()
        with model.disable_adapter():
            return torch.as_tensor(moved - model(input_ids=IDS).logits.float())


def test_a_small_adapter_is_not_rounded_away_in_bfloat16(tiny_adapter: Path, tmp_path: Path) -> None:
    folder = _small_adapter(tmp_path / "small", tiny_adapter)
    exact, ours = _movement(folder, "float32").flatten(), _movement(folder, "bfloat16").flatten()
    along = float((ours @ exact) / (exact @ exact))
    assert along == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_fresh_adapter_changes_nothing_to_the_last_bit(tiny_model_folder: Path, dtype: Any) -> None:
    fresh = load_for_training(str(tiny_model_folder), TrainConfig(device="cpu", dtype=dtype))
    model: Any = fresh.model
    with torch.no_grad(), precision(fresh.device, fresh.dtype):
        with model.disable_adapter():
            off = model(input_ids=IDS).logits
        assert torch.equal(model(input_ids=IDS).logits, off)
