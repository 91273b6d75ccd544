"""Which weights a folder holds, told without reading them all. Qt-free, torch-free."""

import hashlib
from pathlib import Path

_BLOCK = 64 * 1024
_BLOCKS = 16
"""Read of each file, evenly spread: a training step changes every matrix it trains."""


def weights_mark(model: Path) -> str:
    """Changes when other weights come into the folder, and stays when it is copied or moved.

    Of a run's or checkpoint's folder it is that of the policy inside. Empty where there is no folder.
    Raises `OSError` where a file cannot be read.
    """
    folder = model / "policy" if (model / "policy").is_dir() else model
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for number in range(_BLOCKS if size > _BLOCKS * _BLOCK else 1):
                file.seek(number * (size - _BLOCK) // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK if size > _BLOCKS * _BLOCK else size))
    return digest.hexdigest()[:32]
