"""An open project: the connection and where its files are. Made by `app.store.project`."""

from pathlib import Path

from filelock import BaseFileLock
from sqlite_utils import Database

from app.store.errors import explained


class Project:
    """One project file, open. The functions of the store's other modules take it as their first argument."""

    def __init__(self, path: Path, db: Database, lock: BaseFileLock | None) -> None:
        self.path = path
        self.db = db
        self._lock = lock

    @property
    def runs_dir(self) -> Path:
        """Where this project's training runs are kept; not made until there is one."""
        return runs_dir_of(self.path)

    def stored(self, folder: Path) -> str:
        """How the project names a folder: relative where it lies beside it, so that both move together."""
        absolute, beside = folder.resolve(), self.path.parent
        return absolute.relative_to(beside).as_posix() if absolute.is_relative_to(beside) else str(absolute)

    @property
    def writable(self) -> bool:
        return self._lock is not None

    def close(self) -> None:
        """Close the file and let go of the lock. A second call does nothing. Raises `StoreError`."""
        try:
            with explained("closing the project"):
                self.db.close()
        finally:
            if self._lock is not None:
                self._lock.release()


def runs_dir_of(path: Path) -> Path:
    """`demo.dpo` has its runs in `demo.runs`."""
    return path.parent / f"{path.stem}.runs"
