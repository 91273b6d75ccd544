"""A page that says, in place of the work, why there is none: what happened, what is safe, what to do."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class ProblemPage(QFrame):
    """`actions` become buttons, the first of them the primary one."""

    def __init__(
        self, theme: Theme, title: str, sentence: str, actions: list[QAction], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_role(self, "page")
        self._theme = theme
        self._icon = QLabel()
        heading = QLabel(title)
        set_role(heading, "title")
        body = QLabel(sentence, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        set_role(body, "secondary")
        body.setMinimumWidth(420)
        body.setMaximumWidth(560)
        body.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        for action in actions:
            button = QPushButton(action.text())
            set_role(button, "" if row.count() else "primary")
            button.clicked.connect(action.trigger)
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(Space.M)
        for widget in (self._icon, heading, body):
            column.addWidget(widget)
        column.addSpacing(Space.S)
        column.addLayout(row)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addLayout(column)
        middle.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(middle)
        outer.addStretch(3)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        self._icon.setPixmap(self._theme.icon("triangle-alert", "warning").pixmap(32, 32))
