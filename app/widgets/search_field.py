"""The field that a table is searched by: typed in, then left downwards for the rows."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from app.shell.theme import Theme


class SearchField(QLineEdit):
    """`left`: Down, Enter, or Esc (which clears it first) leads out of it."""

    left = Signal()

    def __init__(self, theme: Theme, *, tip: str, narrowest: int, widest: int) -> None:
        super().__init__()
        self._theme = theme
        self.setPlaceholderText("Search prompts and responses")
        self.setAccessibleName("Search prompts and responses")
        self.setToolTip(tip)
        self.setClearButtonEnabled(True)
        self.setMinimumWidth(narrowest)
        self.setMaximumWidth(widest)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.clear()
        elif key not in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
            return
        self.left.emit()

    def show_icon(self) -> None:
        """In the theme's present colours."""
        for action in self.actions():
            if action.objectName() == "search-icon":
                self.removeAction(action)
        leading = self.addAction(self._theme.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        leading.setObjectName("search-icon")
