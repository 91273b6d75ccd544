"""Opening the project when another window has it, or is just closing it. Qt-free but for the socket."""

import time
from pathlib import Path

from app.shell.instance import ask_to_raise
from app.store.errors import AlreadyOpen
from app.store.project import Project, open_or_create

_PATIENCE = 60.0
"""Seconds to wait for a window that is closing: it may still be making a backup."""


class OpenElsewhere(AlreadyOpen):
    """Another window has it, and was brought to the front."""

    code = "open_elsewhere"


def open_when_free(path: Path, patience: float = _PATIENCE) -> Project:
    """The project there, or a new one; to be called on another thread than the window's.

    Raises `OpenElsewhere` when the window that has it came to the front, `AlreadyOpen` when none answers,
    other `StoreError`s as they come.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return open_or_create(path)
        except AlreadyOpen as error:
            answer = ask_to_raise(path)
            if answer == "raised":
                raise OpenElsewhere(str(error)) from error
            if answer == "nobody" or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
