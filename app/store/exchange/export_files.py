"""The files of an export: one for each kind and split, opened when its first row comes."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Protocol

import msgspec

from app.store.exchange.export_rows import Row
from app.store.exchange.quiet import no_progress_bars
from app.store.exchange.studio_format import Kind
from dpo_engine.preferences import Split

FileFormat = Literal["jsonl", "parquet", "arrow"]
"""`arrow` is the folder that `datasets.load_from_disk` opens."""

_AT_ONCE = 500
_WORK = ".work"


class _File(Protocol):
    def write(self, rows: list[Row]) -> None: ...

    def close(self) -> None: ...


class SplitFiles:
    """Takes rows in any order; `Features` (of `datasets`) say a file's columns. For a `with` block."""

    def __init__(self, folder: Path, file_format: FileFormat) -> None:
        self._folder = folder
        self._format = file_format
        self._files: dict[tuple[Kind, Split], _File] = {}
        self._waiting: dict[tuple[Kind, Split], list[Row]] = {}

    def __enter__(self) -> "SplitFiles":
        return self

    def write(self, kind: Kind, split: Split, row: Row, features: Callable[[Kind], Any]) -> None:
        key = (kind, split)
        if key not in self._files:
            self._files[key] = self._opened(key, features)
            self._waiting[key] = []
        self._waiting[key].append(row)
        if len(self._waiting[key]) == _AT_ONCE:
            self._flush(key)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                for key in self._files:
                    self._flush(key)
        finally:
            for file in self._files.values():
                file.close()
        if error is None and self._format == "arrow":
            _save_to_disk(self._folder, self._files)

    def _flush(self, key: tuple[Kind, Split]) -> None:
        rows, self._waiting[key] = self._waiting[key], []
        self._files[key].write(rows)

    def _opened(self, key: tuple[Kind, Split], features: Callable[[Kind], Any]) -> _File:
        kind, split = key
        folder = self._folder / (_WORK if self._format == "arrow" else "") / kind
        folder.mkdir(parents=True, exist_ok=True)
        if self._format == "jsonl":
            return _JsonLines(folder / f"{split}.jsonl")
        if self._format == "parquet":
            return _Parquet(folder / f"{split}.parquet", features(kind))
        return _Arrow(folder / f"{split}.arrow", features(kind))


class _JsonLines:
    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")

    def write(self, rows: list[Row]) -> None:
        self._file.writelines(msgspec.json.encode(row) + b"\n" for row in rows)

    def close(self) -> None:
        self._file.close()


class _Parquet:
    def __init__(self, path: Path, features: Any) -> None:
        from pyarrow import parquet

        self._schema = features.arrow_schema
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: list[Row]) -> None:
        import pyarrow

        self._writer.write_table(pyarrow.Table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class _Arrow:
    def __init__(self, path: Path, features: Any) -> None:
        from datasets.arrow_writer import ArrowWriter

        self.path = path
        self._schema = features.arrow_schema
        self._writer = ArrowWriter(path=str(path), features=features)

    def write(self, rows: list[Row]) -> None:
        import pyarrow

        self._writer.write_table(pyarrow.Table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._writer.finalize()


def _save_to_disk(folder: Path, keys: Iterable[tuple[Kind, Split]]) -> None:
    from datasets import Dataset, DatasetDict

    kinds: dict[Kind, dict[str, Path]] = {}
    for kind, split in keys:
        kinds.setdefault(kind, {})[split] = folder / _WORK / kind / f"{split}.arrow"
    with no_progress_bars():
        for kind, splits in kinds.items():
            tables = {split: Dataset.from_file(str(path)) for split, path in sorted(splits.items())}
            DatasetDict(tables).save_to_disk(folder / kind)
    shutil.rmtree(folder / _WORK, ignore_errors=True)


def features_of(columns: Mapping[str, Any]) -> Any:
    """`datasets.Features` of columns as `export_rows.columns_of` names them."""
    from datasets import Features

    return Features({name: _feature(of) for name, of in columns.items()})


def _feature(of: Any) -> Any:
    from datasets import Value
    from datasets.features import List

    if isinstance(of, str):
        return Value(of)
    if isinstance(of, list):
        return List(_feature(of[0]))
    return {name: _feature(one) for name, one in of.items()}
