"""Small JSON files of a known shape, such as `run.json`: read with doubt. Torch-free."""

from pathlib import Path
from typing import TypeVar

import msgspec

from dpo_engine.errors import BadInput

Document = TypeVar("Document")

_MOST_BYTES = 16 * 1024 * 1024


def read_document(
    path: Path, kind: type[Document], *, missing: str, most_bytes: int = _MOST_BYTES
) -> Document:
    """Raises `BadInput` where there is none (`missing` says so), it is far too large, or it is damaged."""
    if not path.is_file():
        raise BadInput(missing)
    if path.stat().st_size > most_bytes:
        raise BadInput(f"{path} is too large to be what its name says.")
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is damaged ({error}).") from error
