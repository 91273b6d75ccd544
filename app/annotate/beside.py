"""A panel beside the page where there is room for both, and over its edge where there is not."""

from PySide6.QtCore import QEvent, QObject, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.shell.palette import Space
from app.shell.theme import Theme

_ROOM = 980
"""Pixels of width from which both stand side by side; opening the panel never makes the window grow."""


class Beside(QWidget):
    """Follows the panel's being shown and hidden."""

    def __init__(self, main: QWidget, panel: QWidget, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._main, self._panel, self._theme = main, panel, theme
        main.setParent(self)
        panel.setParent(self)
        panel.hide()
        panel.installEventFilter(self)

    def sizeHint(self) -> QSize:
        return self._main.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self._main.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        room, panel = self.rect(), self._panel
        wide = panel.maximumWidth()
        panel.setGeometry(QRect(room.right() + 1 - wide, 0, wide, room.height()))
        docked = not panel.isHidden() and room.width() >= self._theme.px(_ROOM)
        self._main.setGeometry(room.adjusted(0, 0, -(wide + Space.L) if docked else 0, 0))
        panel.raise_()
