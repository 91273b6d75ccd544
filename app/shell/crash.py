"""Bugs: told calmly, kept for a report, and never a reason to lose the window.

An exception that nobody caught is written to a log beside the engine's and shown once as a sentence. Qt's
own messages go to the same log. Where the process itself dies, in a driver or in Qt, a last note of what each
thread did is left for the next start to tell of.
"""

import contextlib
import faulthandler
import logging
import logging.handlers
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_log = logging.getLogger("dpo_studio")


def open_log(folder: Path) -> Path:
    """Log to `folder/app.log` (three files of at most 1 MB); where that cannot be, to nowhere."""
    path = folder / "app.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(path, maxBytes=2**20, backupCount=2)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    return path


def watch(tell: Callable[[str], None], log_path: Path) -> None:
    """From now on every uncaught exception is logged and told in a sentence."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        _log.error("Uncaught exception\n%s", text)
        sys.stderr.write(text)
        tell(
            f"Something went wrong inside DPO Studio ({kind.__name__}). Everything saved so far is safe. "
            f"You can go on; the details are in {log_path}."
        )

    sys.excepthook = hook
    qInstallMessageHandler(_on_qt_message)


class LastNote:
    """A file that only a dying process writes to. Made once, by the program's own start."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "crash.log"
        self._earlier = folder / "crash-before.log"
        self._died = False
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size:
                self._path.replace(self._earlier)
                self._died = True
            self._file = self._path.open("ab")
            faulthandler.enable(self._file)

    @property
    def sentence(self) -> str:
        """What to say of the process before this one; empty where it ended well."""
        if not self._died:
            return ""
        return (
            "DPO Studio ended unexpectedly the last time. Every verdict was kept. "
            f"What it was doing is in {self._earlier}; please send that with a report."
        )


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    level = logging.INFO if kind in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) else logging.WARNING
    logging.getLogger(f"qt.{context.category or ''}").log(level, "%s", message)
