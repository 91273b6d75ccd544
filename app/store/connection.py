"""SQLite connections to project files, and the checks before one is trusted.

A file that is refused is refused without a trace: its header is read as bytes first, and its contents
through a connection that can write neither to the file nor beside it.
"""

import sqlite3
import struct
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlite_utils import Database

from app.store.errors import (
    NewerVersion,
    NoSuchProject,
    NotAProject,
    OlderVersion,
    ProjectDamaged,
    explained,
)
from app.store.safekeeping import health
from app.store.schema import migrations

PAGE_BYTES = 8192
"""Of a new project. With SQLite's own 4096 a million pairs take a sixth longer to come in."""
_MAGIC = b"SQLite format 3\x00"
_BUSY_SECONDS = 5.0
_LONGEST_VALUE = 64 * 1024 * 1024
_CACHE_KIB = 16 * 1024

Mode = Literal["rw", "ro", "immutable"]


@dataclass(frozen=True)
class Header:
    """What the first 100 bytes of an SQLite file tell (https://www.sqlite.org/fileformat2.html#the_database_header)."""

    application_id: int
    user_version: int


def read_header(path: Path) -> Header:
    """Raises `NoSuchProject`, `NotAProject` or `NoPermission`; SQLite is not involved yet.

    Only for a file that this process has not open: POSIX drops a process's locks on a file when any
    descriptor of it is closed (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    refuse_absent(path)
    with explained(f"opening {path.name}"), path.open("rb") as file:
        start = file.read(100)
    if not start:
        raise NotAProject(f"{path.name} is empty, so it is no project. Choose another file.")
    if len(start) < 100 or not start.startswith(_MAGIC):
        raise NotAProject(
            f"{path.name} is no project of DPO Studio. Nothing was changed. "
            "Choose a project file, or import this file into a project."
        )
    (user_version,) = struct.unpack_from(">i", start, 60)
    (application_id,) = struct.unpack_from(">I", start, 68)
    return Header(application_id=application_id, user_version=user_version)


def header_of(db: Database) -> Header:
    """The same through SQLite, what is still in the log included. Raises `sqlite3.Error`."""
    (application_id,) = db.execute("PRAGMA application_id").fetchone()
    (user_version,) = db.execute("PRAGMA user_version").fetchone()
    return Header(application_id=application_id, user_version=user_version)


def refuse_absent(path: Path) -> None:
    """Raises `NoSuchProject`, or `NotAProject` for a folder."""
    with explained(f"opening {path.name}"):
        exists = path.exists()
    if not exists:
        raise NoSuchProject(f"There is no file {path}. Check the name, or create a new project there.")
    if not path.is_file():
        raise NotAProject(f"{path} is not a file. Choose a project file (its name ends in .dpo).")


def refuse_foreign(path: Path, header: Header, newest: int) -> None:
    """Raises `NotAProject` for another program's file, `NewerVersion` for one from after this version."""
    if header.application_id != migrations.APPLICATION_ID:
        raise NotAProject(
            f"{path.name} belongs to another program. Nothing was changed. Choose a project of DPO Studio."
        )
    if header.user_version > newest:
        raise NewerVersion(
            f"{path.name} was made by a newer version of DPO Studio (file version {header.user_version}; "
            f"this one reads up to {newest}). Nothing was changed. Update DPO Studio to open it."
        )


def refuse_older(path: Path, header: Header, newest: int) -> None:
    """Raises `OlderVersion` where a connection that only reads would miss tables."""
    if header.user_version < newest:
        raise OlderVersion(
            f"{path.name} was made by an older version of DPO Studio. Nothing was changed. "
            "Open it as a project once, which brings it up to date."
        )


def connect(path: Path, mode: Mode) -> Database:
    """A connection with the settings that every connection has; the caller closes it.

    It may be used from any thread, by one at a time. `immutable` takes no lock and leaves no file beside.
    """
    connection = _bare(path, mode)
    try:
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if mode != "rw":
            connection.execute("PRAGMA query_only = ON")
        return Database(connection, execute_plugins=False)
    except BaseException:
        connection.close()
        raise


def connect_for_rescue(path: Path) -> sqlite3.Connection:
    """To read what is left of a damaged file that nobody has open; nothing is written to it.

    SQLite refuses a file that was cut off as a whole, unless its schema may be written.
    """
    connection = _bare(path, harmless_mode(path))
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _bare(path: Path, mode: Mode) -> sqlite3.Connection:
    """A connection with what guards against the file's contents; the file is not yet read."""
    query = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    uri = path.absolute().as_uri()
    if not uri.startswith("file:///"):  # a Windows share: SQLite knows no host, only four slashes
        uri = "file:////" + uri.removeprefix("file://")
    connection = sqlite3.connect(
        f"{uri}?{query}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.text_factory = _decode
    # Functions and virtual tables named by the file's own schema are not to be run.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def make_durable(db: Database) -> None:
    """The writer's settings: WAL, and a commit is on the disk when it returns (also on macOS)."""
    db.enable_wal()
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA fullfsync = ON")
    db.execute("PRAGMA checkpoint_fullfsync = ON")


def check_contents(path: Path, newest: int) -> None:
    """Look for damage, changing nothing. Raises `ProjectDamaged`, or as `refuse_foreign` does.

    A small file is read whole, a large one where its tables begin and end (`app.store.safekeeping.health`).
    What a crash left in the log beside the file is read along with it.
    """
    with explained(f"opening {path.name}"):
        try:
            header, problems = _examine(path)
        except health.READING_ERRORS as error:
            if not health.is_damage(error):
                raise
            raise health.damaged(path, [str(error)]) from error
    if problems:
        raise health.damaged(path, problems)
    refuse_foreign(path, header, newest)


def harmless_mode(path: Path) -> Mode:
    """How to read a file that nobody has open, so that nothing is changed or left beside it."""
    if _has_content(path.with_name(path.name + "-journal")):
        return "rw"  # SQLite has to roll a half-done write back before anything can be read
    if _has_content(path.with_name(path.name + "-wal")):
        return "ro"
    return "immutable"


def _examine(path: Path) -> tuple[Header, list[str]]:
    """The header as SQLite sees it, log included, and what its own check finds wrong."""
    with closing(connect(path, harmless_mode(path))) as db:
        problems = health.problems_at_opening(path, db)
        return header_of(db), problems


def check_schema(path: Path, db: Database, steps: Sequence[migrations.Step]) -> None:
    """Raises `ProjectDamaged` unless tables and indices are those of the migrations, and nothing else.

    So no trigger or view that came with a file is ever run.
    """
    with closing(Database(memory=True, execute_plugins=False)) as fresh:
        migrations.migrate(fresh, steps)
        expected = _schema(fresh)
    if _schema(db) != expected:
        raise ProjectDamaged(
            f"{path.name} has other tables than a project has, so it was not opened. Nothing was changed. "
            "Restore the newest backup, or save what can be read into a new file."
        )


def _schema(db: Database) -> set[tuple[str, str, str]]:
    rows = db.execute(
        # The statistics of SQLite and the record that sqlite-utils keeps follow their versions, not ours.
        """
        SELECT type, name, coalesce(sql, '') FROM sqlite_master
        WHERE name NOT IN ('sqlite_stat1', 'sqlite_stat4')
            AND NOT (type IN ('table', 'index') AND tbl_name = '_sqlite_migrations')
        """
    )
    return {(kind, name, " ".join(sql.split())) for kind, name, sql in rows}


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "replace")
