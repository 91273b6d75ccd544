"""Verified copies of a project file, kept in the folder `backups` beside it."""

import os
import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from app.store.connection import connect
from app.store.errors import ProjectDamaged, explained

KEPT = 10
"""Backups of one project; older ones are deleted when a new one is safe."""


def back_up(path: Path, db: Database) -> Path:
    """Copy the project as it is now, check the copy, and return where it lies. Raises `StoreError`.

    SQLite's online backup is used, so that what is still in the log is in the copy. No copy is kept that
    does not pass `quick_check`, and no older one is deleted before that.
    """
    folder = path.parent / "backups"
    with explained("backing the project up"):
        folder.mkdir(exist_ok=True)
        target = _free_name(folder, path.stem)
        part = target.with_suffix(".part")
        try:
            with closing(sqlite3.connect(part)) as copy:
                db.conn.backup(copy)
            _verify(part)
            _flush(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        for old in backups_of(path)[KEPT:]:
            old.unlink(missing_ok=True)
    return target


def backups_of(path: Path) -> list[Path]:
    """Of this project alone, newest first."""
    ours = re.compile(re.escape(path.stem) + r"-\d{8}-\d{6}(-\d+)?\.dpo")
    folder = path.parent / "backups"
    found = [file for file in folder.iterdir() if ours.fullmatch(file.name)] if folder.is_dir() else []
    return sorted(found, key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)


def _free_name(folder: Path, stem: str) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    target = folder / f"{stem}-{stamp}.dpo"
    number = 2
    while target.exists():
        target = folder / f"{stem}-{stamp}-{number}.dpo"
        number += 1
    return target


def _verify(copy: Path) -> None:
    with closing(connect(copy, "immutable")) as db:
        problems = [str(row[0]) for row in db.execute("PRAGMA quick_check(5)") if row[0] != "ok"]
    if problems:
        raise ProjectDamaged(
            "The backup of the project came out damaged, so it was not kept, and the project was left as it "
            "was. Check the drive, then try again.",
            detail="\n".join(problems),
        )


def _flush(path: Path) -> None:
    # Open for writing: Windows refuses to flush a file that is open for reading only.
    with path.open("r+b") as file:
        os.fsync(file.fileno())
