"""Rows of JSON and of plain text, with no more than the longest of them in memory."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from app.store.errors import BadValue
from app.store.exchange.file_rows import (
    CHUNK,
    MAX_LINE_BYTES,
    TOO_LONG,
    FileRow,
    RowFault,
    share_of,
    text_of,
    unreadable,
)

_SEPARATOR = re.compile(r"[\s,]*")


class _Lines(Protocol):
    def readline(self, size: int, /) -> bytes: ...


def json_value(line: bytes) -> Any:
    """The value of a line, or a `RowFault`."""
    try:
        return msgspec.json.decode(line)
    except (
        ValueError,
        RecursionError,
    ) as error:  # msgspec.DecodeError and UnicodeDecodeError are ValueErrors
        return RowFault(f"It is not valid JSON ({error}).")


def json_lines(path: Path) -> Iterator[FileRow]:
    with path.open("rb", buffering=CHUNK) as file:
        yield from _decoded_lines(file, share_of(file, path), json_value)


def zipped_json_lines(path: Path) -> Iterator[FileRow]:
    with path.open("rb") as raw, gzip.open(raw) as file:
        try:
            yield from _decoded_lines(file, share_of(raw, path), json_value)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise unreadable(path, error) from error


def text_lines(path: Path) -> Iterator[FileRow]:
    with path.open("rb", buffering=CHUNK) as file:
        yield from _decoded_lines(file, share_of(file, path), _text)


def _text(line: bytes) -> Any:
    try:
        return line.decode("utf-8").strip()
    except UnicodeDecodeError:
        return RowFault("It is not UTF-8 text.")


def _decoded_lines(
    file: _Lines, share: Callable[[], float], decode: Callable[[bytes], Any]
) -> Iterator[FileRow]:
    number, read = 0, 0.0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number % 1_000 == 1:  # often enough for a person, seldom enough to take no time
            read = share()
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = file.readline(CHUNK)
            yield FileRow(number, RowFault(TOO_LONG), share())
        elif not line.isspace():
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            yield FileRow(number, decode(line), read)


def json_file(path: Path) -> Iterator[FileRow]:
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    yield from _json_array(path) if start.startswith(b"[") else json_lines(path)


def _json_array(path: Path) -> Iterator[FileRow]:
    """One element after another, from a window that is only as long as the longest element."""
    decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode
    with path.open("rb") as raw, text_of(raw) as file:
        share = share_of(raw, path)
        window = file.read(CHUNK).lstrip()[1:]
        number = at = 0
        while True:
            at = _past_separator(window, at)
            if window.startswith("]", at):
                return
            value, end, fault = _element(decode, window, at)
            if fault or end == len(window):  # it may go on in what is not read yet
                # As much again as there is, so that a long element is not begun too often.
                left = len(window) - at
                more = file.read(max(CHUNK, left)) if left <= MAX_LINE_BYTES else ""
                if more:
                    window, at = window[at:] + more, 0
                    continue
                raise BadValue(
                    f"{path.name} cannot be read after row {number}: {fault or 'the file ends there'}. "
                    "Nothing was changed. Mend the file, or save it as JSONL."
                )
            number, at = number + 1, end
            yield FileRow(number, value, share())


def _past_separator(window: str, at: int) -> int:
    found = _SEPARATOR.match(window, at)
    return found.end() if found else at


def _element(decode: Callable[..., Any], window: str, at: int) -> tuple[Any, int, str]:
    try:
        value, end = decode(window, at)
    except (ValueError, RecursionError) as error:
        return None, 0, str(error)
    return value, end, ""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
