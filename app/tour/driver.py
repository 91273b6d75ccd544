"""A person's hands and eyes: presses keys, clicks, reads what is on the screen, takes pictures of it."""

from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.shell.theme import Theme
from app.shell.window import MainWindow

W = TypeVar("W", bound=QWidget)

CTRL = Qt.KeyboardModifier.ControlModifier


class Driver:
    """Everything goes through the window's event queue, as if it came from keyboard and mouse."""

    def __init__(self, window: MainWindow, theme: Theme, folder: Path) -> None:
        self.window = window
        self.theme = theme
        self.folder = folder
        self.count = 0

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        handle = (QApplication.activeWindow() or self.window).windowHandle()
        QTest.keyClick(handle, key, modifiers)

    def write(self, text: str) -> None:
        target = QApplication.focusWidget()
        if target is None:
            raise LookupError("nothing has the keyboard focus to type into")
        QTest.keyClicks(target, text)

    def do(self, name: str) -> None:
        """Do the action of this object name, as menu and command palette do. Raises `LookupError`."""
        page = self.window.current_page
        found = [one for one in page.findChildren(QAction, name) if one.isEnabled()] if page else []
        if not found:
            raise LookupError(f"there is no action {name!r} that can be done now")
        found[0].trigger()

    def click(self, widget: QWidget) -> None:
        if not (widget.isVisible() and widget.isEnabled()):
            raise LookupError(f"{widget.objectName() or widget} cannot be clicked now")
        QTest.mouseClick(
            widget, Qt.MouseButton.LeftButton, pos=QPoint(widget.width() // 2, widget.height() // 2)
        )

    def find(self, kind: type[W], name: str) -> W:
        """The visible widget of this object name. Raises `LookupError`."""
        found = self.seek(kind, name)
        if found is None:
            raise LookupError(f"there is no visible {kind.__name__} named {name!r}")
        return found

    def seek(self, kind: type[W], name: str) -> W | None:
        for widget in self.window.findChildren(kind, name):
            if widget.isVisible():
                return widget
        return None

    def picture(self, name: str) -> None:
        """Save the window as it is now as the next numbered PNG. Raises `OSError` where that cannot be."""
        self.count += 1
        path = self.folder / f"{self.count:02}-{name}.png"
        if not self.window.grab().save(str(path)):
            raise OSError(f"the picture {path} could not be written")
