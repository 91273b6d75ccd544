"""Rows of CSV, Parquet and Arrow files, a batch at a time."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.store.errors import BadValue
from app.store.exchange.file_rows import MAX_LINE_BYTES, FileRow, RowFault, share_of, text_of, unreadable

MAX_BATCH_BYTES = 256 * 2**20
_ROWS_A_BATCH = 256
_MAX_COLUMNS = 1_000


def csv_rows(path: Path) -> Iterator[FileRow]:
    # The library's own limit, of the whole process, is lower than what a response may have.
    csv.field_size_limit(MAX_LINE_BYTES)
    with path.open("rb") as raw, text_of(raw) as file:
        share = share_of(raw, path)
        lines = _BoundedLines(file)
        first = next(lines, "")
        lines.begin_again_with(first)
        rows = csv.reader(lines, delimiter=max(",;\t|", key=first.count))
        names: list[str] = []
        while True:
            line = lines.number + 1
            try:
                cells = next(rows, None)
            except csv.Error as error:
                raise BadValue(
                    f"{path.name} cannot be read from line {line} on: {error}. Nothing was changed. Look for "
                    "a quotation mark without its partner there."
                ) from error
            if cells is None:
                return
            if not names:
                names = _column_names(cells, path)
            elif cells:
                yield FileRow(line, _named(names, cells), share())


class _BoundedLines:
    """The lines of a file for `csv`, which may ask for several for one row."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self._again = ""
        self.number = 0

    def __iter__(self) -> "_BoundedLines":
        return self

    def __next__(self) -> str:
        line, self._again = self._again or self._file.readline(MAX_LINE_BYTES), ""
        if not line:
            raise StopIteration
        if len(line) == MAX_LINE_BYTES:
            raise csv.Error(f"line {self.number + 1} is longer than {MAX_LINE_BYTES // 2**20} MiB")
        self.number += 1
        return line

    def begin_again_with(self, line: str) -> None:
        self._again = line
        self.number = 0


def _column_names(cells: list[str], path: Path) -> list[str]:
    if len(cells) > _MAX_COLUMNS:
        raise BadValue(
            f"{path.name} has {len(cells):,} columns; the limit is {_MAX_COLUMNS:,}. Nothing was changed."
        )
    return [cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1)]


def _named(names: list[str], cells: list[str]) -> Any:
    if len(cells) != len(names):
        return RowFault(f"It has {len(cells):,} cells where the first line has {len(names):,}.")
    return dict(zip(names, cells, strict=True))


def parquet_rows(path: Path) -> Iterator[FileRow]:
    from pyarrow import parquet

    with _arrow_errors(path), parquet.ParquetFile(path) as file:
        total, number = max(file.metadata.num_rows, 1), 0
        # A row group's size says how many rows at once are not too much.
        heaviest = max(
            (_bytes_a_row(file.metadata.row_group(i)) for i in range(file.num_row_groups)), default=1
        )
        at_once = max(1, min(_ROWS_A_BATCH, MAX_BATCH_BYTES // heaviest))
        for batch in file.iter_batches(batch_size=at_once):
            for value in values_of_batch(batch, path.name):
                number += 1
                yield FileRow(number, value, number / total)


def _bytes_a_row(group: Any) -> int:
    return max(1, int(group.total_byte_size) // max(int(group.num_rows), 1))


def arrow_rows(path: Path) -> Iterator[FileRow]:
    """Arrow's stream format, which `datasets` keeps its tables in, or its file format."""
    import pyarrow

    with _arrow_errors(path), pyarrow.memory_map(str(path)) as file:
        try:
            stream = pyarrow.ipc.open_stream(file)
        except pyarrow.ArrowInvalid:
            file.seek(0)
            reader = pyarrow.ipc.open_file(file)
            stream = (reader.get_batch(number) for number in range(reader.num_record_batches))
        number, size = 0, max(path.stat().st_size, 1)
        for whole in stream:
            whole.validate()
            for start in range(0, whole.num_rows, _ROWS_A_BATCH):
                for value in values_of_batch(whole.slice(start, _ROWS_A_BATCH), path.name):
                    number += 1
                    yield FileRow(number, value, min(1.0, file.tell() / size))


def values_of_batch(batch: Any, name: str) -> list[Any]:
    """The rows of a batch of Arrow as dictionaries. Raises `BadValue` where they would not fit in memory."""
    if batch.nbytes > MAX_BATCH_BYTES:
        raise BadValue(
            f"{name} has rows of together {batch.nbytes / 2**20:,.0f} MiB; the limit for {batch.num_rows} "
            f"rows is {MAX_BATCH_BYTES // 2**20} MiB. Nothing was changed."
        )
    try:
        return _checked_values(batch)
    except (ValueError, OverflowError):
        return [_value_of_row(batch.slice(number, 1)) for number in range(batch.num_rows)]


def _value_of_row(batch: Any) -> Any:
    try:
        return _checked_values(batch)[0]
    except (ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return RowFault(f"It is damaged, or holds what cannot be read ({reason[:200]}).")


def _checked_values(batch: Any) -> list[Any]:
    # A damaged file's texts may begin and end outside of what was read; only the full check looks at each.
    batch.validate(full=True)
    values: list[Any] = batch.to_pylist()
    return values


@contextmanager
def _arrow_errors(path: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OverflowError) as error:
        raise unreadable(path, error) from error
