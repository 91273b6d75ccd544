"""The panel for a prompt of one's own."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role

MOST_CHARACTERS = 100_000


class Composer(QFrame):
    """`Ctrl+Enter` adds, `Esc` closes and keeps what was typed for the next time."""

    prompt_added = Signal(str, str)
    """The prompt, and the instructions for the model (empty: none). Answer with `answer`."""
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self._theme = theme
        self._asked = False
        self._text = _field("new-prompt-text", "Prompt", "What should the model answer?")
        self._system = _field(
            "new-prompt-system",
            "Instructions for the model",
            "Instructions for the model (optional), such as: Answer in two sentences.",
        )
        self._error = QLabel()
        self._error.setWordWrap(True)
        self._error.setTextFormat(Qt.TextFormat.PlainText)
        set_role(self._error, "error")
        self._add = QPushButton("Add prompt")
        self._close = QPushButton("Close")
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        for field in (self._text, self._system):
            field.installEventFilter(self)
            field.textChanged.connect(self._on_edited)
        self._add.clicked.connect(self._on_add_clicked)
        self._close.clicked.connect(self.closed)
        self._on_edited()

    def begin(self) -> None:
        self.show()
        self._text.setFocus()

    def answer(self, problem: str) -> None:
        """The prompt was kept (""), or why it was not; then what was typed stays."""
        self._asked = False
        if problem:
            self._show_error(problem)
            return
        self._text.clear()
        self._system.clear()
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent):
            escape = event.key() == Qt.Key.Key_Escape
            if escape and event.type() == QEvent.Type.ShortcutOverride:
                event.accept()  # Esc closes this panel; the page's own Esc is for later
                return True
            if event.type() == QEvent.Type.KeyPress and escape:
                self.closed.emit()
                return True
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            if event.type() == QEvent.Type.KeyPress and enter and control:
                self._on_add_clicked()
                return True
        return super().eventFilter(watched, event)

    def _on_edited(self) -> None:
        text, system = (len(field.toPlainText()) for field in (self._text, self._system))
        too_long = max(text, system) > MOST_CHARACTERS
        self._show_error(f"A prompt has at most {MOST_CHARACTERS:,} characters." if too_long else "")
        self._add.setEnabled(bool(text) and bool(self._text.toPlainText().strip()) and not too_long)

    def _on_add_clicked(self) -> None:
        if self._add.isEnabled() and not self._asked:
            self._asked = True
            self.prompt_added.emit(self._text.toPlainText(), self._system.toPlainText())

    def _show_error(self, sentence: str) -> None:
        self._error.setText(sentence)
        self._error.setVisible(bool(sentence))

    def _lay_out(self) -> None:
        title = QLabel("New prompt")
        set_role(title, "heading")
        hint = QLabel("Two responses to it are written next.")
        set_role(hint, "caption")
        set_role(self._add, "primary")
        set_role(self._close, "quiet")
        self._add.setToolTip("Add prompt (Ctrl+Enter)")
        self._close.setToolTip("Close and keep what is typed (Esc)")
        key = QLabel("Ctrl+Enter")
        set_role(key, "key")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(hint)
        row.addWidget(self._error, 1)
        row.addStretch(1)
        row.addWidget(self._close)
        row.addWidget(key)
        row.addWidget(self._add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
        layout.setSpacing(Space.S)
        layout.addWidget(title)
        layout.addWidget(self._text)
        layout.addWidget(self._system)
        layout.addLayout(row)

    def _on_theme_changed(self) -> None:
        line = self._theme.px(20)
        self._text.setFixedHeight(4 * line + Space.L)
        self._system.setFixedHeight(line + Space.XL)


def _field(name: str, title: str, words: str) -> QPlainTextEdit:
    field = QPlainTextEdit()
    field.setObjectName(name)
    field.setAccessibleName(title)
    field.setPlaceholderText(words)
    field.setTabChangesFocus(True)
    return field
