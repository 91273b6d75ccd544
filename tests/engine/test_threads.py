"""The number of threads: measured once, kept, and never against the person's own word."""

from pathlib import Path

import msgspec
import pytest
import torch

from dpo_engine.compute import threads


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_seconds_of_others", lambda: 5.0)


@pytest.fixture(autouse=True)
def threads_undone() -> object:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def rates(monkeypatch: pytest.MonkeyPatch, **by_number: float) -> list[int]:
    asked: list[int] = []

    def rate(number: int, dtype: torch.dtype, seconds: float) -> float:
        asked.append(number)
        return by_number[f"t{number}"]

    monkeypatch.setattr(threads, "products_per_second", rate)
    monkeypatch.setattr(threads, "_seconds_of_others", lambda: 5.0)  # whatever else runs beside the tests
    return asked


def test_the_fastest_is_taken_and_more_threads_must_be_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rates(monkeypatch, t1=10.0, t2=19.0, t4=19.2)
    assert threads.fastest([1, 2, 4], torch.float32) == 2
    rates(monkeypatch, t1=10.0, t2=9.0, t4=30.0)
    assert threads.fastest([1, 2, 4], torch.float32) == 4


def test_it_is_measured_once_and_then_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "candidates", lambda: [1, 2])
    monkeypatch.setattr(threads, "_processors", lambda: 2)
    asked = rates(monkeypatch, t1=10.0, t2=5.0)
    kept = tmp_path / "cache" / "threads.json"
    assert threads.settle_threads(kept, torch.float32) == 1 == torch.get_num_threads()
    once = list(asked)
    assert once == [1, 2] * (len(once) // 2), "in turns"
    assert threads.settle_threads(kept, torch.float32) == 1
    assert asked == once
    threads.settle_threads(kept, torch.bfloat16)  # another type is another question
    assert asked == once * 2


def test_a_moment_of_other_work_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter([10.0, 3.0, *[10.0, 19.0] * 10])
    monkeypatch.setattr(threads, "products_per_second", lambda *_: next(seen))
    assert threads.fastest([1, 2], torch.float32) == 2


def test_beside_other_work_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "candidates", lambda: [1, 2])
    monkeypatch.setattr(threads, "_processors", lambda: 2)
    monkeypatch.setattr(threads.psutil, "cpu_count", lambda logical: 2)
    rates(monkeypatch, t1=10.0, t2=5.0)
    used = iter([5.0, 500.0])
    monkeypatch.setattr(threads, "_seconds_of_others", lambda: next(used))
    kept = tmp_path / "threads.json"
    assert threads.settle_threads(kept, torch.float32) == 2, "a thread a core"
    assert not kept.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"a": "b"}'])
def test_a_damaged_memory_is_measured_anew(
    content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "candidates", lambda: [1])
    rates(monkeypatch, t1=10.0)
    kept = tmp_path / "threads.json"
    kept.write_bytes(content)
    assert threads.settle_threads(kept, torch.float32) == 1
    assert list(msgspec.json.decode(kept.read_bytes()).values()) == [1]


def test_a_number_that_this_machine_does_not_have_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "candidates", lambda: [1])
    rates(monkeypatch, t1=10.0)
    kept = tmp_path / "threads.json"
    threads.settle_threads(kept, torch.float32)
    known = dict.fromkeys(msgspec.json.decode(kept.read_bytes()), 100_000)
    kept.write_bytes(msgspec.json.encode(known))
    assert threads.settle_threads(kept, torch.float32) == 1


def test_the_persons_own_number_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    asked = rates(monkeypatch)
    assert threads.settle_threads(tmp_path / "threads.json", torch.float32) == torch.get_num_threads()
    assert asked == []


def test_a_real_measurement_gives_a_rate_and_leaves_the_number_alone() -> None:
    before = torch.get_num_threads()
    assert threads.products_per_second(1, torch.float32) > 0
    assert torch.get_num_threads() == before
    assert threads.candidates() == sorted(set(threads.candidates()))
