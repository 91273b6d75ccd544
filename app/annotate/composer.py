"""The panel in which a person writes: a prompt, the next turn of a conversation, a better last response."""

from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role

MOST_CHARACTERS = 100_000
Purpose = Literal["prompt", "turn", "edit_last"]


@dataclass(frozen=True, kw_only=True)
class _Words:
    title: str
    name: str
    placeholder: str
    hint: str
    button: str


_WORDS: dict[Purpose, _Words] = {
    "prompt": _Words(
        title="New prompt",
        name="Prompt",
        placeholder="What should the model answer?",
        hint="Two responses to it are written next.",
        button="Add prompt",
    ),
    "turn": _Words(
        title="Continue from the response that you chose",
        name="Next turn",
        placeholder="What do you say next?",
        hint="Two responses to it are written next.",
        button="Continue",
    ),
    "edit_last": _Words(
        title="The response that you chose, in your words",
        name="Response in your words",
        placeholder="How should it have been said?",
        hint="It becomes the chosen side; the original is kept.",
        button="Keep these words",
    ),
}


@dataclass
class _Draft:
    """What was typed and not yet kept; `about`: what it is about, another one of which begins anew."""

    text: str = ""
    about: object = field(default=None)


class Composer(QFrame):
    """`Ctrl+Enter` adds, `Esc` closes and keeps what was typed for the next time."""

    prompt_added = Signal(str, str)
    """The prompt, and the instructions for the model (empty: none). Answer with `answer`."""
    turn_added = Signal(str)
    """What the person says next. Answer with `answer`."""
    last_edited = Signal(str)
    """The last chosen response in other words."""
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self._theme = theme
        self._asked = False
        self._purpose: Purpose = "prompt"
        self._drafts: dict[Purpose, _Draft] = {purpose: _Draft() for purpose in _WORDS}
        self._title, self._hint = QLabel(), QLabel()
        self._text = _field("new-prompt-text")
        self._system = _field("new-prompt-system")
        self._system.setAccessibleName("Instructions for the model")
        self._system.setPlaceholderText(
            "Instructions for the model (optional), such as: Answer in two sentences."
        )
        self._error = QLabel()
        self._error.setWordWrap(True)
        self._error.setTextFormat(Qt.TextFormat.PlainText)
        set_role(self._error, "error")
        self._add = QPushButton()
        self._close = QPushButton("Close")
        self._lay_out()
        self._show_purpose()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        for typed in (self._text, self._system):
            typed.installEventFilter(self)
            typed.textChanged.connect(self._on_edited)
        self._add.clicked.connect(self._on_add_clicked)
        self._close.clicked.connect(self.closed)
        self._on_edited()

    def begin(self, purpose: Purpose = "prompt", *, text: str = "", about: object = None) -> None:
        """Write for this purpose. `text`: what to begin with, unless something about the same was begun."""
        self._drafts[self._purpose].text = self._text.toPlainText()
        draft = self._drafts[purpose]
        if draft.about != about:
            draft.text, draft.about = text, about
        self._purpose = purpose
        self._text.setPlainText(draft.text)
        self._show_purpose()
        self.show()
        self._text.setFocus()

    def answer(self, problem: str) -> None:
        """What was given was kept (""), or why it was not; then what was typed stays."""
        self._asked = False
        if problem:
            self._show_error(problem)
            return
        self._text.clear()
        if self._purpose == "prompt":
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
        text, system = (len(typed.toPlainText()) for typed in (self._text, self._system))
        too_long = max(text, system) > MOST_CHARACTERS
        self._show_error(f"At most {MOST_CHARACTERS:,} characters are kept." if too_long else "")
        self._add.setEnabled(bool(text) and bool(self._text.toPlainText().strip()) and not too_long)

    def _on_add_clicked(self) -> None:
        if not self._add.isEnabled() or self._asked:
            return
        text = self._text.toPlainText()
        match self._purpose:
            case "prompt":
                self._asked = True
                self.prompt_added.emit(text, self._system.toPlainText())
            case "turn":
                self._asked = True
                self.turn_added.emit(text)
            case "edit_last":
                self.last_edited.emit(text)
                self.answer("")

    def _show_error(self, sentence: str) -> None:
        self._error.setText(sentence)
        self._error.setVisible(bool(sentence))

    def _show_purpose(self) -> None:
        words = _WORDS[self._purpose]
        self._title.setText(words.title)
        self._hint.setText(words.hint)
        self._add.setText(words.button)
        self._add.setToolTip(f"{words.button} (Ctrl+Enter)")
        self._text.setAccessibleName(words.name)
        self._text.setPlaceholderText(words.placeholder)
        self._system.setVisible(self._purpose == "prompt")

    def _lay_out(self) -> None:
        set_role(self._title, "heading")
        set_role(self._hint, "caption")
        set_role(self._add, "primary")
        set_role(self._close, "quiet")
        self._add.setObjectName("composer-add")
        self._close.setObjectName("composer-close")
        self._close.setToolTip("Close and keep what is typed (Esc)")
        key = QLabel("Ctrl+Enter")
        set_role(key, "key")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self._hint)
        row.addWidget(self._error, 1)
        row.addStretch(1)
        row.addWidget(self._close)
        row.addWidget(key, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
        layout.setSpacing(Space.S)
        layout.addWidget(self._title)
        layout.addWidget(self._text)
        layout.addWidget(self._system)
        layout.addLayout(row)

    def _on_theme_changed(self) -> None:
        line = self._theme.px(20)
        self._text.setFixedHeight(4 * line + Space.L)
        self._system.setFixedHeight(line + Space.XL)


def _field(name: str) -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setObjectName(name)
    made.setTabChangesFocus(True)
    return made
