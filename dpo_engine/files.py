"""Writing files so that a crash, a full disk or a pulled plug leaves the old or the new, never half of it.

Everything is written beside its place under a temporary name, flushed to the disk, and renamed. Names
that start with `.tmp-` are leftovers of an interrupted write and may be deleted. Torch-free.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_PREFIX = ".tmp-"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`. Raises `OSError`; the old file is then untouched."""
    temporary = _beside(path)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def staged_folder(final: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of `final` when the block ends well.

    Its files are on the disk before it gets its name. When the block raises, what was filled is removed
    and a folder that was at `final` before stays as it was.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    staged = _beside(final)
    staged.mkdir()
    try:
        yield staged
        sync_tree(staged)
        _take_place(staged, final)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    sync_folder(final.parent)


def remove_leftovers(folder: Path) -> None:
    """Delete what interrupted writes left in `folder`."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder under `folder` to the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with (Path(parent) / name).open("rb+") as file:
                os.fsync(file.fileno())
        sync_folder(Path(parent))


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names; where the system cannot (Windows), nothing is needed."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_place(staged: Path, final: Path) -> None:
    if not final.exists():
        staged.rename(final)
        return
    old = _beside(final)
    final.rename(old)
    try:
        staged.rename(final)
    except BaseException:
        old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY_PREFIX}{path.name}-{uuid.uuid4().hex[:8]}")
