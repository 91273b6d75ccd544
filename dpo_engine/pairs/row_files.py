"""Rows of JSONL, JSON, Parquet and plain text files, one after another and with bounded sizes. Torch-free."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from dpo_engine.errors import BadInput, from_os_error

MAX_LINE_BYTES = 16 * 1024 * 1024
MAX_JSON_BYTES = 1024 * 1024 * 1024
MAX_ROWS = 10_000_000


@dataclass(frozen=True)
class NumberedRow:
    """A row and its line or number in the file, from 1.

    `value` is whatever the file holds there: a dictionary if all is well, a `str` for a line of plain
    text, an `Unreadable` where the file has something that is no row.
    """

    line: int
    value: Any


@dataclass(frozen=True)
class Unreadable:
    reason: str


def numbered_rows(path: Path, *, plain_text: bool = False) -> Iterator[NumberedRow]:
    """The rows of `path`, by its ending; `plain_text` also takes `.txt`, one row a line.

    Raises `BadInput` for a file that is missing, too large or of another kind.
    """
    rows = _rows(path, plain_text=plain_text)
    try:
        for count, row in enumerate(rows, start=1):
            if count > MAX_ROWS:
                raise BadInput(f"{path} has more than {MAX_ROWS} rows; split it.")
            yield row
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}.") from error
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error


def _rows(path: Path, *, plain_text: bool) -> Iterator[NumberedRow]:
    match path.suffix.lower():
        case ".jsonl" | ".ndjson":
            return _json_lines(path)
        case ".json":
            return _json_array(path) if _starts_with_bracket(path) else _json_lines(path)
        case ".parquet":
            return _parquet(path)
        case ".txt" | ".md" if plain_text:
            return _text_lines(path)
    endings = ".jsonl, .json, .parquet" + (" or .txt" if plain_text else "")
    raise BadInput(f"{path} is of an unknown kind; its name must end with {endings}.")


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | Unreadable]]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES)
            yield number, Unreadable(f"It is longer than {MAX_LINE_BYTES} bytes.")
        elif line.strip():
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _json_lines(path: Path) -> Iterator[NumberedRow]:
    with path.open("rb") as file:
        for number, line in _lines(file):
            yield NumberedRow(number, line if isinstance(line, Unreadable) else _decoded(line))


def _decoded(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(f"It is not valid JSON ({error}).")


def _json_array(path: Path) -> Iterator[NumberedRow]:
    if path.stat().st_size > MAX_JSON_BYTES:
        raise BadInput(f"{path} is over {MAX_JSON_BYTES} bytes; large files must be JSONL or Parquet.")
    rows = _decoded(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    if isinstance(rows, Unreadable):
        raise BadInput(f"{path} cannot be read. {rows.reason}")
    for number, row in enumerate(rows, start=1):
        yield NumberedRow(number, row)


def _starts_with_bracket(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    except OSError:
        return False  # the reader proper meets the same error and explains it


def _text_lines(path: Path) -> Iterator[NumberedRow]:
    with path.open("rb") as file:
        for number, line in _lines(file):
            if isinstance(line, Unreadable):
                yield NumberedRow(number, line)
                continue
            try:
                yield NumberedRow(number, line.decode("utf-8").strip())
            except UnicodeDecodeError:
                yield NumberedRow(number, Unreadable("It is not UTF-8 text."))


def _parquet(path: Path) -> Iterator[NumberedRow]:
    import pyarrow
    from pyarrow import parquet

    if not path.is_file():
        raise FileNotFoundError(path)
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    number += 1
                    yield NumberedRow(number, row)
    except pyarrow.ArrowException as error:
        raise BadInput(f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}).") from error
