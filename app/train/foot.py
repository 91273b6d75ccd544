"""The foot of the left column: what did not work, the run under way, what waits, and the Start button."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme
from app.train.progress_card import ProgressCard
from app.train.runs.queue_strip import QueueStrip
from app.train.start_box import ProblemBanner, StartBox
from app.train.state import TrainState


class Foot(QWidget):
    """Shows a `TrainState`; its parts emit what the person wants."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.problem = ProblemBanner(theme)
        self.progress = ProgressCard(theme)
        self.queue = QueueStrip(theme)
        self.start_box = StartBox(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.S, Space.L, Space.XL)
        column.setSpacing(Space.S)
        for part in (self.problem, self.progress, self.queue, self.start_box):
            column.addWidget(part)
        self.progress.hide()

    def show_state(self, state: TrainState) -> None:
        self.problem.show_sentence(state.problem)
        self.queue.show_state(state)
        self._show_run(state)

    def _show_run(self, state: TrainState) -> None:
        training = state.progress is not None
        focus = self.focusWidget()
        had_focus = self.start_box.isAncestorOf(focus) or self.progress.isAncestorOf(focus)
        self.start_box.show_state(state)
        if state.progress is not None:
            self.progress.show_progress(state.progress)
        if training == self.progress.isHidden():
            self.progress.setVisible(training)
            if had_focus:
                # The keyboard stays where the person was: at what the button began, or back at the button.
                if training:
                    self.progress.take_focus()
                else:
                    self.start_box.button.setFocus()
