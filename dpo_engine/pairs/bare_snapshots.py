"""A snapshot of pairs for the moment, written a few rows at a time and without the `datasets` library.

`open_snapshot` reads it; `datasets.load_from_disk` need not. Importing that library takes seconds, and
writing with it holds up every other thread of the program while it makes a table of all rows. Torch-free.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from dpo_engine.conversations import Pair, Split
from dpo_engine.pairs.snapshots import in_snapshot_order, row_of

_AT_ONCE = 64
_FILE = "data-00000-of-00001.arrow"


def write_bare_snapshot(folder: Path, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Into `folder`, which is made; gives the pairs' ids in snapshot order. Raises `OSError`."""
    ordered = in_snapshot_order(pairs)
    splits = [split for split in get_args(Split) if any(pair.split == split for pair in ordered)]
    folder.mkdir(parents=True)
    for split in splits:
        rows = [pair for pair in ordered if pair.split == split]
        (folder / split).mkdir()
        _write_rows(folder / split / _FILE, rows)
        _write_json(folder / split / "state.json", {"_data_files": [{"filename": _FILE}]})
    _write_json(folder / "dataset_dict.json", {"splits": splits})
    return tuple(pair.id for pair in ordered)


def _write_rows(path: Path, pairs: Sequence[Pair]) -> None:
    import pyarrow as pa

    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("prompt", messages),
            ("chosen", messages),
            ("rejected", messages),
            ("split", pa.string()),
            ("strength", pa.int8()),
        ]
    )
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for start in range(0, len(pairs), _AT_ONCE):
            rows = [row_of(pair) for pair in pairs[start : start + _AT_ONCE]]
            stream.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_bytes(msgspec.json.encode(document))
