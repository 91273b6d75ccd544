"""A model's identity: SHA-256 over the contents of everything that decides what it says.

Two copies of a model have the same fingerprint wherever they lie. Hashes of files are kept in the cache
by path, size and time of change, so that asking again costs a few system calls.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec

from dpo_engine.files import write_atomically
from dpo_engine.locations import cache_dir
from dpo_engine.models.model_files import ModelFiles, read_json, weight_files

Stamp = tuple[str, int, int]
"""Path, size in bytes and time of change in nanoseconds."""

_CHUNK = 1024 * 1024
_SMALL_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
)
_MAX_REMEMBERED = 4096


def fingerprint(files: ModelFiles) -> str:
    """64 hex digits. Raises `ModelUnusable` or `OSError` where a file is gone."""
    remembered = _Remembered(cache_dir() / "file-hashes.json")
    whole = hashlib.sha256()
    for role, path in _parts(files):
        whole.update(f"{role} {path.name} {remembered.hash_of(path)}\n".encode())
    for number, adapter in enumerate(files.adapters):
        config = read_json(adapter / "adapter_config.json")
        config.pop("base_model_name_or_path", None)  # where the base lies says nothing about what it is
        whole.update(f"adapter{number} config {json.dumps(config, sort_keys=True)}\n".encode())
    remembered.save()
    return whole.hexdigest()


def stamps(files: ModelFiles) -> tuple[Stamp, ...]:
    """Changes whenever a file of the model is replaced or written to."""
    configs = ((adapter / "adapter_config.json") for adapter in files.adapters)
    return tuple(_stamp(path) for path in (*(path for _, path in _parts(files)), *configs))


def _parts(files: ModelFiles) -> Iterator[tuple[str, Path]]:
    for path in (*_small(files.base), *weight_files(files.base)):
        yield "base", path
    for number, adapter in enumerate(files.adapters):
        yield f"adapter{number}", adapter / "adapter_model.safetensors"
    if files.tokenizer != files.base:
        for path in _small(files.tokenizer):
            yield "tokenizer", path


def _small(folder: Path) -> list[Path]:
    return [folder / name for name in _SMALL_FILES if (folder / name).is_file()]


def _stamp(path: Path) -> Stamp:
    facts = path.stat()
    return str(path.resolve()), facts.st_size, facts.st_mtime_ns


class _Remembered:
    """Hashes by stamp, in one small file; losing it costs time and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hashes = self._load()
        self._changed = False

    def hash_of(self, path: Path) -> str:
        key = "|".join(map(str, _stamp(path)))
        if key not in self._hashes:
            self._hashes[key] = _sha256(path)
            self._changed = True
        return self._hashes[key]

    def save(self) -> None:
        if not self._changed:
            return
        newest = dict(list(self._hashes.items())[-_MAX_REMEMBERED:])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, msgspec.json.encode(newest))
        except OSError:
            return  # a cache that cannot be written is only slower

    def _load(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
