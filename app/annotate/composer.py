"""The panel for a prompt of one's own."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role

MOST_CHARACTERS = 100_000


class Composer(QFrame):
    """`Ctrl+Enter` adds, `Esc` closes and keeps what was typed for the next time."""

    prompt_added = Signal(str, str)
    """The prompt, and the instructions for the model (empty: none)."""
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self._theme = theme
        title = QLabel("New prompt")
        set_role(title, "heading")
        self._text = QPlainTextEdit()
        self._text.setObjectName("new-prompt-text")
        self._text.setPlaceholderText("What should the model answer?")
        self._text.setAccessibleName("Prompt")
        self._text.setTabChangesFocus(True)
        self._text.setFixedHeight(96)
        self._text.textChanged.connect(self._on_text_changed)
        self._system = QLineEdit()
        self._system.setPlaceholderText(
            "Instructions for the model (optional), such as: Answer in two sentences."
        )
        self._system.setAccessibleName("Instructions for the model")
        self._system.setMaxLength(MOST_CHARACTERS)
        self._add = QPushButton("Add prompt")
        self._add.setToolTip("Add prompt (Ctrl+Enter)")
        set_role(self._add, "primary")
        self._add.clicked.connect(self._on_add_clicked)
        cancel = QPushButton("Close")
        set_role(cancel, "quiet")
        cancel.clicked.connect(self.closed)
        hint = QLabel("Its two responses are written next.")
        set_role(hint, "caption")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(hint)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self._add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
        layout.setSpacing(Space.S)
        for widget in (title, self._text, self._system):
            layout.addWidget(widget)
        layout.addLayout(row)
        for field in (self._text, self._system):
            field.installEventFilter(self)
        self._on_text_changed()

    def begin(self) -> None:
        self.show()
        self._text.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                self.closed.emit()
                return True
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self._on_add_clicked()
                return True
        return super().eventFilter(watched, event)

    def _on_text_changed(self) -> None:
        length = len(self._text.toPlainText().strip())
        self._add.setEnabled(0 < length <= MOST_CHARACTERS)

    def _on_add_clicked(self) -> None:
        if self._add.isEnabled():
            self.prompt_added.emit(self._text.toPlainText(), self._system.text())
            self._text.clear()
