"""The frame of a page within the Library: a way back, a title, what went wrong, and the page itself."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class Panel(QFrame):
    """Esc and the button on top lead back; what is under way goes on meanwhile."""

    left = Signal()

    def __init__(self, title: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "page")
        self._theme = theme
        self.back = QPushButton("Library")
        self.back.setAccessibleName("Back to the Library")
        self.back.setToolTip("Back to the Library (Esc)")
        set_role(self.back, "quiet-small")
        self._first: QWidget = self.back
        self.title = QLabel(title)
        set_role(self.title, "title")
        self.message = Message(theme)
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(self.back)
        head.addWidget(self.title)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.L, Space.XL, Space.L)
        column.setSpacing(Space.M)
        column.addLayout(head)
        column.addWidget(self.message)
        self._column = column
        self.back.clicked.connect(self.left)
        theme.changed.connect(self._on_panel_theme_changed)
        self._on_panel_theme_changed()

    def set_body(self, body: QWidget) -> None:
        self._column.addWidget(body, 1)

    def focus_on(self, part: QWidget) -> None:
        """The part that the next key is probably meant for, now or when the page comes into view."""
        # No focus proxy: one inside the page would tie a knot into the order of Tab.
        self._first = part
        if self.isVisible():
            part.setFocus()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._first.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _on_panel_theme_changed(self) -> None:
        self.back.setIcon(self._theme.icon("arrow-left"))


class Message(QFrame):
    """Sentences across the page: what went wrong, or what just happened; nothing while there are none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._problem = False
        self._icon, self._text = QLabel(), QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout(self)
        row.setContentsMargins(Space.M, Space.S, Space.M, Space.S)
        row.setSpacing(Space.S)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        theme.changed.connect(self._on_theme_changed)
        self.hide()

    @property
    def text(self) -> str:
        return "" if self.isHidden() else self._text.text()

    def show_words(self, *, problem: str = "", said: str = "") -> None:
        """The problem where there is one."""
        self._problem = bool(problem)
        self._text.setText(problem or said)
        self.setAccessibleName(problem or said)
        self.setVisible(bool(problem or said))
        set_role(self, "banner-danger" if problem else "banner")
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        size = self._theme.px(16)
        name, colour = ("circle-alert", "danger") if self._problem else ("info", "accent")
        self._icon.setPixmap(self._theme.icon(name, colour).pixmap(size, size))
