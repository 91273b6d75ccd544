"""The cache of reference log-probs: right numbers or none, whatever happened to its file."""

import dataclasses
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine.reference.cache import CacheKey, ReferenceCache, read_frames

KEY = CacheKey(
    model="a" * 64,
    tokenizer="b" * 64,
    max_length=1024,
    weights="bfloat16",
    forward="bfloat16",
    device="cpu",
    libraries=("torch 2.13.0",),
)


def name(number: int) -> bytes:
    return number.to_bytes(16, "little")


def sums(*numbers: int) -> torch.Tensor:
    """What stands for the log-probs of these pairs: pair n has −n and −n − 0.5."""
    return torch.tensor([[-float(one), -one - 0.5] for one in numbers]).T


def filled(folder: Path, *frames: tuple[int, ...]) -> ReferenceCache:
    cache = ReferenceCache(folder, KEY)
    for numbers in frames:
        cache.append([name(one) for one in numbers], sums(*numbers))
    return cache


def known(folder: Path, *numbers: int) -> list[bool]:
    """Which pairs the cache knows; those must have the right numbers."""
    table = ReferenceCache(folder, KEY).known([name(one) for one in numbers])
    there = ~table.isnan().any(dim=0)
    assert torch.equal(table[:, there], sums(*numbers)[:, there])
    return there.tolist()


def test_what_one_run_kept_the_next_one_knows(tmp_path: Path) -> None:
    filled(tmp_path / "new", (3, 1), (7,))
    assert known(tmp_path / "new", 7, 2, 3, 1) == [True, False, True, True]
    assert known(tmp_path / "other", 7) == [False]
    assert ReferenceCache(tmp_path / "new", KEY).known([]).shape == (2, 0)


def test_float32_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    values = -torch.rand(2, 9000) * 1000
    names = [name(number) for number in range(9000)]
    ReferenceCache(tmp_path, KEY).append(names, values)
    assert torch.equal(ReferenceCache(tmp_path, KEY).known(names), values)


@pytest.mark.parametrize("field", [entry.name for entry in dataclasses.fields(CacheKey)])
def test_anything_else_in_the_key_never_hits(tmp_path: Path, field: str) -> None:
    filled(tmp_path, (1,))
    others: dict[str, Any] = {"max_length": 512, "libraries": ("torch 2.14.0",)}
    key = dataclasses.replace(KEY, **{field: others.get(field, "other")})
    assert ReferenceCache(tmp_path, key).known([name(1)]).isnan().all()


def test_a_file_under_another_key_s_name_is_not_believed(tmp_path: Path) -> None:
    ours = filled(tmp_path, (1,))
    other = ReferenceCache(tmp_path, dataclasses.replace(KEY, model="c" * 64))
    ours.path.rename(other.path)
    assert other.known([name(1)]).isnan().all()
    assert "damaged" in other.take_notes()[0]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf"), 0.5])
def test_what_is_no_log_prob_is_neither_kept_nor_believed(
    tmp_path: Path, wrong: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpo_engine.reference import cache as reference_cache

    values = sums(1, 2)
    values[1, 0] = wrong
    ReferenceCache(tmp_path, KEY).append([name(1), name(2)], values)
    assert known(tmp_path, 1, 2) == [False, True]
    with monkeypatch.context() as unguarded:  # another program may write what it likes
        unguarded.setattr(reference_cache, "_plausible", lambda records: records)
        ReferenceCache(tmp_path, KEY).append([name(1)], values[:, :1])
    assert known(tmp_path, 1, 2) == [False, True]


def test_the_numbers_written_first_stay(tmp_path: Path) -> None:
    filled(tmp_path, (1,)).append([name(1)], sums(9))
    assert known(tmp_path, 1) == [True]


def test_a_file_torn_anywhere_gives_what_is_whole_and_can_be_added_to(tmp_path: Path) -> None:
    cache = filled(tmp_path, (1, 2), (3,))
    whole = cache.path.read_bytes()
    ends = (80, len(whole))
    for size in range(len(whole)):
        cache.path.write_bytes(whole[:size])
        reader = ReferenceCache(tmp_path, KEY)
        found = (~reader.known([name(1), name(2), name(3)]).isnan().any(dim=0)).tolist()
        assert found == [size >= ends[0], size >= ends[0], False]
        assert reader.take_notes() == []  # another process may be writing just now
        reader.append([name(4)], sums(4))
        assert known(tmp_path, 1, 4) == [size >= ends[0], True]


def test_damage_is_mended_once_and_told(tmp_path: Path) -> None:
    cache = filled(tmp_path, (1,), (2, 3), (4,))
    whole = cache.path.read_bytes()
    for place in range(56, 56 + 80):  # every byte of the second frame
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x55
        cache.path.write_bytes(spoilt)
        reader = ReferenceCache(tmp_path, KEY)
        table = reader.known([name(1), name(2), name(3), name(4)])
        assert table.isnan().any(dim=0).tolist() == [False, True, True, False]
        (sentence,) = reader.take_notes()
        assert "damaged in part" in sentence
        again = ReferenceCache(tmp_path, KEY)
        assert torch.equal(again.known([name(4)]), sums(4)) and again.take_notes() == []


def test_files_of_strangers_do_no_harm(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path, KEY)
    tmp_path.mkdir(exist_ok=True)
    magic = filled(tmp_path / "sample", (1,)).path.read_bytes()[:8]
    endless = magic + KEY.digest() + (4096).to_bytes(4, "little") + b"\0\0\0\0"
    for content in (b"", b"\0" * 5000, random.Random(1).randbytes(5000), magic * 20_000, endless * 40_000):
        cache.path.write_bytes(content)
        reader = ReferenceCache(tmp_path, KEY)
        assert reader.known([name(1)]).isnan().all()
        reader.append([name(2)], sums(2))
        assert known(tmp_path, 2) == [True]


def test_a_file_that_is_too_large_is_begun_anew(tmp_path: Path) -> None:
    cache = filled(tmp_path, tuple(range(100)))
    small = ReferenceCache(tmp_path, KEY, most_bytes=1000)
    assert small.known([name(1)]).isnan().all()
    assert "too large" in small.take_notes()[0] and not cache.path.exists()
    small.append([name(one) for one in range(50)], sums(*range(50)))
    assert cache.path.stat().st_size == 0
    assert "this run is not affected" in small.take_notes()[0]


def test_the_files_unused_for_longest_go_first(tmp_path: Path) -> None:
    import os

    caches = [ReferenceCache(tmp_path, dataclasses.replace(KEY, model=str(one))) for one in range(4)]
    for age, cache in enumerate(caches):
        cache.append([name(1)], sums(1))
        os.utime(cache.path, ns=(age, age))
    caches[1].known([name(1)])  # used just now
    keeper = ReferenceCache(tmp_path, dataclasses.replace(KEY, model="0"), most_bytes=2 * 56)
    keeper.thin()
    assert [cache.path.exists() for cache in caches] == [True, True, False, False]


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = ReferenceCache(tmp_path / "file", KEY)
    cache.thin()
    assert cache.known([name(1)]).isnan().all()
    cache.append([name(1)], sums(1))
    cache.append([name(2)], sums(2))
    (sentence,) = cache.take_notes()
    assert "cannot be kept for later runs" in sentence and cache.take_notes() == []
    cache.forget()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_only_costs_time(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path, KEY)
    cache.path.symlink_to("/dev/full")
    cache.append([name(1)], sums(1))
    assert "No space left" in cache.take_notes()[0]


_WRITER = """
import sys
from pathlib import Path
from tests.engine.test_reference_cache import KEY, name, sums
from dpo_engine.reference.cache import ReferenceCache
cache = ReferenceCache(Path(sys.argv[1]), KEY)
print("ready", flush=True)
sys.stdin.readline()
first, last, size = map(int, sys.argv[2:])
for start in range(first, last, size):
    numbers = range(start, start + size)
    cache.append([name(one) for one in numbers], sums(*numbers))
    print(start, flush=True)
"""


def writer(folder: Path, first: int, last: int, size: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), str(first), str(last), str(size)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    writers = [writer(tmp_path, 0, 4200, 7), writer(tmp_path, 2100, 6300, 7)]
    for one in writers:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    for one in writers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in writers:
        one.communicate(timeout=60)
        assert one.returncode == 0
    assert known(tmp_path, *range(6300)) == [True] * 6300
    content = ReferenceCache(tmp_path, KEY).path.read_bytes()
    frames, damaged = read_frames(content, KEY.digest(), KEY.record.itemsize)
    assert (len(frames), damaged) == (1200, False)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_what_a_killed_process_wrote_is_right(tmp_path: Path) -> None:
    victim = writer(tmp_path, 0, 4_000_000, 4000)
    assert victim.stdin is not None and victim.stdout is not None
    victim.stdout.readline()
    victim.stdin.write("go\n")
    victim.stdin.flush()
    written = [int(victim.stdout.readline()) for _ in range(4)]
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=60)
    assert known(tmp_path, *(start + 3999 for start in written)) == [True] * 4
    reader = ReferenceCache(tmp_path, KEY)
    everything = reader.known([name(one) for one in range(100_000)])
    there = ~everything.isnan().any(dim=0)
    assert torch.equal(everything[:, there], sums(*range(100_000))[:, there])
    reader.append([name(9_999_999)], sums(9_999_999))
    assert known(tmp_path, 9_999_999) == [True]
