"""What is a model and what is refused, and why."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from dpo_engine.catalogue import STARTER
from dpo_engine.errors import FetchFailed, ModelUnusable, NotFetched, OutOfMemory
from dpo_engine.fetching import hub
from dpo_engine.models.loading import load
from dpo_engine.models.model_files import resolve, stable_reference


def _change_config(folder: Path, name: str = "config.json", **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


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
        hub.download("somebody/something", lambda _done, _total: None)


def test_only_safe_files_are_asked_of_the_hub(
    monkeypatch: pytest.MonkeyPatch, tiny_model_folder: Path
) -> None:
    asked: dict[str, Any] = {}

    def download(hub_id: str, **options: Any) -> str:
        asked.update(options, hub_id=hub_id)
        return str(tiny_model_folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert hub.download("somebody/something", lambda _done, _total: None) == tiny_model_folder
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
    monkeypatch.setattr("dpo_engine.models.loading.machine_memory", lambda: 1000)
    with pytest.raises(OutOfMemory, match="more than fit"):
        load(str(folder), device="cpu")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"peft_type": "IA3"}, "only LoRA"),
        ({"megatron_config": {"a": 1}}, "kind that is not known here .megatron_config."),
        ({"init_lora_weights": "pissa"}, "plain LoRA"),
        ({"r": 10**6}, "rank"),
        ({"rank_pattern": {"q_proj": 10**6}}, "rank 1000000"),
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
