"""What stands in place of the Start button while a run is under way: how far it is, and what can be done."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.training import TrainingProgress
from app.train.wording import PHASE_WORDS, short_name
from app.words import time_left


class ProgressCard(QFrame):
    """Shows a `TrainingProgress`; emits what the person wants."""

    pause_wanted = Signal()
    going_on_wanted = Signal()
    stop_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self._theme = theme
        self._paused = False
        self._name, self._step, self._left, self._note = QLabel(), QLabel(), QLabel(), QLabel()
        self.bar = QProgressBar()
        self.pause, self.stop, self.cancel = (
            QPushButton("Pause"),
            QPushButton("Stop and keep"),
            QPushButton("Cancel"),
        )
        self._lay_out()
        self.pause.clicked.connect(self._on_pause_clicked)
        self.stop.clicked.connect(self.stop_wanted)
        self.cancel.clicked.connect(self.cancel_wanted)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_progress(self, progress: TrainingProgress) -> None:
        self._paused = progress.phase in ("pausing", "paused")
        self._name.setText(short_name(progress.run.name))
        self._name.setToolTip(progress.run.folder)
        self._step.setText(step_words(progress))
        self._left.setText(time_left(progress.seconds_left) if progress.seconds_left is not None else "")
        self._show_bar(progress)
        note = progress.notes[-1] if progress.notes else ""
        self._note.setText(note)
        self._note.setToolTip("\n".join(progress.notes))
        self._note.setVisible(bool(note))
        self.pause.setText("Go on" if self._paused else "Pause")
        self.pause.setEnabled(progress.phase in ("training", "pausing", "paused"))
        self.stop.setEnabled(progress.phase in ("training", "pausing", "paused"))
        self.cancel.setEnabled(progress.phase != "cancelling")
        if self.hasFocus():
            self.take_focus()
        self._restyle()

    def take_focus(self) -> None:
        """To Pause, or to the card itself until Pause can be pressed: never to Cancel by accident."""
        (self.pause if self.pause.isEnabled() else self).setFocus()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        set_role(self, "card-active")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        set_role(self, "card")

    def words(self) -> str:
        return "\n".join(label.text() for label in (self._name, self._step, self._left, self._note))

    def _show_bar(self, progress: TrainingProgress) -> None:
        busy = progress.phase in ("waiting", "loading")
        if busy and progress.stage_total:
            self.bar.setRange(0, progress.stage_total)
            self.bar.setValue(progress.stage_done)
        elif busy or not progress.total_steps:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, progress.total_steps)
            self.bar.setValue(progress.step)

    def _lay_out(self) -> None:
        set_role(self._name, "strong")
        set_role(self._left, "secondary")
        set_role(self._note, "caption")
        self._name.setWordWrap(True)
        self._note.setWordWrap(True)
        self.bar.setTextVisible(False)
        for named in (self, self.bar):
            named.setAccessibleName("Training progress")
        self.pause.setToolTip("Hold after the present step. Candidates are still written.")
        self.stop.setToolTip("End now and keep the policy as it is")
        self.cancel.setToolTip("End without a policy. The run can be resumed from its last checkpoint.")
        set_role(self.cancel, "quiet")
        figures = QHBoxLayout()
        figures.addWidget(self._step, 1)
        figures.addWidget(self._left)
        buttons = QHBoxLayout()
        buttons.setSpacing(Space.S)
        buttons.addWidget(self.pause)
        buttons.addWidget(self.stop)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.M, Space.M, Space.M, Space.M)
        column.setSpacing(Space.S)
        column.addWidget(self._name)
        column.addLayout(figures)
        column.addWidget(self.bar)
        column.addWidget(self._note)
        column.addLayout(buttons)

    def _restyle(self) -> None:
        for label in (self._step, self._left):
            label.setFont(self._theme.figures())

    def _on_pause_clicked(self) -> None:
        (self.going_on_wanted if self._paused else self.pause_wanted).emit()


def step_words(progress: TrainingProgress) -> str:
    """ "Step 12 of 80", with what is being done besides."""
    if progress.phase in ("waiting", "loading"):
        words = progress.stage or PHASE_WORDS[progress.phase]
        return (
            f"{words}, {progress.stage_done} of {progress.stage_total}"
            if progress.stage_total
            else f"{words}…"
        )
    step = f"Step {progress.step:,} of {progress.total_steps:,}"
    if progress.phase != "training":
        return f"{PHASE_WORDS[progress.phase]} · {step[:1].lower()}{step[1:]}"
    if progress.stage_total and not progress.step:
        return f"{progress.stage}, {progress.stage_done} of {progress.stage_total}"
    return step
