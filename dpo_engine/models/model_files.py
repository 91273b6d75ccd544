"""From a model reference to folders of files that are safe to load.

A reference is a catalogue name, a folder of a model, of an adapter, of a run or of a checkpoint, or a hub
id. Files from elsewhere are hostile: nothing is loaded here, no code that comes with a model is ever run,
and what is no model is refused with a sentence.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from dpo_engine.catalogue import CATALOGUE
from dpo_engine.errors import EngineError, ModelUnusable, NotFetched
from dpo_engine.fetching import hub

MAX_ADAPTERS = 8
"""Runs trained on top of runs; more is a loop or a mistake."""

_MAX_JSON_BYTES = 64 * 1024 * 1024
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "vocab.txt")


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """A model's folders: the whole model, and the adapters on top of it, lowest first."""

    reference: str
    base: Path
    adapters: tuple[Path, ...] = ()

    @property
    def tokenizer(self) -> Path:
        """The topmost folder that has a tokenizer; training saves one with every adapter."""
        folders = (*reversed(self.adapters), self.base)
        return next((folder for folder in folders if has_tokenizer(folder)), self.base)

    def is_what_is_under(self, other: "ModelFiles") -> bool:
        """Is this `other` without its topmost adapter?"""
        return bool(other.adapters) and (self.base, self.adapters) == (other.base, other.adapters[:-1])

    def same_as(self, other: "ModelFiles") -> bool:
        return (self.base, self.adapters) == (other.base, other.adapters)


def resolve(reference: str, *, hub_folder: Callable[[str], Path] = hub.snapshot) -> ModelFiles:
    """Find a model's files, fetching from the hub where `reference` is a hub id that its cache has not.

    Raises `NotFetched` for a catalogue model that is not on this disk, `FetchFailed` for a hub that cannot
    be reached, `ModelUnusable` for anything that is no model or not safe to load.
    """
    adapters: list[Path] = []
    named = reference
    while True:
        folder = _folder(named, hub_folder)
        if not (folder / "adapter_config.json").is_file():
            check_model_folder(folder)
            return ModelFiles(reference=reference, base=folder, adapters=tuple(reversed(adapters)))
        if folder in adapters or len(adapters) == MAX_ADAPTERS:
            raise ModelUnusable(f"The adapters under {reference} stand on each other without a model below.")
        adapters.append(folder)
        named = _base_of_adapter(folder)


def missing_from_hub(reference: str) -> str | None:
    """The hub id that `resolve` would have to fetch; None where nothing is, or something else is wrong."""
    missing: list[str] = []

    def look(hub_id: str) -> Path:
        found = hub.cached(hub_id)
        if found is None:
            missing.append(hub_id)
            raise ModelUnusable(f"{hub_id} is not on this disk yet.")
        return found

    with suppress(EngineError):
        resolve(reference, hub_folder=look)
    return missing[0] if missing else None


def stable_reference(reference: str) -> str:
    """`reference` such that it means the same from another working folder."""
    path = Path(reference).expanduser()
    if reference in CATALOGUE or not path.is_dir():
        return reference
    return str(path.resolve())


def has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _TOKENIZER_FILES)


def check_model_folder(folder: Path) -> None:
    """Raise `ModelUnusable` where `folder` is no complete model in safetensors that needs no foreign code."""
    config = read_json(folder / "config.json", missing=f"{folder} is no model folder: it has no config.json.")
    tokenizer = folder / "tokenizer_config.json"
    if config.get("auto_map") or (tokenizer.is_file() and read_json(tokenizer).get("auto_map")):
        raise ModelUnusable(
            f"The model {folder} wants to run program code of its own, which is never done here. "
            "Use a model of an architecture that the transformers library knows."
        )
    if config.get("quantization_config"):
        raise ModelUnusable(
            f"The weights in {folder} are quantized, so they cannot be trained. Use the model's original "
            "weights in float32, float16 or bfloat16."
        )
    weight_files(folder)
    if not has_tokenizer(folder):
        raise ModelUnusable(f"The model {folder} has no tokenizer beside it (tokenizer.json).")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a whole model. Raises `ModelUnusable` where one is missing."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        if (folder / "model.safetensors").is_file():
            return [folder / "model.safetensors"]
        _refuse_without_safetensors(folder)
    shards = read_json(index).get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise ModelUnusable(f"The list of weight files in {folder} is damaged.")
    names = sorted(set(shards.values()))
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelUnusable(f"The list of weight files in {folder} names {name!r}, which is not allowed.")
        if not (folder / name).is_file():
            raise ModelUnusable(f"The model {folder} is incomplete: {name} is missing. Copy it again.")
    return [folder / name for name in names]


def read_json(path: Path, *, missing: str = "") -> dict[str, Any]:
    """A JSON object from a file of bounded size. Raises `ModelUnusable`."""
    if not path.is_file():
        raise ModelUnusable(missing or f"{path} is missing.")
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise ModelUnusable(f"{path} is too large to be what its name says.")
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelUnusable(f"{path} is damaged ({error}).") from error
    return content


def _folder(reference: str, hub_folder: Callable[[str], Path]) -> Path:
    if reference in CATALOGUE:
        known = CATALOGUE[reference].path
        if known is None:
            raise NotFetched(
                f"The model {reference} is not on this disk yet. Fetch it first "
                f"(python -m dpo_engine fetch {reference}), or give a local model folder instead."
            )
        return known
    path = Path(reference).expanduser()
    if path.is_dir():
        return _policy_inside(path.resolve())
    if path.exists():
        raise ModelUnusable(f"{reference} is a file; give the folder of a model instead.")
    if hub.is_hub_id(reference):
        return hub_folder(reference)
    raise ModelUnusable(
        f"There is no model {reference}: it is no folder, no hub id (owner/name) and none of the known "
        f"models ({', '.join(CATALOGUE)})."
    )


def _policy_inside(folder: Path) -> Path:
    """A run's result, a checkpoint's policy, or the folder itself."""
    if (folder / "config.json").is_file() or (folder / "adapter_config.json").is_file():
        return folder
    if (folder / "policy").is_dir():
        return folder / "policy"
    if (folder / "run.json").is_file():
        raise ModelUnusable(
            f"The run {folder.name} has no policy yet. Let it finish, or name one of its checkpoints."
        )
    return folder


def _base_of_adapter(folder: Path) -> str:
    config = read_json(folder / "adapter_config.json")
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise ModelUnusable(f"The adapter {folder} does not say which model it belongs to.")
    if not (folder / "adapter_model.safetensors").is_file():
        _refuse_without_safetensors(folder)
    return base


def _refuse_without_safetensors(folder: Path) -> None:
    if any(True for pattern in _PICKLES for _ in folder.glob(pattern)):
        raise ModelUnusable(
            f"The weights in {folder} are in a format that can run program code when it is opened. "
            "Convert them to safetensors first."
        )
    if any(True for _ in folder.glob("*.gguf")):
        raise ModelUnusable(
            f"{folder} has GGUF weights, which cannot be trained. Use the model's safetensors files."
        )
    raise ModelUnusable(f"{folder} has no weights: there is no safetensors file in it.")
