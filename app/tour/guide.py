"""Runs a script of steps against the living window: waits for what should happen, and fails when it does not.

A script is a generator that acts and yields `Until` for what must come about before it goes on. The event
loop is never blocked: a timer looks whether the awaited has happened.
"""

import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QWidget

from app.tour.driver import Driver

_LOOK_MS = 20


class TourFailed(Exception):
    """A step did not happen; the text says which."""


@dataclass(frozen=True)
class Until:
    """Go on when `happened` is true; give up after `seconds`."""

    what: str
    happened: Callable[[], object]
    seconds: float = 30.0


Script = Generator[Until, None, None]


class Strays(QObject):
    """Notices parts of a page that show as windows of their own for a moment: the keyboard goes to them."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.names: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            usual = isinstance(watched, QMainWindow) or watched.windowType() != Qt.WindowType.Window
            if not usual:
                self.names.append(f"{type(watched).__name__} {watched.objectName()}".strip())
        return False


class Guide(QObject):
    """Emits `ended` with the exit code: 0 when every step happened."""

    ended = Signal(int)

    def __init__(self, script: Callable[[Driver], Script], driver: Driver, parent: QObject) -> None:
        super().__init__(parent)
        self._driver = driver
        self._script = script(driver)
        self._awaited: Until | None = None
        self._deadline = 0.0
        self._strays = Strays(self)
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)

    def begin(self) -> None:
        QCoreApplication.instance().installEventFilter(self._strays)  # type: ignore[union-attr]  # it runs
        self._timer.start()

    def _look(self) -> None:
        try:
            if self._strays.names:
                raise TourFailed(f"A part of a page showed as a window of its own: {self._strays.names[0]}")
            if self._awaited is not None and not self._awaited.happened():
                if time.monotonic() > self._deadline:
                    raise TourFailed(
                        f"This did not happen in {self._awaited.seconds:g} s: {self._awaited.what}"
                    )
                return
            self._awaited = next(self._script)
            self._deadline = time.monotonic() + self._awaited.seconds
        except StopIteration:
            self._end(0, f"Tour done: {self._driver.count} pictures in {self._driver.folder}")
        except Exception as error:
            self._driver.picture("failed-here")
            self._end(1, f"Tour failed. {error}")

    def _end(self, code: int, sentence: str) -> None:
        self._timer.stop()
        self._script.close()
        print(sentence, file=sys.stderr if code else sys.stdout, flush=True)
        self.ended.emit(code)


def prepared(folder: Path) -> Path:
    """The folder for the pictures, made; earlier pictures of a tour in it are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("[0-9][0-9]-*.png"):
        old.unlink()
    return folder
