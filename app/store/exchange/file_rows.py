"""What the readers of files have in common: a row, a fault in its place, limits, how far a file is read."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

import msgspec

from app.store.errors import BadValue
from dpo_engine.pairs.row_files import MAX_LINE_BYTES

__all__ = ["CHUNK", "MAX_LINE_BYTES", "TOO_LONG", "FileRow", "RowFault", "share_of", "text_of", "unreadable"]

CHUNK = 2**20
TOO_LONG = f"It is longer than {MAX_LINE_BYTES // 2**20} MiB."


class RowFault(msgspec.Struct, frozen=True):
    """What stands where a row should be, as a sentence."""

    reason: str


class FileRow(msgspec.Struct, frozen=True, gc=False):
    """`line` counts lines of JSONL and text, rows of everything else, from 1; `share` of the file is read."""

    line: int
    value: Any
    share: float


def unreadable(path: Path, error: Exception) -> BadValue:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BadValue(f"{path.name} is damaged or of another kind ({reason[:200]}). Nothing was changed.")


@contextmanager
def text_of(raw: BinaryIO) -> Iterator[io.TextIOWrapper]:
    """Text of a UTF-8 or UTF-16 file, its line ends as they are; what is no text comes as lone surrogates."""
    encoding = "utf-16" if raw.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    raw.seek(0)
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    text = io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="")
    try:
        yield text
    finally:
        text.detach()


def share_of(file: IO[bytes], path: Path) -> Callable[[], float]:
    size = max(path.stat().st_size, 1)
    return lambda: min(1.0, file.tell() / size)
