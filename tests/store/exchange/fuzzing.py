"""One hostile input through look and import: no crash, no half import. For the tests and the long run."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
from pyarrow import csv, parquet

from app.store.errors import StoreError
from app.store.exchange.entries import RowRefused
from app.store.exchange.formats import FORMATS, reader_of, recognised
from app.store.exchange.identity import Asked
from app.store.exchange.importing import run
from app.store.exchange.preview import look
from app.store.project import Project
from tests.store.exchange import samples
from tests.store.exchange.mutations import damaged_bytes, damaged_row, json_lines

READERS = tuple(known.key for known in FORMATS)
FILES = ("jsonl", "json", "csv", "parquet", "arrow", "txt", "jsonl.gz")
_TABLES = ("prompts", "candidates", "comparisons", "verdicts", "verdict_history", "standing", "journal")


def try_row(key: str, draw: Random) -> bool:
    """A damaged row of a format is read or refused, by its own reader and by whoever recognises it; which."""
    row = damaged_row(draw.choice(samples.BY_FORMAT[key]), draw)
    known = recognised([row])
    return try_readers(row, {key, known[0].key if known else key})


def try_readers(row: Any, keys: Iterable[str]) -> bool:
    """A row is read or refused with a sentence by each of these readers; whether any read it."""
    read = False
    for key in keys:
        try:
            Asked(reader_of(key)(row))
            read = True
        except RowRefused as refused:
            assert str(refused).endswith((".", "!", "?")), refused
    return read


def try_file(project: Project, folder: Path, ending: str, draw: Random) -> int:
    """A damaged file is imported whole, or with its bad rows told, or not at all; how many rows it had."""
    key = draw.choice(READERS)
    rows = [draw.choice(samples.BY_FORMAT[key]) for _ in range(draw.randint(1, 30))]
    rows = [damaged_row(row, draw) if draw.random() < 0.5 else row for row in rows]
    content = as_file(ending, rows)
    if draw.random() < 0.6:
        content = damaged_bytes(content, draw)
    return try_content(project, folder / f"rows.{ending}", content, draw)


def try_content(project: Project, path: Path, content: bytes, draw: Random) -> int:
    """The same of any file; how many rows were read of what was imported."""
    path.write_bytes(content)
    before = _counted(project)
    try:
        report = run(project, look(path), annotator="ada", rng=draw)
    except StoreError as error:
        assert error.code != "bug", error
        assert _counted(project) == before, "a half import"
        return 0
    after = _counted(project)
    assert after["prompts"] - before["prompts"] == report.prompts
    assert after["verdicts"] - before["verdicts"] == report.verdicts
    assert report.refused_rows <= report.rows
    return report.rows


def _counted(project: Project) -> dict[str, int]:
    assert not project.db.conn.in_transaction
    return {table: project.db.table(table).count for table in _TABLES}


def as_file(ending: str, rows: list[Any]) -> bytes:
    import gzip

    objects = [row if isinstance(row, dict) else {"prompt": row} for row in rows]
    match ending:
        case "jsonl":
            return json_lines(rows)
        case "jsonl.gz":
            return gzip.compress(json_lines(rows), compresslevel=1)
        case "json":
            return json.dumps(rows).encode()
        case "txt":
            return b"\n".join(str(row).encode("utf-8", "replace") for row in rows)
    table = pyarrow.Table.from_pylist(
        [{str(name): _cell(cell) for name, cell in row.items()} for row in objects]
    )
    sink = io.BytesIO()
    if ending == "csv":
        csv.write_csv(table, sink)
    elif ending == "parquet":
        parquet.write_table(table, sink)
    else:
        with pyarrow.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()
