"""What the worker writes to stderr: kept in a bounded log file, and its last lines for an error report."""

import logging
import logging.handlers
import threading
from collections import deque
from pathlib import Path

MAX_BYTES = 1_000_000
OLD_FILES = 2
LAST_LINES = 40
MAX_LINE = 2_000


class _QuietFileHandler(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk costs the log, nothing else."""


class EngineLog:
    """Appends to `path`, which is renamed to `engine.log.1`, `.2` as it fills. Usable from any thread."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._logger: logging.Logger | None = None

    def add(self, line: str) -> None:
        """Keep one line, cut to a sane length. A log that cannot be written stops nothing."""
        text = line.rstrip()[:MAX_LINE]
        with self._lock:
            self._last.append(text)
            if self._logger is None:
                self._logger = self._opened()
            self._logger.info("%s", text)

    def begin_life(self, command: str) -> None:
        """Forget the last lines of the engine before this one."""
        with self._lock:
            self._last.clear()
        self.add(f"Starting: {command}")

    def last_lines(self) -> str:
        with self._lock:
            return "\n".join(self._last)

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        with self._lock:
            for handler in self._logger.handlers if self._logger else ():
                handler.close()
            self._logger = None

    def _opened(self) -> logging.Logger:
        # A logger of our own, outside the tree of names, so that no library's settings reach it.
        logger = logging.Logger("engine")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handler: logging.Handler = _QuietFileHandler(
                self.path,
                maxBytes=self._max_bytes,
                backupCount=OLD_FILES,
                encoding="utf-8",
                errors="backslashreplace",
            )
        except OSError:
            handler = logging.NullHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)
        return logger
