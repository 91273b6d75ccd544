"""A response in one's own words: an editor below the original, which stays in view."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role

MOST_CHARACTERS = 200_000


class ResponseEditor(QFrame):
    """`Ctrl+Enter` gives the text (with Shift: as much better), `Esc` leaves it.

    What was typed and left is there again when the same response is edited once more.
    """

    given = Signal(str, int)
    """The text, and how much better it is: 1 or 2."""
    left = Signal()

    def __init__(self, title: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._original = ""
        self.field = QPlainTextEdit()
        self.field.setAccessibleName(f"{title}, in your words")
        self.field.setTabChangesFocus(True)
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._on_changed)
        set_role(self.field, "editor")
        self.choose = QPushButton("Choose this text")
        self.choose.clicked.connect(lambda: self._give(1))
        self.leave = QPushButton("Leave")
        self.leave.clicked.connect(self.left)
        self._said = QLabel()
        self._lay_out(title)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def begin(self, original: str) -> None:
        """Edit this response, or go on editing it."""
        if original != self._original:
            self._original = original
            self.field.setPlainText(original)
        self.show()
        self.field.setFocus()
        self._on_changed()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent):
            escape = event.key() == Qt.Key.Key_Escape
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            mine = escape or (enter and control)
            if mine and event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if mine and event.type() == QEvent.Type.KeyPress:
                if escape:
                    self.left.emit()
                elif not event.isAutoRepeat():
                    self._give(2 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
                return True
        return super().eventFilter(watched, event)

    def _give(self, strength: int) -> None:
        text = self.field.toPlainText()
        if self.choose.isEnabled():
            self.given.emit(text, strength)

    def _on_changed(self) -> None:
        text = self.field.toPlainText()
        too_long = len(text) > MOST_CHARACTERS
        self.choose.setEnabled(bool(text.strip()) and not too_long)
        if too_long:
            self._said.setText(f"A response has at most {MOST_CHARACTERS:,} characters.")
        else:
            self._said.setText("" if text != self._original else "As it was written")

    def _lay_out(self, title: str) -> None:
        heading = QLabel("In your words")
        set_role(heading, "strong")
        set_role(self._said, "caption")
        set_role(self.choose, "primary")
        set_role(self.leave, "quiet")
        side = title.lower().replace(" ", "-")
        self.choose.setObjectName(f"editor-choose-{side}")
        self.leave.setObjectName(f"editor-leave-{side}")
        self.choose.setToolTip("Choose this text; the original is kept (Ctrl+Enter, with Shift: much better)")
        self.leave.setToolTip("Leave the response as it is (Esc)")
        top = QHBoxLayout()
        top.addWidget(heading)
        top.addStretch(1)
        top.addWidget(self._said)
        key = QLabel("Ctrl+Enter")
        set_role(key, "key")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addStretch(1)
        row.addWidget(self.leave)
        row.addWidget(key, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, Space.S, 0)
        layout.setSpacing(Space.S)
        line = QFrame()
        set_role(line, "line")
        layout.addWidget(line)
        layout.addLayout(top)
        layout.addWidget(self.field, 1)
        layout.addLayout(row)

    def _on_theme_changed(self) -> None:
        self.field.setFont(self._theme.font(FontSize.READING))
