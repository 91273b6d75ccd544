"""Under the two responses: the verdicts, each with its key, and below them what else can be done."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.annotate.keys import KeyButton
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.records import Choice

_ACKNOWLEDGED_MS = 600
_BUTTONS: tuple[tuple[Choice, str, str], ...] = (
    ("left", "1", "Left is better"),
    ("tie", "3", "Tie"),
    ("both_bad", "4", "Both bad"),
    ("skip", "Space", "Skip"),
    ("right", "2", "Right is better"),
)
_STACKED_WORDS = {"left": "Upper is better", "right": "Lower is better"}


class VerdictBar(QWidget):
    """Left stands left and right stands right, so that a key needs no second thought."""

    verdict_pressed = Signal(str)
    """A `Choice`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._buttons: dict[str, KeyButton] = {}
        self._acknowledged: KeyButton | None = None
        self._timer = QTimer(self, singleShot=True, interval=_ACKNOWLEDGED_MS)
        self._timer.timeout.connect(self._forget)
        self.undo = self._quiet("verdict-undo", "Ctrl+Z", "Undo")
        self.again = self._quiet("write-again", "R", "Write both again")
        self.stop = self._quiet("stop-writing", "Esc", "Stop writing")
        self._hint = QLabel("Shift+1 or Shift+2: much better · M: as written")
        set_role(self._hint, "caption")
        self._lay_out()

    def set_possible(self, possible: bool) -> None:
        """Whether there is something to judge."""
        for button in self._buttons.values():
            if button.isEnabled() != possible:
                button.setEnabled(possible)
        self.again.setVisible(possible)

    def set_writing(self, writing: bool) -> None:
        """Whether the responses on the screen are coming in."""
        self.stop.setVisible(writing)

    def set_stacked(self, stacked: bool) -> None:
        for choice, _key, words in _BUTTONS:
            self._buttons[choice].set_words(_STACKED_WORDS.get(choice, words) if stacked else words)

    def acknowledge(self, choice: str) -> None:
        """Show for a moment which verdict was saved; nothing waits for that."""
        self._forget()
        self._acknowledged = self._buttons[choice]
        set_role(self._acknowledged, "saved")
        self._timer.start()

    def focused_verdict(self) -> bool:
        """Whether the keyboard focus is on one of the verdicts."""
        return any(button.hasFocus() for button in self._buttons.values())

    def _forget(self) -> None:
        if self._acknowledged is not None:
            set_role(self._acknowledged, "")
            self._acknowledged = None

    def _quiet(self, name: str, key: str, words: str) -> KeyButton:
        button = KeyButton(key, words, quiet=True)
        button.setObjectName(name)
        return button

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(Space.S)
        for choice, key, words in _BUTTONS:
            button = KeyButton(key, words)
            button.setObjectName(f"verdict-{choice}")
            button.clicked.connect(lambda _=False, choice=choice: self.verdict_pressed.emit(choice))
            self._buttons[choice] = button
            top.addWidget(button, 3 if choice in ("left", "right") else 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(Space.S)
        bottom.addWidget(self.undo)
        bottom.addStretch(1)
        bottom.addWidget(self._hint, 0, Qt.AlignmentFlag.AlignVCenter)
        bottom.addStretch(1)
        bottom.addWidget(self.stop)
        bottom.addWidget(self.again)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.XS)
        layout.addLayout(top)
        layout.addLayout(bottom)
