"""What stands in place of the responses when there are none: fetching a model, a problem, nothing to do."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.annotate.presenter import AnnotateState
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_WORDS = {
    "opening": ("Opening the project…", ""),
    "fetching": (
        "Getting the model",
        "It is kept on this computer and needed once. Then you will see a prompt with two responses: press 1 "
        "or 2 for the better one, and the next pair comes at once.",
    ),
    "no_model": ("There is no model to write the responses yet", ""),
    "held": ("Writing is stopped", "Press R to write both responses again, or N for a prompt of your own."),
    "empty": ("No prompts yet", "Press N and type the first prompt; two responses are written for it."),
    "trouble": ("The responses could not be written", ""),
}


class Interlude(QFrame):
    retry_requested = Signal()
    cancel_requested = Signal()
    folder_requested = Signal()
    starter_requested = Signal()
    new_prompt_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = QLabel()
        set_role(self._title, "title")
        self._body = QLabel()
        self._body.setWordWrap(True)
        self._body.setTextFormat(Qt.TextFormat.PlainText)
        self._body.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_role(self._body, "secondary")
        self._body.setFixedWidth(520)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(520)
        self._bar.setAccessibleName("Progress")
        self._figure = QLabel()
        set_role(self._figure, "caption")
        self._retry = self._button("Try again", "primary", self.retry_requested.emit)
        self._new_prompt = self._button("New prompt", "primary", self.new_prompt_requested.emit)
        self._cancel = self._button("Cancel", "", self.cancel_requested.emit)
        self._folder = self._button("Use a model folder…", "", self.folder_requested.emit)
        self._starter = self._button("Use the starter model", "", self.starter_requested.emit)
        self._lay_out()

    def show_state(self, state: AnnotateState) -> None:
        title, body = _WORDS.get(state.phase, ("", ""))
        self._title.setText(title)
        self._body.setText("\n\n".join(filter(None, (state.message, body))))
        self._body.setVisible(bool(self._body.text()))
        fetching = state.phase == "fetching"
        self._bar.setVisible(fetching)
        self._figure.setVisible(fetching)
        if fetching:
            # Qt's bars count in 32 bits; a range of zero shows work without a known end.
            self._bar.setRange(0, 1000 if state.total else 0)
            self._bar.setValue(1000 * state.done // state.total if state.total else 0)
            self._figure.setText(_progress_words(state))
        self._cancel.setVisible(fetching)
        self._retry.setVisible(state.phase in ("no_model", "trouble"))
        self._folder.setVisible(state.phase in ("no_model", "trouble"))
        self._starter.setVisible(state.phase in ("no_model", "trouble") and state.policy != "starter")
        self._new_prompt.setVisible(state.phase == "empty")

    def _button(self, words: str, role: str, act: object) -> QPushButton:
        button = QPushButton(words)
        set_role(button, role)
        button.clicked.connect(act)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        for button in (self._retry, self._new_prompt, self._cancel, self._folder, self._starter):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(Space.M)
        for widget in (self._title, self._body, self._bar, self._figure):
            column.addWidget(widget)
        column.addLayout(row)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addLayout(column)
        middle.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(middle)
        outer.addStretch(3)


def _progress_words(state: AnnotateState) -> str:
    if not state.total:
        return state.stage
    done, total = (f"{n / 1e6:.0f}" for n in (state.done, state.total))
    return f"{state.stage} · {done} of {total} MB"
