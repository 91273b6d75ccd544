"""Fingerprints, and the shelf that notices by them that a model has changed."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from dpo_engine.models import fingerprints
from dpo_engine.models.fingerprints import fingerprint
from dpo_engine.models.model_files import resolve
from dpo_engine.service.shelf import ModelShelf


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
    path = moved / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": str(folder)}))
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
