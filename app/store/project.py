"""Opening, creating and closing a project: one SQLite file, one writer, any number of readers."""

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock

from app.store import connection
from app.store.collecting import starter
from app.store.errors import NoPermission, NotAProject, ProjectExists, StoreError, explained
from app.store.handle import Project
from app.store.locks import take_lock
from app.store.safekeeping.backups import back_up
from app.store.schema import migrations
from app.store.schema.migrations import STEPS, Step
from dpo_engine.files import sync_folder

__all__ = ["Project", "create_project", "open_or_create", "open_project", "open_reader"]


def open_project(path: Path, *, steps: Sequence[Step] = STEPS) -> Project:
    """The project for writing. Raises `StoreError` with the file as it was.

    One process at a time: an instance lock lies beside the file, and the system lets go of it when its
    process ends, however it ends. The file is checked (`app.store.safekeeping.health`), and backed up
    before it is migrated.
    """
    path = _resolved(path)
    connection.refuse_foreign(path, connection.read_header(path), len(steps))
    _refuse_unwritable(path)
    lock = take_lock(path)
    try:
        return _open_locked(path, lock, steps)
    except BaseException:
        lock.release()
        raise


def create_project(path: Path, *, with_starter_prompts: bool = True) -> Project:
    """A new project, open for writing. Raises `ProjectExists` rather than replace anything.

    Built under another name beside and renamed when it is whole, so that no half project is ever seen.
    """
    path = _resolved(path)
    with explained(f"creating {path.name}"):
        path.parent.mkdir(parents=True, exist_ok=True)
    _refuse_existing(path)
    lock = take_lock(path)
    try:
        _refuse_existing(path)
        _remove_unfinished(path)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
        try:
            with explained(f"creating {path.name}"):
                _build(part, with_starter_prompts)
                _set_leftovers_aside(path)
                part.rename(path)
                sync_folder(path.parent)
        finally:
            for leftover in _with_logs(part):
                leftover.unlink(missing_ok=True)
        return _open_locked(path, lock, STEPS)
    except BaseException:
        lock.release()
        raise


def open_or_create(path: Path) -> Project:
    """The project there, or a new one with the starter prompts. Raises `StoreError`."""
    path = _resolved(path)
    return open_project(path) if os.path.lexists(path) else create_project(path)


def open_reader(path: Path) -> Project:
    """A connection that cannot write, for any thread (one at a time), beside a writer or without one.

    It takes no lock, and sees what was saved before each of its queries. Raises `StoreError`.
    """
    path = _resolved(path)
    connection.refuse_absent(path)
    with explained(f"opening {path.name}"):
        db = connection.connect(path, "ro")
        try:
            header = connection.header_of(db)
            connection.refuse_foreign(path, header, len(STEPS))
            connection.refuse_older(path, header, len(STEPS))
            connection.check_schema(path, db, STEPS)
        except BaseException:
            db.close()
            raise
    return Project(path, db, None)


def _open_locked(path: Path, lock: BaseFileLock, steps: Sequence[Step]) -> Project:
    connection.check_contents(path, len(steps))
    with explained(f"opening {path.name}"):
        db = connection.connect(path, "rw")
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            connection.check_schema(path, db, steps[:version])
            connection.make_durable(db)
            if version < len(steps):
                back_up(path, db, why="migration")
                migrations.migrate(db, steps)
        except BaseException:
            db.close()
            raise
    return Project(path, db, lock)


def _build(part: Path, with_starter_prompts: bool) -> None:
    part.touch(exist_ok=False)
    project = Project(part, connection.connect(part, "rw"), None)
    try:
        project.db.execute(f"PRAGMA page_size = {connection.PAGE_BYTES}")
        connection.make_durable(project.db)
        migrations.migrate(project.db)
        if with_starter_prompts:
            starter.add_starter_prompts(project)
    finally:
        project.close()


def _resolved(path: Path) -> Path:
    """Without links, so that lock, log and runs are beside the file itself, whichever way it was opened."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL in the name
        raise NotAProject(
            f"{str(path)!r} is no usable path: {error}. Nothing was changed. Choose another file."
        ) from error


def _refuse_unwritable(path: Path) -> None:
    try:
        with path.open("r+b"):
            pass
    except PermissionError as error:
        raise NoPermission(
            f"{path.name} may not be written. Nothing was changed. "
            "Change its permissions, or open a copy in a folder of your own."
        ) from error
    except OSError as error:
        raise StoreError(f"{path.name} cannot be opened: {error.strerror}. Nothing was changed.") from error


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise ProjectExists(f"{path} exists already and was not replaced. Open it, or choose another name.")


def _remove_unfinished(path: Path) -> None:
    """What a creation that was killed has left; nobody else is at it, as the lock is ours."""
    unfinished = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.new(-wal|-shm|-journal)?")
    for file in path.parent.iterdir():
        if unfinished.fullmatch(file.name):
            with suppress(OSError):
                file.unlink()


def _set_leftovers_aside(path: Path) -> None:
    """The log of a project that was deleted would be taken for the new one's; keep it under another name."""
    for leftover in _with_logs(path)[1:]:
        with suppress(FileNotFoundError):
            leftover.rename(leftover.with_name(f"{leftover.name}.{secrets.token_hex(4)}.old"))


def _with_logs(path: Path) -> list[Path]:
    return [path] + [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]
