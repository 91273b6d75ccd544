"""Putting another file in a project's place: a backup, or what was saved of a damaged one.

The file that was there is first copied to a name of its own beside it, and never deleted. The new one is
checked whole, flushed, and takes the place by one rename: whenever the process is killed, the project is the
old one or the new one.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from app.store import connection
from app.store.errors import ProjectDamaged, StoreFull, explained
from app.store.locks import take_lock
from app.store.safekeeping import health
from app.store.safekeeping.backups import Backup
from app.store.schema.migrations import STEPS
from dpo_engine.files import sync_folder

_LOGS = ("-wal", "-journal")
_RESERVE = 16 * 2**20


def restore(path: Path, backup: Backup) -> Path | None:
    """Make the project what it was at a backup; returns where the present file, if any, was set aside.

    Raises `AlreadyOpen` for a project that is open, `ProjectDamaged` for a backup that does not pass the
    full check, other `StoreError`s as they come. Then the project is what it was.
    """
    path = path.resolve()
    lock = take_lock(path)
    try:
        with explained("restoring the backup"), unfinished(path) as part:
            _refuse_without_room(path, backup.size)
            shutil.copyfile(backup.path, part)
            return take_place(part, path)
    finally:
        lock.release()


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A name beside the project for a file in the making; what is left of it in the end is removed.

    One that a killed process has left is removed when the next is made.
    """
    ours = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.(restored|aside)(-wal|-shm|-journal)?")
    for file in path.parent.iterdir():
        if ours.fullmatch(file.name):
            with suppress(OSError):
                file.unlink()
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.restored")
    try:
        yield part
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + end).unlink(missing_ok=True)


def take_place(part: Path, path: Path) -> Path | None:
    """Let a finished file be the project from now on; the caller holds the project's lock.

    Returns where the former file lies now. Raises `ProjectDamaged` and `OSError`; then nothing was changed.
    """
    _verify(part)
    _flush(part)
    if not path.exists():
        _set_logs_aside(path)
        aside = None
    else:
        _fold_the_log_in(path)
        aside = _set_aside(path)
        # Their contents are in the file set aside; beside the new file they would be taken for its own.
        for end in _LOGS:
            path.with_name(path.name + end).unlink(missing_ok=True)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    part.replace(path)
    sync_folder(path.parent)
    return aside


def _set_aside(path: Path) -> Path:
    """Copy the file and its logs to a free name, whole and flushed before anything gets that name."""
    stamp = f"{datetime.now():%Y-%m-%d %H.%M.%S}"
    aside = path.with_name(f"{path.stem} (set aside {stamp}){path.suffix}")
    number = 2
    while os.path.lexists(aside):
        aside = path.with_name(f"{path.stem} (set aside {stamp}, {number}){path.suffix}")
        number += 1
    # The log first: a database without its log would look whole.
    for end in (*_LOGS, ""):
        source = path.with_name(path.name + end)
        if not source.exists():
            continue
        _refuse_without_room(path, source.stat().st_size)
        copy = path.with_name(f".{path.name}.{secrets.token_hex(4)}.aside")
        try:
            shutil.copyfile(source, copy)
            _flush(copy)
            copy.rename(aside.with_name(aside.name + end))
        finally:
            copy.unlink(missing_ok=True)
    sync_folder(path.parent)
    return aside


def _fold_the_log_in(path: Path) -> None:
    """Bring what a crash left in the log into the file, so that all of the project is in one file.

    Of a damaged file the log is kept as it is.
    """
    try:
        with closing(connection.connect(path, "rw")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except health.READING_ERRORS as error:
        if not health.is_damage(error):
            raise


def _set_logs_aside(path: Path) -> None:
    for end in _LOGS:
        log = path.with_name(path.name + end)
        with suppress(FileNotFoundError):
            log.rename(log.with_name(f"{log.name}.{secrets.token_hex(4)}.old"))


def _verify(part: Path) -> None:
    connection.refuse_foreign(part, connection.read_header(part), len(STEPS))
    try:
        with closing(connection.connect(part, "immutable")) as db:
            problems = health.thorough_problems_in(db)
    except health.READING_ERRORS as error:
        if not health.is_damage(error):
            raise
        problems = [str(error)]
    if problems:
        raise ProjectDamaged(
            "This copy is damaged, so it was not put in the project's place. Nothing was changed. Choose an "
            "older backup.",
            detail="\n".join(problems),
        )


def _refuse_without_room(path: Path, needed: int) -> None:
    if shutil.disk_usage(path.parent).free < needed + _RESERVE:
        raise StoreFull(
            f"There is no room for another copy of the project: {needed / 1e6:,.0f} MB are needed in "
            f"{path.parent}. Nothing was changed; free some space and try again."
        )


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())
