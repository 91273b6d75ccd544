"""The thread that looks after an open project: checks a large file whole, and makes regular backups.

It reads through a connection of its own, so that nobody waits for it, and makes a backup only when something
was saved since the last one. Qt-free.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from app.store import connection
from app.store.errors import Cancelled, ProjectDamaged, StoreError, explained
from app.store.locks import take_lock
from app.store.safekeeping import health
from app.store.safekeeping.backups import Backup, Why, back_up, backups_of
from app.store.writer import Deliver, as_store_error

EVERY = 600.0
"""Seconds between two looks at whether something changed; more for a large project."""
_BYTES_A_SECOND = 2e6
PAUSE = 0.003
"""Rest (s) after each MiB, so that a verdict's flush gets between those of a backup."""
LARGE = 512 * 2**20
"""Bytes from which a project is not backed up at each closing if it was in the last day."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listener:
    """Who is told what the caretaker finds; called where `deliver` delivers."""

    damaged: Callable[[ProjectDamaged], None]
    """The open file is damaged; what was saved is not to be trusted from now on."""
    failed: Callable[[StoreError], None]
    """A regular backup did not succeed; told once until one does."""


class Caretaker:
    """Looks after the project at `path` from `start` until `stop`."""

    def __init__(self, path: Path, deliver: Deliver, listener: Listener, *, every: float = EVERY) -> None:
        self._path, self._deliver, self._listener, self._every = path, deliver, listener, every
        self._guard = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._asked: list[tuple[Callable[[Backup], None], Callable[[StoreError], None]]] = []
        self._failing = False
        self._thread = threading.Thread(target=self._look_after, name="caretaker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def back_up_now(self, done: Callable[[Backup], None], failed: Callable[[StoreError], None]) -> None:
        """Make a backup, changed or not; one of the two is delivered, unless it is stopped before."""
        with self._guard:
            self._asked.append((done, failed))
        self._woken.set()

    def stop(self) -> None:
        """Give up what is going on and let go of the file, before the writer closes; returns when it did."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look_after(self) -> None:
        try:
            with closing(connection.connect(self._path, "ro")) as db:
                db.conn.set_progress_handler(self._stopping.is_set, 200_000)
                self._check(db)
                saved = _version(db) if _is_backed_up(self._path) else None
                while not self._wait():
                    asked = self._take_asked()
                    if asked:
                        saved = self._back_up_as_asked(db, saved, asked)
                    elif _version(db) != saved:
                        saved = self._back_up(db, saved)
        except Exception as raised:
            if self._stopping.is_set():
                return
            if isinstance(raised, health.READING_ERRORS) and health.is_damage(raised):
                self._tell_damage([str(raised)])
                return
            _log.exception("Nobody looks after the project any more")
            self._tell_failure(as_store_error(raised))

    def _wait(self) -> bool:
        """Until something is asked for, the time is up, or it is to stop; whether it is to stop."""
        with self._guard:
            waiting = not self._asked
        if waiting:
            self._woken.wait(max(self._every, self._path.stat().st_size / _BYTES_A_SECOND))
        self._woken.clear()
        return self._stopping.is_set()

    def _take_asked(self) -> list[tuple[Callable[[Backup], None], Callable[[StoreError], None]]]:
        with self._guard:
            asked, self._asked = self._asked, []
        return asked

    def _check(self, db: Database) -> None:
        """What opening left out, for a file too large to be read whole before the window is up."""
        if self._path.stat().st_size <= health.WHOLE_AT_ONCE:
            return
        problems = health.problems_in(db)
        if problems:
            self._tell_damage(problems)

    def _back_up(self, db: Database, saved: int | None) -> int | None:
        """What is saved now, by its version: what was before where it did not succeed."""
        version = _version(db)
        try:
            self._make(db, "regular")
        except Cancelled:
            return saved
        except StoreError as error:
            self._tell_failure(error)
            return saved
        self._failing = False
        return version

    def _back_up_as_asked(
        self,
        db: Database,
        saved: int | None,
        asked: list[tuple[Callable[[Backup], None], Callable[[StoreError], None]]],
    ) -> int | None:
        version = _version(db)
        try:
            backup = self._make(db, "asked")
        except StoreError as error:
            problem = error
            for _, failed in asked:
                self._deliver(lambda tell=failed: tell(problem))  # type: ignore[misc]
            return saved
        for done, _ in asked:
            self._deliver(lambda tell=done: tell(backup))  # type: ignore[misc]
        return version

    def _make(self, db: Database, why: Why) -> Backup:
        try:
            return back_up(self._path, db, why=why, pause=PAUSE, cancelled=self._stopping.is_set)
        except ProjectDamaged as error:
            problems = health.problems_in(db)
            if problems:  # not the copy alone
                self._tell_damage(problems)
            raise error

    def _tell_damage(self, problems: list[str]) -> None:
        error = ProjectDamaged(
            f"{self._path.name} is damaged: a check found it while you were working. Restore a backup, or "
            "save what can be read, before you go on; the damaged file is kept either way.",
            detail="\n".join(problems),
        )
        self._deliver(lambda: self._listener.damaged(error))

    def _tell_failure(self, error: StoreError) -> None:
        if not self._failing:
            self._failing = True
            self._deliver(lambda: self._listener.failed(error))


def back_up_closed(path: Path) -> Backup | None:
    """A backup of a project that was just closed, if it changed since the last one. Raises `StoreError`.

    As the copy is checked, so is the project. A large one that has a backup of the last day is left out.
    """
    lock = take_lock(path)
    try:
        with explained("backing the project up"):
            if _is_backed_up(path) or (path.stat().st_size > LARGE and _is_backed_up(path, within=86_400)):
                return None
            with closing(connection.connect(path, connection.harmless_mode(path))) as db:
                return back_up(path, db)
    finally:
        lock.release()


def _is_backed_up(path: Path, *, within: float = 0.0) -> bool:
    """Whether the newest backup is from after the file's last change, or at most `within` seconds before."""
    newest = next(iter(backups_of(path)), None)
    changed = max(
        file.stat().st_mtime for end in ("", "-wal") if (file := path.with_name(path.name + end)).exists()
    )
    return newest is not None and newest.at.timestamp() + within >= changed


def _version(db: Database) -> int:
    """Another number after each change that another connection has made."""
    (version,) = db.execute("PRAGMA data_version").fetchone()
    return int(version)
