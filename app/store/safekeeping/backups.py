"""Verified copies of a project file, kept in the folder `backups` beside it.

A copy is taken through SQLite's online backup from one snapshot, in steps, so that verdicts go on being
saved while it is made. None is kept that does not pass `quick_check`, none is ever written over another, and
older ones go (`app.store.safekeeping.thinning`) only when a newer one is safe. The copy equals the
project page for page, so its check is a check of the project too.
"""

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from sqlite_utils import Database

from app.store.connection import connect
from app.store.errors import Cancelled, ProjectDamaged, StoreFull, explained
from app.store.safekeeping.health import problems_in
from app.store.safekeeping.thinning import ALL, superfluous
from dpo_engine.files import sync_folder

Why = Literal["regular", "asked", "migration", "import", "merge", "restore"]
"""What a backup was made for: by the clock, by a person, or before one of the others."""

STEP_PAGES = 256
"""Pages copied at a time: 1 MiB, so that a copy that is no longer wanted ends at once."""
FLUSH_STEPS = 8
"""Steps between two flushes; a flush of much more would hold up the flush of a verdict."""
ROOM = 10 * 10**9
"""Bytes that the backups of one project should take together; of a large one fewer are kept."""
_RESERVE = 64 * 2**20
_INSTRUCTIONS = 200_000
"""SQLite's own, between two looks at whether a check is still wanted: some milliseconds."""
_STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class Backup:
    """One copy: where it lies, when it was made (local time), what for, and its size in bytes."""

    path: Path
    at: datetime
    why: Why
    size: int
    number: int = 1
    """Of several in one second."""


@dataclass(frozen=True)
class Contents:
    """How much a backup holds; verdicts that stand, not those undone or superseded."""

    prompts: int
    verdicts: int


def back_up(
    path: Path,
    db: Database,
    *,
    why: Why = "regular",
    pause: float = 0.0,
    cancelled: Callable[[], bool] = bool,
) -> Backup:
    """Copy the project as it is now, check the copy, and say where it lies. Raises `StoreError`.

    `db` is any connection to it that is in no transaction; what is still in the log is in the copy. `pause`
    is how long (s) to rest after each MiB. `cancelled` is asked after each, and from time to time while the
    copy is checked; then `Cancelled` is raised and nothing is kept.
    """
    folder = folder_of(path)
    with explained("backing the project up"):
        folder.mkdir(exist_ok=True)
        _remove_unfinished(folder, path.stem)
        _refuse_without_room(folder, db)
        moment = datetime.now()
        target = _free_name(folder, path.stem, moment, why)
        part = target.with_suffix(".part")
        try:
            _copy(db.conn, part, pause, cancelled)
            _verify(part, cancelled)
            os.utime(part, (moment.timestamp(), moment.timestamp()))
            _flush(part)
            part.rename(target)
            sync_folder(folder)
        finally:
            part.unlink(missing_ok=True)
        kept = backups_of(path)
        made = next(backup for backup in kept if backup.path == target)
        for old in superfluous(kept, moment, min(1.0, ROOM / (ALL * made.size))):
            old.path.unlink(missing_ok=True)
    return made


def backups_of(path: Path) -> list[Backup]:
    """Of this project alone, newest first."""
    folder = folder_of(path)
    if not folder.is_dir():
        return []
    ours = _names(path.stem, "dpo")
    found = []
    for file in folder.iterdir():
        match = ours.fullmatch(file.name)
        if match is None:
            continue
        with suppress(ValueError, OSError):  # no such date; deleted since the folder was read
            found.append(
                Backup(
                    path=file,
                    at=_moment(datetime.strptime(match["stamp"], _STAMP), file.stat().st_mtime),
                    why=next((why for why in get_args(Why) if why == match["why"]), "regular"),
                    size=file.stat().st_size,
                    number=int(match["number"] or 1),
                )
            )
    return sorted(found, key=lambda backup: (backup.at, backup.number), reverse=True)


def contents_of(backup: Backup) -> Contents:
    """How much is in it, as counted from its indices. Raises `StoreError`."""
    with explained(f"reading {backup.path.name}"), closing(connect(backup.path, "immutable")) as db:
        (prompts,) = db.execute("SELECT count(*) FROM prompts").fetchone()
        (verdicts,) = db.execute("SELECT count(*) FROM comparisons WHERE choice IS NOT NULL").fetchone()
    return Contents(prompts=prompts, verdicts=verdicts)


def folder_of(path: Path) -> Path:
    return path.parent / "backups"


def _moment(stamp: datetime, written: float) -> datetime:
    """The name tells the second; the file's own time, where nobody changed it, the moment within it."""
    return datetime.fromtimestamp(written) if 0 <= written - stamp.timestamp() < 1 else stamp


def _names(stem: str, suffix: str) -> re.Pattern[str]:
    return re.compile(
        re.escape(stem) + rf"-(?P<stamp>\d{{8}}-\d{{6}})(-(?P<number>\d+))?(-(?P<why>[a-z]+))?\.{suffix}"
    )


def _free_name(folder: Path, stem: str, moment: datetime, why: Why) -> Path:
    stamp = f"{moment:{_STAMP}}"
    matches = (_names(stem, "dpo").fullmatch(file.name) for file in folder.iterdir())
    taken = [int(match["number"] or 1) for match in matches if match and match["stamp"] == stamp]
    number = f"-{max(taken) + 1}" if taken else ""
    return folder / f"{stem}-{stamp}{number}{'' if why == 'regular' else f'-{why}'}.dpo"


def _copy(source: sqlite3.Connection, target: Path, pause: float, cancelled: Callable[[], bool]) -> None:
    with closing(sqlite3.connect(target)) as copy, target.open("r+b") as file:
        copy.execute("PRAGMA synchronous = OFF")  # flushed below, at a measured pace
        steps = 0

        def after_step(_status: int, remaining: int, _total: int) -> None:
            nonlocal steps
            steps += 1
            if steps % FLUSH_STEPS == 0:
                os.fsync(file.fileno())
            if remaining:
                _refuse_cancelled(cancelled)
                time.sleep(pause)

        # One snapshot for all steps: without it, each write of another connection would begin the copy anew.
        source.execute("BEGIN")
        try:
            source.execute("SELECT 1 FROM sqlite_master").fetchone()
            source.backup(copy, pages=STEP_PAGES, progress=after_step)
        finally:
            source.rollback()


def _refuse_without_room(folder: Path, db: Database) -> None:
    """A copy that fills the disk would take the room that the next verdict needs."""
    (pages,), (page_size,) = (
        db.execute(pragma).fetchone() for pragma in ("PRAGMA page_count", "PRAGMA page_size")
    )
    needed = pages * page_size + _RESERVE
    if shutil.disk_usage(folder).free < needed:
        raise StoreFull(
            f"There is no room for a backup: {needed / 1e6:,.0f} MB are needed in {folder}. Everything saved "
            "before is intact; free some space and try again."
        )


def _verify(copy: Path, cancelled: Callable[[], bool] = bool) -> None:
    with closing(connect(copy, "immutable")) as db:
        db.conn.set_progress_handler(cancelled, _INSTRUCTIONS)
        try:
            problems = problems_in(db)
        except sqlite3.OperationalError:
            _refuse_cancelled(cancelled)
            raise
    if problems:
        raise ProjectDamaged(
            "The backup of the project came out damaged, so it was not kept, and the project was left as it "
            "was. Check the drive, then try again.",
            detail="\n".join(problems),
        )


def _refuse_cancelled(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("The backup was given up. Everything saved before is intact.")


def _flush(path: Path) -> None:
    # Open for writing: Windows refuses to flush a file that is open for reading only.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _remove_unfinished(folder: Path, stem: str) -> None:
    """What a backup that was killed has left; only one process at a time is at a project."""
    ours = _names(stem, r"part(-journal|-wal|-shm)?")
    for file in folder.iterdir():
        if ours.fullmatch(file.name):
            with suppress(OSError):
                file.unlink()
