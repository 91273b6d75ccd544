"""Rows read from the pages of an SQLite file one by one, without the trees that lead to them.

For what is left of a damaged file: a leaf page holds whole rows even when the pages above it are gone.
After https://www.sqlite.org/fileformat2.html, sections 1.5 (pages), 1.6 (cells), 2.1 (records). Whatever
does not fit the format is passed over; nothing here raises for what a file contains.
"""

import mmap
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

Value = int | float | str | bytes | None

_LEAF_OF_A_TABLE = 0x0D
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_LONGEST = 64 * 2**20


class _Broken(Exception):
    """These bytes are no cell, record or page."""


@dataclass(frozen=True)
class RawRow:
    """A row of some table with row ids; which one is not written in the page."""

    rowid: int
    values: tuple[Value, ...]


def raw_rows(path: Path) -> Iterator[RawRow]:
    """Every row in every page that looks like a table's leaf, pages no longer in use included.

    Raises `OSError` where the file cannot be read at all.
    """
    with path.open("rb") as file:
        if path.stat().st_size < 512:
            return
        with closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as content:
            yield from _Pages(content).rows()


class _Pages:
    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        (size,) = struct.unpack_from(">H", content, 16)
        size = 65536 if size == 1 else size
        # A header that is gone: what SQLite has used since 2016.
        self._size = size if size >= 512 and size & (size - 1) == 0 else 4096
        reserved = content[20]
        self._usable = self._size - reserved if self._size - reserved >= 480 else self._size
        self._count = len(content) // self._size

    def rows(self) -> Iterator[RawRow]:
        for number in range(self._count):
            page = self._content[number * self._size : (number + 1) * self._size]
            start = 100 if number == 0 else 0
            if page[start] != _LEAF_OF_A_TABLE:
                continue
            (cells,) = struct.unpack_from(">H", page, start + 3)
            for index in range(min(cells, self._size // 4)):
                (at,) = struct.unpack_from(">H", page, start + 8 + 2 * index)
                try:
                    yield self._cell(page, at)
                except (_Broken, IndexError, struct.error, OverflowError):
                    continue

    def _cell(self, page: bytes, at: int) -> RawRow:
        length, at = _varint(page, at)
        rowid, at = _varint(page, at)
        if not 0 < length <= _LONGEST:
            raise _Broken
        local = self._local(length)
        if at + local > self._usable:
            raise _Broken
        payload = page[at : at + local]
        if local < length:
            (following,) = struct.unpack_from(">I", page, at + local)
            payload += self._overflow(following, length - local)
        return RawRow(rowid=_signed(rowid), values=_record(payload))

    def _local(self, length: int) -> int:
        """How much of a row's `length` bytes is in its leaf."""
        most = self._usable - 35
        if length <= most:
            return length
        least = (self._usable - 12) * 32 // 255 - 23
        wanted = least + (length - least) % (self._usable - 4)
        return wanted if wanted <= most else least

    def _overflow(self, number: int, length: int) -> bytes:
        parts: list[bytes] = []
        while length > 0:
            if not 1 < number <= self._count:
                raise _Broken
            start = (number - 1) * self._size
            (number,) = struct.unpack_from(">I", self._content, start)
            part = self._content[start + 4 : start + 4 + min(length, self._usable - 4)]
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


def _record(payload: bytes) -> tuple[Value, ...]:
    header, at = _varint(payload, 0)
    if header > len(payload):
        raise _Broken
    kinds = []
    while at < header:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    at = header
    values: list[Value] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    if at != len(payload):
        raise _Broken
    return tuple(values)


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind in (10, 11):
        raise _Broken
    size = 8 if kind == 7 else _INTEGER_BYTES.get(kind, (kind - 12) // 2)
    raw = payload[at : at + size]
    if len(raw) != size:
        raise _Broken
    if kind == 7:
        (number,) = struct.unpack(">d", raw)
        return float(number), at + size
    if kind in _INTEGER_BYTES:
        return int.from_bytes(raw, "big", signed=True), at + size
    return (raw if kind % 2 == 0 else raw.decode("utf-8", "replace")), at + size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, seven bits each but eight in the ninth, and where it ends."""
    value = 0
    for index in range(8):
        byte = content[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | content[at + 8], at + 9


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
