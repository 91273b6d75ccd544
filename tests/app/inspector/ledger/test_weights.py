"""A mark follows what the weights are, not where or when they were written."""

import shutil
from pathlib import Path

import pytest

from app.inspector.ledger.weights import weights_mark


def write(folder: Path, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_model.safetensors").write_bytes(content)
    return folder


def test_other_weights_have_another_mark(tmp_path: Path) -> None:
    first = weights_mark(write(tmp_path / "policy", b"one"))
    assert weights_mark(write(tmp_path / "policy", b"two")) != first
    assert weights_mark(write(tmp_path / "policy", b"one")) == first


def test_a_copy_has_the_same_mark_and_a_run_that_of_its_policy(tmp_path: Path) -> None:
    policy = write(tmp_path / "run" / "policy", b"one")
    shutil.copytree(tmp_path / "run", tmp_path / "elsewhere")
    assert weights_mark(policy) == weights_mark(tmp_path / "run") == weights_mark(tmp_path / "elsewhere")


@pytest.mark.parametrize("size", [65_536, 3_000_000])
def test_a_change_at_the_end_or_all_over_is_seen(tmp_path: Path, size: int) -> None:
    marks = {
        weights_mark(write(tmp_path / "policy", content))
        for content in (bytes(size), bytes(size - 1) + b"\1", bytes([1]) * size, bytes(size + 1))
    }
    assert len(marks) == 4


def test_without_a_folder_there_is_no_mark(tmp_path: Path) -> None:
    assert weights_mark(tmp_path / "nothing") == ""
