"""The line at the foot of the left column that says which runs wait, and lets them wait or go on."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.state import TrainState
from app.train.wording import short_name


class QueueStrip(QFrame):
    """Hidden while nothing waits."""

    toggled = Signal()
    """Hold the queue, or go on with it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "sunken")
        self._theme = theme
        self._words = QLabel()
        self._words.setWordWrap(True)
        set_role(self._words, "secondary")
        self.button = QPushButton("Hold")
        set_role(self.button, "quiet-small")
        self.button.clicked.connect(self.toggled)
        row = QHBoxLayout(self)
        row.setContentsMargins(Space.M, Space.XS, Space.XS, Space.XS)
        row.setSpacing(Space.S)
        row.addWidget(self._words, 1)
        row.addWidget(self.button)

    def show_state(self, state: TrainState) -> None:
        queue = state.queue
        names = [
            short_name(line.run.name)
            for run_id in queue.waiting
            for line in state.runs
            if line.run.id == run_id
        ]
        self.setVisible(bool(names))
        self._words.setText(queue_words(names, held=queue.held, training=state.progress is not None))
        self._words.setToolTip("\n".join(f"{place}. {name}" for place, name in enumerate(names, 1)))
        self.button.setText("Go on" if queue.held else "Hold")
        self.button.setAccessibleName("Go on with the queue" if queue.held else "Hold the queue")
        self.button.setToolTip(
            "Train the waiting runs, one after another"
            if queue.held
            else "Let no further run start by itself"
        )
        self.button.setIcon(self._theme.icon("play" if queue.held else "pause"))

    def words(self) -> str:
        return self._words.text() if not self.isHidden() else ""


def queue_words(names: list[str], *, held: bool, training: bool) -> str:
    """Which run is next and how many there are, and that they wait for the person where they do."""
    if not names:
        return ""
    behind = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    if held:
        verb = "waits" if len(names) == 1 else "wait"
        return f"{names[0]}{behind} {verb} until you say go on."
    return f"Then {names[0]}{behind}" if training else f"Next: {names[0]}{behind}"
