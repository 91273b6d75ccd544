"""One process at a time trains a run.

A window that was killed leaves an engine that still finishes its step and saves a checkpoint. A new window
that resumes the run meanwhile waits for it, so that the two never write into one folder.
"""

import time
from collections.abc import Callable, Generator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.events import Event, Progress

PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.2


def file_of(run: Path) -> Path:
    """The file that is locked; it stays when the lock is let go, and may be deleted with the run."""
    return run.with_name(f".{run.name}.lock")


def take(
    run: Path, request: str, given_up: Callable[[], bool], *, patience: float = PATIENCE_SECONDS
) -> Generator[Event, None, BaseFileLock | None]:
    """The run's lock; the system lets go of it when its process ends, however it ends.

    None where the file system has no locks. Raises `BadInput` when another process keeps it for longer than
    `patience` seconds, and `Cancelled` once `given_up`.
    """
    lock = FileLock(file_of(run), timeout=0, thread_local=False)
    deadline = time.monotonic() + patience
    while True:
        try:
            lock.acquire()
            return lock
        except Timeout:
            if time.monotonic() >= deadline:
                raise BadInput(
                    f"The run {run.name} is being trained by another process. Nothing was changed. "
                    "Wait for its end, or stop it there."
                ) from None
        except (OSError, NotImplementedError):
            return None
        if given_up():
            raise Cancelled("Training was ended before its first step.")
        yield Progress(
            request=request, stage="Waiting for another process to leave this run", done=0, total=0
        )
        time.sleep(_LOOK_SECONDS)
