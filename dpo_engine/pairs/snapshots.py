"""The snapshot of verdicts inside a run folder: Arrow files in TRL's conversational, explicit-prompt format.

`datasets.load_from_disk(folder)` opens it anywhere; the columns `id`, `split` and `strength` come on top
of TRL's `prompt`, `chosen` and `rejected`. Torch-free.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec

from dpo_engine.conversations import Message, Pair, Split
from dpo_engine.errors import BadInput


class _Row(msgspec.Struct):
    id: str
    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    split: Split
    strength: int


def pairs_hash(pairs: Sequence[Pair]) -> str:
    """SHA-256 over everything in the pairs, in order: the same verdicts have the same hash anywhere."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(msgspec.json.encode(pair) + b"\n")
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
        rows = [_row(pair) for pair in pairs if pair.split == split]
        if rows:  # the library cannot read back a split that it saved empty
            splits[split] = Dataset.from_list(rows, features=features)
    with _no_progress_bars():
        DatasetDict(splits).save_to_disk(folder)


def read_snapshot(folder: Path) -> tuple[Pair, ...]:
    """Every pair of a snapshot, in snapshot order. Raises `BadInput` where it is none or is damaged."""
    import pyarrow
    from datasets import DatasetDict, load_from_disk

    try:
        stored = load_from_disk(folder)
        if not isinstance(stored, DatasetDict):
            raise BadInput(f"{folder} is no snapshot of pairs: it has no splits.")
        return tuple(
            _pair(row) for split in get_args(Split) if split in stored for row in stored[split].to_list()
        )
    except (OSError, ValueError, LookupError, TypeError, pyarrow.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"The snapshot of pairs in {folder} is damaged or incomplete ({reason}).") from error


def _row(pair: Pair) -> dict[str, Any]:
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
