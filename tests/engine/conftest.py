"""Fixtures of the engine's tests: the tiny model loaded, an adapter on it, settings of the process undone."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dpo_engine.models.loading import LoadedModel


@pytest.fixture(autouse=True)
def process_settings_undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `settle_numerics` and `quieten` switch for the whole process does not leak into other tests."""
    monkeypatch.setenv("TQDM_DISABLE", os.environ.get("TQDM_DISABLE", ""))
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)


@pytest.fixture(scope="session")
def tiny(tiny_model_folder: Path) -> "LoadedModel":
    """The tiny model in float32 on the CPU. Shared: never train it."""
    from dpo_engine.models.loading import load

    return load(str(tiny_model_folder), device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def tiny_adapter(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an adapter on the tiny model that changes what it says. Never write into it."""
    import torch

    from dpo_engine.config import TrainConfig
    from dpo_engine.models.loading import load_for_training

    folder = tmp_path_factory.mktemp("adapters") / "one"
    config = TrainConfig(lora_r=4, lora_alpha=8, device="cpu", dtype="float32")
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        loaded = load_for_training(str(tiny_model_folder), config)
        for name, parameter in loaded.model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape) * 0.2)
    loaded.model.save_pretrained(folder, save_embedding_layers=False)
    return folder


@pytest.fixture
def folder(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model, to spoil or to change."""
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))
