"""Where an import comes from: a file, a folder of files, a data set of the hub; each is files with rows."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from app.store.errors import BadValue, Cancelled, explained
from app.store.exchange import json_rows, table_rows
from app.store.exchange.file_rows import FileRow
from app.store.exchange.values import split_of
from dpo_engine.fetching.child import Child, Told
from dpo_engine.preferences import Split

Start = Callable[[Told], Child]
"""Begin to fetch a data set."""

MAX_FILES = 1_000
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_NOT_ROWS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")

_READERS: dict[str, Callable[[Path], Iterator[FileRow]]] = {
    ".jsonl": json_rows.json_lines,
    ".ndjson": json_rows.json_lines,
    ".jsonl.gz": json_rows.zipped_json_lines,
    ".json": json_rows.json_file,
    ".csv": table_rows.csv_rows,
    ".tsv": table_rows.csv_rows,
    ".parquet": table_rows.parquet_rows,
    ".arrow": table_rows.arrow_rows,
    ".txt": json_rows.text_lines,
}
ENDINGS = tuple(_READERS)
"""Of the files that can be read."""


class SourceFile(msgspec.Struct, frozen=True):
    path: Path
    name: str = ""
    """How a report calls it; empty where there is only this one."""
    split: Split | None = None
    """What its name says: `test.jsonl` in a folder is held out."""
    size: int = 0


class Source(msgspec.Struct, frozen=True):
    """What is imported: its name for a person, and its files in order."""

    name: str
    files: tuple[SourceFile, ...]

    def rows(self) -> Iterator[tuple[SourceFile, FileRow, float]]:
        """Every row with its file and the share of all files that is read. Raises `StoreError`."""
        total, before = sum(file.size for file in self.files) or 1, 0
        for file in self.files:
            for row in rows_of_file(file.path):
                yield file, row, (before + row.share * file.size) / total
            before += file.size


def source_at(path: Path) -> Source:
    """A file, or a folder with files in it (also as `datasets` saves them). Raises `StoreError`."""
    with explained(f"reading {path.name}"):
        if path.is_dir():
            return Source(name=path.name, files=_files_of(path))
        if not path.is_file():
            raise BadValue(f"There is no file {path}. Nothing was changed. Choose another one.")
        _reader_of(path)
        return Source(name=path.name, files=(SourceFile(path=path, size=path.stat().st_size),))


def source_on_hub(
    dataset: str,
    config: str | None = None,
    token: str | None = None,
    *,
    on_bytes: Callable[[int], None] = lambda _bytes: None,
    cancelled: Callable[[], bool] = lambda: False,
    start: Start | None = None,
) -> Source:
    """A data set of the Hugging Face hub, fetched into its cache. Raises `StoreError`.

    Called only when a person asked for it in that moment: this is the one place where an import goes online.
    Files are fetched, code never is. `token` is for data sets that are not public. `on_bytes` is told how
    much is there; once `cancelled`, the process that fetches is ended, and what it has not finished counts
    as nothing.
    """
    if not _HUB_ID.fullmatch(dataset):
        raise BadValue(
            f"{dataset[:80]!r} is no data set of the hub. Nothing was fetched. Write it as owner/name."
        )
    task = {"dataset": dataset, "config": config, "token": token}
    with explained(f"fetching {dataset}"), (start or _start)(task) as child:
        for told in child.news():
            if cancelled():
                raise Cancelled(f"Fetching {dataset} was ended. Nothing was changed.")
            if told is None:
                continue
            if "failed" in told:
                raise _not_fetched(dataset, told["words"] or told["failed"], token)
            if "result" in told:
                files = (SourceFile(**{**one, "path": Path(one["path"])}) for one in told["result"])
                return Source(name=dataset, files=tuple(files))
            on_bytes(int(told["done"]))
    raise _not_fetched(dataset, "it ended early.", token)


def _start(task: Told) -> Child:
    return Child("app.store.exchange.hub_child", task)


def _not_fetched(dataset: str, words: str, token: str | None) -> BadValue:
    said = words.replace(token, "…") if token else words
    return BadValue(
        f"{dataset} could not be fetched from the hub: {said.splitlines()[0][:300]} Nothing was changed. "
        "Check the name and the connection (for one that is private or gated a token is needed: Edit, Tokens "
        "and keys), or download its files and choose them here."
    )


def rows_of_file(path: Path) -> Iterator[FileRow]:
    """The rows of a file, by its ending. Raises `StoreError` for one that cannot be read."""
    reader = _reader_of(path)
    with explained(f"reading {path.name}"):
        yield from reader(path)


def _reader_of(path: Path) -> Callable[[Path], Iterator[FileRow]]:
    for ending, reader in _READERS.items():
        if path.name.lower().endswith(ending):
            return reader
    raise BadValue(
        f"{path.name} is of an unknown kind. Nothing was changed. Choose a file whose name ends with "
        f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}."
    )


def _files_of(folder: Path) -> tuple[SourceFile, ...]:
    found: list[SourceFile] = []
    for path in sorted(folder.rglob("*")):
        if not _is_data(path) or not path.is_file():
            continue
        if len(found) == MAX_FILES:
            raise BadValue(
                f"{folder.name} has more than {MAX_FILES:,} files. Nothing was changed. Choose one file, or "
                "a folder with fewer."
            )
        found.append(
            SourceFile(
                path=path,
                name=path.relative_to(folder).as_posix(),
                split=split_of(path.name.split(".")[0]) or split_of(path.parent.name),
                size=path.stat().st_size,
            )
        )
    if not found:
        raise BadValue(
            f"{folder.name} has no files that can be imported. Nothing was changed. Choose a folder with "
            f"files whose names end with {', '.join(ENDINGS[:-2])} or {ENDINGS[-2]}."
        )
    return tuple(found)


def _is_data(path: Path) -> bool:
    """Texts in a folder are licences and notes; `cache-…` is what `datasets` keeps for itself."""
    name = path.name.lower()
    return (
        name.endswith(ENDINGS[:-1]) and name not in _NOT_ROWS and not name.startswith((".", "cache-", "tmp"))
    )
