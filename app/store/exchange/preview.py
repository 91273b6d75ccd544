"""A first look at what is to be imported: its format, and its first rows as they will be."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from app.store.errors import BadValue, StoreError
from app.store.exchange.entries import Entry, RowRefused
from app.store.exchange.file_rows import FileRow
from app.store.exchange.formats import reader_of, recognised
from app.store.exchange.mapped import ColumnMapping, columns_of
from app.store.exchange.sources import Source, SourceFile, source_at, source_on_hub

SAMPLED = 200
"""Rows that are read to tell the format."""
_MOST_BYTES = 32 * 2**20
"""Of them together, so that a look at very long rows takes no more memory than at others."""


class PreviewRow(msgspec.Struct, frozen=True):
    """A row as it will be kept, or why it will not be."""

    line: int
    file: str
    entry: Entry | None
    problem: str = ""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    source: Source
    format: str | None
    """The key of the format; None where none is recognised and a mapping is needed."""
    title: str
    """What the format is called; empty where there is none."""
    columns: tuple[str, ...]
    mapping: ColumnMapping | None
    rows: tuple[PreviewRow, ...]
    """The first rows, at most `SAMPLED`."""
    complete: bool
    """These are all rows there are."""
    problems: tuple[str, ...]
    """Sentences on what is wrong with the whole."""

    @property
    def usable(self) -> bool:
        """Some row can be imported."""
        return any(row.entry is not None for row in self.rows)


def look(path: Path, mapping: ColumnMapping | None = None) -> Preview:
    """At a file or a folder; with `mapping` its columns are read by that. Raises `StoreError`."""
    return look_at(source_at(path), mapping)


def look_on_hub(
    dataset: str,
    config: str | None = None,
    mapping: ColumnMapping | None = None,
    *,
    token: str | None = None,
    on_bytes: Callable[[int], None] = lambda _bytes: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Preview:
    """At a data set of the hub, which is fetched for it: only when a person asked for it in that moment."""
    source = source_on_hub(dataset, config, token, on_bytes=on_bytes, cancelled=cancelled)
    return look_at(source, mapping)


def look_at(source: Source, mapping: ColumnMapping | None = None) -> Preview:
    """Raises `StoreError` where not even the first row can be read."""
    sample, problem, complete = _sample(source.rows())
    if not sample:
        raise BadValue(f"{source.name} is empty: there is nothing in it to import. Nothing was changed.")
    values = [value for _, _, value in sample]
    known = recognised(values)
    key = "prompts" if known is None and all(isinstance(value, str) for value in values) else None
    format_key, title = (known[0].key, known[1]) if known else (key, "Prompts, one a line" if key else "")
    shown = tuple(_shown(sample, format_key, mapping))
    return Preview(
        source=source,
        format=format_key,
        title=title,
        columns=_columns(values),
        mapping=mapping,
        rows=shown,
        complete=complete,
        problems=tuple(_problems(shown, format_key, mapping, problem)),
    )


def _sample(
    rows: Iterator[tuple[SourceFile, FileRow, float]],
) -> tuple[list[tuple[str, int, Any]], str, bool]:
    """The first rows; what is wrong with the file after them; whether there are no more."""
    sample: list[tuple[str, int, Any]] = []
    room = _MOST_BYTES
    try:
        for file, row, _ in rows:
            if len(sample) == SAMPLED or room < 0:
                return sample, "", False
            sample.append((file.name, row.line, row.value))
            room -= _size(row.value)
    except StoreError as error:
        if not sample:
            raise
        return sample, str(error), False
    return sample, "", True


def _size(value: Any) -> int:
    try:
        return len(msgspec.json.encode(value))
    except (ValueError, TypeError, RecursionError):
        return 2**20  # what is no JSON is refused soon enough; some size it has


def _shown(
    sample: list[tuple[str, int, Any]], key: str | None, mapping: ColumnMapping | None
) -> Iterator[PreviewRow]:
    if key is None and mapping is None:
        reason = "Its format is not known: name its columns."
        yield from (PreviewRow(line, file, None, reason) for file, line, _ in sample)
        return
    read = reader_of(key or "prompts", mapping)
    for file, line, value in sample:
        try:
            yield PreviewRow(line, file, read(value))
        except RowRefused as error:
            yield PreviewRow(line, file, None, str(error))


def _problems(
    shown: tuple[PreviewRow, ...], key: str | None, mapping: ColumnMapping | None, problem: str
) -> Iterator[str]:
    if problem:
        yield problem
    if key is None and mapping is None:
        yield "The format is not known. Say which column is the prompt and which are the responses."
        return
    refused = [row for row in shown if row.entry is None]
    if refused:
        yield (
            f"{len(refused):,} of the first {len(shown):,} rows cannot be imported. "
            f"Line {refused[0].line}: {refused[0].problem}"
        )


def _columns(values: list[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in values:
        found.update(dict.fromkeys(columns_of(value)))
    return tuple(found)[:200]
