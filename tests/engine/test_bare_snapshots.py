from pathlib import Path

import pytest

from dpo_engine.pairs.bare_snapshots import write_bare_snapshot
from dpo_engine.pairs.snapshots import in_snapshot_order, open_snapshot, read_snapshot
from dpo_engine.preferences import Message, Pair, Split

SPLITS: list[list[Split]] = [["train", "held_out", "train"], ["held_out"], ["train"] * 150]


@pytest.mark.parametrize("splits", SPLITS)
def test_it_is_read_as_any_snapshot(splits: list[Split], tmp_path: Path) -> None:
    pairs = [
        Pair(
            id=f"é{number}",
            prompt=(Message("system", "Be kind"), Message("user", "سؤال\n")),
            chosen="same",
            rejected="same" if number % 2 else "",
            split=split,
            strength=1 + number % 3,
        )
        for number, split in enumerate(splits)
    ]
    names = write_bare_snapshot(tmp_path / "pairs", pairs)
    assert read_snapshot(tmp_path / "pairs") == in_snapshot_order(pairs)
    opened = open_snapshot(tmp_path / "pairs")
    assert names == tuple(opened[number].id for number in range(len(opened)))
