"""The foot of the left column: what did not work, why nothing can start, and the Start button."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.state import TrainState

_ON_BATTERY = "On battery. Training takes all the power there is: plug in, or it may end before its time."


class ProblemBanner(QFrame):
    """A sentence about what failed, until it is dismissed."""

    dismissed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "banner-danger")
        self._theme = theme
        self._icon, self._text = QLabel(), QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_button = QToolButton()
        set_role(self.close_button, "quiet")
        self.close_button.setToolTip("Dismiss")
        self.close_button.setAccessibleName("Dismiss")
        self.close_button.clicked.connect(self.dismissed)
        row = QHBoxLayout(self)
        row.setContentsMargins(Space.M, Space.S, Space.XS, Space.S)
        row.setSpacing(Space.S)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_sentence(self, sentence: str) -> None:
        self._text.setText(sentence)
        self.setVisible(bool(sentence))

    def sentence(self) -> str:
        return self._text.text() if not self.isHidden() else ""

    def _restyle(self) -> None:
        size = self._theme.px(16)
        self._icon.setPixmap(self._theme.icon("circle-alert", "danger").pixmap(size, size))
        self.close_button.setIcon(self._theme.icon("x"))


class StartBox(QWidget):
    """The button, above it the sentence that says why it cannot be pressed or what to know before."""

    start_wanted = Signal()
    check_wanted = Signal()
    """Look at what would be trained on, before it is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._hint = QLabel()
        self.button = QPushButton("Start training")
        self.check = QToolButton()
        set_role(self._hint, "secondary")
        self._hint.setWordWrap(True)
        set_role(self.button, "primary")
        self.button.setMinimumHeight(theme.px(24))
        self.check.setToolTip("Check before training")
        self.check.setAccessibleName("Check before training")
        self.button.clicked.connect(self.start_wanted)
        self.check.clicked.connect(self.check_wanted)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self.button, 1)
        row.addWidget(self.check)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addWidget(self._hint)
        column.addLayout(row)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_state(self, state: TrainState) -> None:
        hint = "" if state.loading else state.obstacle or (_ON_BATTERY if state.on_battery else "")
        queueing = state.progress is not None
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        # Not while it is being prepared: the keyboard would leave a disabled button.
        self.button.setEnabled(not (state.loading or state.obstacle))
        self.button.setText(_words(queueing=queueing, preparing=state.preparing))
        self.button.setToolTip(
            "Make a run of the verdicts as they are now; it trains after those before it"
            if queueing
            else "Train on the verdicts as they are now"
        )
        self.button.setAccessibleDescription(hint)
        role = "" if queueing else "primary"
        if self.button.property("role") != role:
            set_role(self.button, role)
        self._restyle()

    def hint(self) -> str:
        return self._hint.text()

    def _restyle(self) -> None:
        primary = self.button.property("role") == "primary"
        token = ("accent_text" if primary else "secondary") if self.button.isEnabled() else "faint"
        self.button.setIcon(self._theme.icon("play" if primary else "plus", token))
        self.check.setIcon(self._theme.icon("scan-search"))


def _words(*, queueing: bool, preparing: bool) -> str:
    if preparing:
        return "Preparing the run…"
    return "Add to the queue" if queueing else "Start training"
