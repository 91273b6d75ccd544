"""The snapshot of verdicts inside a run folder: Arrow files in TRL's conversational, explicit-prompt format.

`datasets.load_from_disk(folder)` opens it anywhere; the columns `id`, `split` and `strength` come on top
of TRL's `prompt`, `chosen` and `rejected`. Torch-free.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args, overload

import msgspec

from dpo_engine.conversations import Message, Pair, Split
from dpo_engine.errors import BadInput


class _Splits(msgspec.Struct):
    splits: list[str]


class _DataFile(msgspec.Struct):
    filename: str


class _State(msgspec.Struct):
    files: list[_DataFile] = msgspec.field(name="_data_files")


class _Row(msgspec.Struct):
    id: str
    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    split: Split
    strength: int


Document = TypeVar("Document", "_Splits", "_State")

_AT_ONCE = 256
"""Rows in memory while all are read."""


class SnapshotPairs(Sequence[Pair]):
    """The pairs of a snapshot, in snapshot order, each read from the memory-mapped file when it is asked for.

    Raises `BadInput` for a row that is no pair.
    """

    def __init__(self, parts: Sequence[Any], folder: Path) -> None:
        """`parts`: Arrow tables, one after another."""
        self._parts = parts
        self._folder = folder

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @overload
    def __getitem__(self, number: int) -> Pair: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[Pair, ...]: ...
    def __getitem__(self, number: int | slice) -> Pair | tuple[Pair, ...]:
        if isinstance(number, slice):
            return tuple(self[one] for one in range(*number.indices(len(self))))
        place = number if number >= 0 else number + len(self)
        for part in self._parts:
            if 0 <= place < len(part):
                with _as_bad_input(self._folder):
                    return _pair(part.slice(place, 1).to_pylist()[0])
            place -= len(part)
        raise IndexError(number)

    def __iter__(self) -> Iterator[Pair]:
        for part in self._parts:
            for start in range(0, len(part), _AT_ONCE):
                with _as_bad_input(self._folder):
                    pairs = [_pair(row) for row in part.slice(start, _AT_ONCE).to_pylist()]
                yield from pairs


class PairsHash:
    """SHA-256 over everything in the pairs, in order: the same verdicts have the same hash anywhere."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, pair: Pair) -> None:
        self._digest.update(msgspec.json.encode(pair) + b"\n")

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def pairs_hash(pairs: Iterable[Pair]) -> str:
    """Of all `pairs`; see `PairsHash`."""
    digest = PairsHash()
    for pair in pairs:
        digest.add(pair)
    return digest.hexdigest()


def in_snapshot_order(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Training pairs first, then the held-out ones, each in the order given."""
    return tuple(pair for split in get_args(Split) for pair in pairs if pair.split == split)


def write_snapshot(folder: Path, pairs: Sequence[Pair]) -> None:
    """Save `pairs` as a data set with the splits `train` and, if any pair is, `held_out`."""
    from datasets import Dataset, DatasetDict, Features, Value
    from datasets.features import List

    messages = List({"role": Value("string"), "content": Value("string")})
    features = Features(
        {
            "id": Value("string"),
            "prompt": messages,
            "chosen": messages,
            "rejected": messages,
            "split": Value("string"),
            "strength": Value("int8"),
        }
    )
    splits: dict[str, Dataset] = {}
    for split in get_args(Split):
        rows = [row_of(pair) for pair in pairs if pair.split == split]
        if rows:  # the library cannot read back a split that it saved empty
            splits[split] = Dataset.from_list(rows, features=features)
    with _no_progress_bars():
        DatasetDict(splits).save_to_disk(folder)


def open_snapshot(folder: Path) -> SnapshotPairs:
    """The pairs of a snapshot, memory-mapped. Raises `BadInput` where it is none or is damaged.

    Read as what the `datasets` library saves, without it: that would take 60 MB.
    """
    with _as_bad_input(folder):
        splits = _document(folder / "dataset_dict.json", _Splits).splits
        files = [
            folder / split / Path(file.filename).name
            for split in get_args(Split)
            if split in splits
            for file in _document(folder / split / "state.json", _State).files
        ]
        return SnapshotPairs([_table(file) for file in files], folder)


def _table(file: Path) -> Any:
    import pyarrow

    return pyarrow.ipc.open_stream(pyarrow.memory_map(str(file))).read_all()


def _document(path: Path, kind: type[Document]) -> Document:
    return msgspec.json.decode(path.read_bytes(), type=kind)


def read_snapshot(folder: Path) -> tuple[Pair, ...]:
    """Every pair of a snapshot, in snapshot order. Raises `BadInput` where it is none or is damaged."""
    return tuple(iter(open_snapshot(folder)))


@contextmanager
def _as_bad_input(folder: Path) -> Iterator[None]:
    """What the libraries say of damaged files, as a sentence."""
    import pyarrow

    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, pyarrow.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"The snapshot of pairs in {folder} is damaged or incomplete ({reason}).") from error


def row_of(pair: Pair) -> dict[str, Any]:
    """A pair as it stands in a snapshot: TRL's conversational format, and what the app knows of it."""
    return {
        "id": pair.id,
        "prompt": [{"role": message.role, "content": message.content} for message in pair.prompt],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
        "split": pair.split,
        "strength": pair.strength,
    }


def _pair(stored: Any) -> Pair:
    row = msgspec.convert(stored, type=_Row)
    if len(row.chosen) != 1 or len(row.rejected) != 1:
        raise BadInput(f"Pair {row.id} of the snapshot must have one chosen and one rejected message.")
    return Pair(
        id=row.id,
        prompt=tuple(row.prompt),
        chosen=row.chosen[0].content,
        rejected=row.rejected[0].content,
        split=row.split,
        strength=row.strength,
    )


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """The library draws on stderr unless told not to, and only knows a switch for the whole process."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
