"""Errors of SQLite and of the disk as sentences."""

import errno
import sqlite3

import pytest

from app.store import errors


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("in SQLite's own words")
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_SOMETHING"
    return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, errors.StoreFull),
        (sqlite3.SQLITE_IOERR, errors.DiskTrouble),
        (sqlite3.SQLITE_IOERR_FSYNC, errors.DiskTrouble),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, errors.DiskTrouble),
        (sqlite3.SQLITE_READONLY, errors.NoPermission),
        (sqlite3.SQLITE_READONLY_DIRECTORY, errors.NoPermission),
        (sqlite3.SQLITE_NOTADB, errors.NotAProject),
        (sqlite3.SQLITE_CORRUPT, errors.ProjectDamaged),
        (sqlite3.SQLITE_BUSY, errors.StoreBusy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, errors.StoreBusy),
        (sqlite3.SQLITE_TOOBIG, errors.BadValue),
        (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, errors.BadValue),
        (sqlite3.SQLITE_ERROR, errors.StoreError),
    ],
)
def test_sqlite(code: int, kind: type[errors.StoreError]) -> None:
    error = errors.from_sqlite_error(sqlite_error(code), "saving the verdict")
    assert type(error) is kind
    assert "saving the verdict did not succeed" in str(error)
    assert str(error).endswith(".")
    assert error.detail == "SQLITE_SOMETHING: in SQLite's own words"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, errors.StoreFull),
        (errno.EACCES, errors.NoPermission),
        (errno.EROFS, errors.NoPermission),
        (errno.EIO, errors.DiskTrouble),
    ],
)
def test_disk(number: int, kind: type[errors.StoreError]) -> None:
    with pytest.raises(errors.StoreError) as caught, errors.explained("backing {the} project up"):
        raise OSError(number, "in the system's words")
    assert type(caught.value) is kind
    assert "acking {the} project up did not succeed" in str(caught.value)


def test_numbers_that_do_not_fit() -> None:
    with (
        pytest.raises(errors.BadValue, match="too large"),
        errors.explained("saving"),
        sqlite3.connect(":memory:") as db,
    ):
        db.execute("SELECT ?", [2**70])


def test_bugs_are_not_dressed_up() -> None:
    with pytest.raises(KeyError), errors.explained("saving"):
        raise KeyError("a bug")


def test_every_kind_has_its_own_code() -> None:
    kinds = errors.StoreError.__subclasses__()
    assert len({kind.code for kind in kinds} | {errors.StoreError.code}) == len(kinds) + 1
