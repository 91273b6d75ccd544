"""Writes leave the old or the new, never half of it."""

import errno
import os
from pathlib import Path

import pytest

from dpo_engine import files
from dpo_engine.files import remove_leftovers, staged_folder, write_atomically


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_failed_write_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_atomically(path, b"old")
    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["state.json"]


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    final = tmp_path / "a" / "policy"
    with staged_folder(final) as folder:
        (folder / "file").write_text("x")
        assert not final.exists()
    assert (final / "file").read_text() == "x"
    assert names_in(final.parent) == ["policy"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    final = tmp_path / "policy"
    final.mkdir()
    (final / "file").write_text("old")

    def fill_half() -> None:
        with staged_folder(final) as folder:
            (folder / "file").write_text("new")
            full_disk()

    with pytest.raises(OSError, match="No space left"):
        fill_half()
    assert (final / "file").read_text() == "old"
    assert names_in(tmp_path) == ["policy"]


def test_a_complete_folder_replaces_the_old_one(tmp_path: Path) -> None:
    final = tmp_path / "policy"
    for text in ("old", "new"):
        with staged_folder(final) as folder:
            (folder / text).write_text(text)
    assert names_in(final) == ["new"]
    assert names_in(tmp_path) == ["policy"]


def test_leftovers_of_a_crash_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".tmp-policy-1").mkdir()
    (tmp_path / ".tmp-policy-1" / "x").write_text("")
    (tmp_path / ".tmp-state.json-2").write_text("")
    (tmp_path / "kept").write_text("")
    remove_leftovers(tmp_path)
    assert names_in(tmp_path) == ["kept"]
