"""What stands in place of the responses when there are none: fetching a model, a problem, nothing to do."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.annotate.state import AnnotateState, Phase
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_WIDTH = 520
_WORDS: dict[Phase, tuple[str, str, str]] = {
    "opening": ("clock", "Opening the project…", ""),
    "fetching": (
        "download",
        "Getting the model",
        "It stays on this computer and is needed once. Then a prompt with two responses appears here: press "
        "{left} or {right} for the better one, and the next comparison follows at once.",
    ),
    "no_model": ("circle-alert", "There is no model to write responses yet", ""),
    "held": (
        "circle-stop",
        "Writing is stopped",
        "Press {again} to go on, or {new} for a prompt of your own.",
    ),
    "empty": (
        "message-square-plus",
        "No prompts yet",
        "Press {new} and type the first one. Two responses to it are written at once.",
    ),
    "trouble": ("circle-alert", "No responses can be written now", ""),
}
"""Icon, title, and what happens next, with the keys that were set."""


class Interlude(QWidget):
    retry_requested = Signal()
    cancel_requested = Signal()
    folder_requested = Signal()
    starter_requested = Signal()
    new_prompt_requested = Signal()
    go_on_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon_name = "clock"
        self._keys = {"left": "1", "right": "2", "again": "R", "new": "N"}
        self._icon, self._title, self._body = QLabel(), QLabel(), QLabel()
        self._bar, self._figure = QProgressBar(), QLabel()
        self._block = QWidget()
        set_role(self._title, "title")
        set_role(self._body, "secondary")
        set_role(self._figure, "caption")
        for label in (self._title, self._body):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self.retry = self._button("Try again", "retry", "primary", self.retry_requested.emit)
        self.go_on = self._button("Go on writing", "go-on", "primary", self.go_on_requested.emit)
        self.new_prompt = self._button(
            "New prompt", "first-prompt", "primary", self.new_prompt_requested.emit
        )
        self.cancel = self._button("Cancel", "cancel", "", self.cancel_requested.emit)
        self.folder = self._button("Use a model folder…", "folder", "", self.folder_requested.emit)
        self.starter = self._button("Use the starter model", "starter", "", self.starter_requested.emit)
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def set_keys(self, left: str, right: str, again: str, new: str) -> None:
        """The keys that the sentences name."""
        self._keys = {"left": left, "right": right, "again": again, "new": new}

    def show_state(self, state: AnnotateState) -> None:
        icon, title, body = _WORDS.get(state.phase, ("clock", "", ""))
        self._icon_name = icon
        self._title.setText(title)
        body = body.format(**{name: key or "the button" for name, key in self._keys.items()})
        self._body.setText("\n\n".join(filter(None, (state.message, body))))
        self._body.setVisible(bool(self._body.text()))
        # A wrapped label in a block of fixed width asks for the height of a wider one.
        self._body.setMinimumHeight(0)
        self._body.setMinimumHeight(max(0, self._body.heightForWidth(self._theme.px(_WIDTH))))
        busy = state.phase == "fetching" or state.trying
        self._bar.setVisible(busy)
        self._figure.setVisible(busy)
        if busy:
            # Qt's bars count in 32 bits; a range of zero shows work without a known end.
            self._bar.setRange(0, 1000 if state.total and not state.trying else 0)
            self._bar.setValue(1000 * state.done // state.total if state.total else 0)
            self._figure.setText(_progress_words(state))
        stuck = state.phase in ("no_model", "trouble") and not state.trying
        self.cancel.setVisible(busy)
        self.retry.setVisible(stuck)
        self.folder.setVisible((stuck or state.phase == "fetching") and not state.trying)
        self.starter.setVisible(stuck and state.policy != "starter")
        self.new_prompt.setVisible(state.phase == "empty")
        self.go_on.setVisible(state.phase == "held")
        self._on_theme_changed()

    def words(self) -> str:
        return f"{self._title.text()}\n{self._body.text()}"

    def _button(self, words: str, name: str, role: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(words)
        button.setObjectName(f"interlude-{name}")
        button.setAutoDefault(True)
        set_role(button, role)
        button.clicked.connect(lambda _=False: act())
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        for button in (self.retry, self.go_on, self.new_prompt, self.cancel, self.folder, self.starter):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self._block)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.M)
        for widget in (self._icon, self._title, self._body, self._bar, self._figure):
            column.addWidget(widget)
        column.addSpacing(Space.XS)
        column.addLayout(row)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(self._block, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)

    def _on_theme_changed(self) -> None:
        self._block.setFixedWidth(self._theme.px(_WIDTH))
        size = self._theme.px(28)
        self._icon.setPixmap(self._theme.icon(self._icon_name, "faint").pixmap(size, size))
        self._figure.setFont(self._theme.figures(12))


def _progress_words(state: AnnotateState) -> str:
    if not state.total or state.trying:
        return state.stage
    done, total = (f"{n / 1e6:.0f}" for n in (state.done, state.total))
    return f"{state.stage} · {done} of {total} MB"
