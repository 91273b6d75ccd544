"""Who may write to a project: one process at a time, by a lock beside the file.

The system lets go of it when its process ends, however it ends.
"""

from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from app.store.errors import AlreadyOpen, explained


def take_lock(path: Path) -> BaseFileLock:
    """Hold the project at `path` (links resolved) until `release`. Raises `AlreadyOpen`."""
    # Not bound to a thread: the writer's thread closes what another one opened.
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0, thread_local=False)
    with explained(f"opening {path.name}"):
        try:
            lock.acquire()
        except Timeout as error:
            raise AlreadyOpen(
                f"{path.name} is already open in another window of DPO Studio. "
                "Nothing was changed. Go on there, or close it first."
            ) from error
    return lock
