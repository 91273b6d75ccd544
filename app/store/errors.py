"""What the store refuses or fails at, each with a sentence a person can act on.

`str(error)` is shown as it is: what happened, what is safe, what to do next. `code` is the stable name
that the app reacts to. What is no `StoreError` is a bug; the `Writer` turns it into `StoreBug`.
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


class StoreError(Exception):
    """Root of the store's own errors; `str(error)` is a whole sentence for the user."""

    code = "store_error"

    def __init__(self, sentence: str, *, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail
        """For a report: SQLite's own words or a traceback; empty when there is nothing to add."""


class NoSuchProject(StoreError):
    """There is no file at this path."""

    code = "no_such_project"


class ProjectExists(StoreError):
    """A new project would overwrite something."""

    code = "project_exists"


class NotAProject(StoreError):
    """A folder, an empty file, another format, or another program's SQLite file."""

    code = "not_a_project"


class NewerVersion(StoreError):
    """Made by a version of the app that came after this one."""

    code = "newer_version"


class OlderVersion(StoreError):
    """Has to be opened for writing once, so that it is brought up to date."""

    code = "older_version"


class AlreadyOpen(StoreError):
    """Another window or process is writing to this project."""

    code = "already_open"


class ProjectDamaged(StoreError):
    """The file is a project, but what is inside cannot be trusted."""

    code = "project_damaged"


class StoreFull(StoreError):
    """The disk (or a quota) is full; what was saved before is intact."""

    code = "disk_full"


class NoPermission(StoreError):
    """The file or its folder may not be written."""

    code = "no_permission"


class StoreBusy(StoreError):
    """Another program holds the file's own lock for too long."""

    code = "busy"


class DiskTrouble(StoreError):
    """The disk answered with an error, or the file went away."""

    code = "disk_trouble"


class BadValue(StoreError):
    """Something that cannot be stored as it is. Nothing was changed."""

    code = "bad_value"


class NoSuchRow(StoreError):
    """A prompt, comparison or run that is not in this project."""

    code = "no_such_row"


class StoreClosed(StoreError):
    """The project was closed before this could be done."""

    code = "closed"


class Cancelled(StoreError):
    """It was no longer wanted. Nothing was changed."""

    code = "cancelled"


class StoreBug(StoreError):
    """A fault of the program; `detail` is the traceback."""

    code = "bug"


_SAFE = "Everything saved before is intact"
_FULL = "The disk is full: {doing} did not succeed. {safe}; free some space and try again."
_NO_PERMISSION = (
    "No permission: {doing} did not succeed. {safe}; choose a file and folder that you may write to."
)
_DISK_TROUBLE = (
    "The disk gave an error: {doing} did not succeed. {safe}; check that the drive is connected, then try "
    "again."
)
_NOT_A_PROJECT = "This file is no project of DPO Studio: {doing} did not succeed. Nothing was changed."
_DAMAGED = (
    "The project file is damaged: {doing} did not succeed. Close the window and start again: the file is "
    "then checked, and you can restore a backup or save what can be read."
)
_BUSY = (
    "Another program is using the project file: {doing} did not succeed. {safe}; close that program and try "
    "again."
)
_BAD_VALUE = "A value cannot be stored: {doing} did not succeed. {safe}."
_OTHER = "The project file gave an error: {doing} did not succeed. {safe}."

_KINDS: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_FULL: (StoreFull, _FULL),
    sqlite3.SQLITE_READONLY: (NoPermission, _NO_PERMISSION),
    sqlite3.SQLITE_PERM: (NoPermission, _NO_PERMISSION),
    sqlite3.SQLITE_AUTH: (NoPermission, _NO_PERMISSION),
    sqlite3.SQLITE_IOERR: (DiskTrouble, _DISK_TROUBLE),
    sqlite3.SQLITE_IOERR_SHMSIZE: (StoreFull, _FULL),  # the index of the log could not grow
    sqlite3.SQLITE_CANTOPEN: (DiskTrouble, _DISK_TROUBLE),
    sqlite3.SQLITE_NOTADB: (NotAProject, _NOT_A_PROJECT),
    sqlite3.SQLITE_CORRUPT: (ProjectDamaged, _DAMAGED),
    sqlite3.SQLITE_BUSY: (StoreBusy, _BUSY),
    sqlite3.SQLITE_LOCKED: (StoreBusy, _BUSY),
    sqlite3.SQLITE_TOOBIG: (BadValue, _BAD_VALUE),
    sqlite3.SQLITE_CONSTRAINT: (BadValue, _BAD_VALUE),
    sqlite3.SQLITE_MISMATCH: (BadValue, _BAD_VALUE),
}


def from_sqlite_error(error: sqlite3.Error, doing: str) -> StoreError:
    """Turn an `sqlite3.Error` met while `doing` something (`"saving the verdict"`) into a sentence."""
    code = getattr(error, "sqlite_errorcode", 0)
    # Extended codes carry the primary code in their low byte.
    kind, sentence = _KINDS.get(code) or _KINDS.get(code & 0xFF, (StoreError, _OTHER))
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return kind(sentence.format(doing=doing, safe=_SAFE), detail=f"{name}: {error}")


def from_os_error(error: OSError, doing: str) -> StoreError:
    """Turn an `OSError` met while `doing` something into a sentence."""
    detail = f"{type(error).__name__}: {error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreFull(_FULL.format(doing=doing, safe=_SAFE), detail=detail)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NoPermission(_NO_PERMISSION.format(doing=doing, safe=_SAFE), detail=detail)
    return DiskTrouble(
        f"{doing[:1].upper()}{doing[1:]} did not succeed: {error.strerror or error}. {_SAFE}.", detail=detail
    )


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Within the block, errors of SQLite and of the disk become a `StoreError` that says what it was at."""
    try:
        yield
    except sqlite3.Error as error:
        raise from_sqlite_error(error, doing) from error
    except OSError as error:
        raise from_os_error(error, doing) from error
    except UnicodeDecodeError as error:  # a message of SQLite that quotes damaged bytes
        raise ProjectDamaged(_DAMAGED.format(doing=doing), detail=str(error)) from error
    except OverflowError as error:
        raise BadValue(
            f"A number is too large to be stored: {doing} did not succeed. {_SAFE}.", detail=str(error)
        ) from error
