"""The row on top: which run, which checkpoint, at which β, and how far the scoring is."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from app.inspector.material import POLICY, InspectableRun
from app.inspector.presenter import InspectorState
from app.inspector.wording import count
from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class TopBar(QWidget):
    """Shows an `InspectorState`; emits what the person chose."""

    run_chosen = Signal(int)
    checkpoint_chosen = Signal(str)
    score_requested = Signal()
    stop_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs, self.checkpoints = QComboBox(), QComboBox()
        self._beta = QLabel()
        self.status = ScoringStatus(theme)
        self._shown: tuple[InspectableRun, ...] = ()
        self._lay_out(theme)
        self.runs.activated.connect(lambda _row: self.run_chosen.emit(self.runs.currentData()))
        self.checkpoints.activated.connect(
            lambda _row: self.checkpoint_chosen.emit(self.checkpoints.currentData())
        )
        self.status.score_requested.connect(self.score_requested)
        self.status.stop_requested.connect(self.stop_requested)

    def show_state(self, state: InspectorState) -> None:
        if state.runs != self._shown:
            self._shown = state.runs
            _fill(self.runs, [(_run_words(entry), entry.run.id) for entry in state.runs])
        selected = state.selected
        for part in (self.runs, self.checkpoints, self._beta):
            part.setVisible(selected is not None)
        if selected is not None:
            self.runs.setCurrentIndex(self.runs.findData(selected.run.id))
            _fill(self.checkpoints, [(_checkpoint_words(name), name) for name in selected.checkpoints])
            self.checkpoints.setCurrentIndex(self.checkpoints.findData(state.checkpoint))
            self._beta.setText(f"β {selected.run.beta:g}")
        self.status.show_state(state)

    def _lay_out(self, theme: Theme) -> None:
        self.runs.setAccessibleName("Run")
        self.checkpoints.setAccessibleName("Checkpoint")
        self.runs.setMinimumWidth(theme.px(200))
        self.runs.setMaximumWidth(theme.px(440))
        self.runs.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.runs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.checkpoints.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        set_role(self._beta, "badge")
        self._beta.setToolTip("The strength β that this run was trained with: reward = β · log-ratio")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(self.runs)
        row.addWidget(self.checkpoints)
        row.addWidget(self._beta)
        row.addStretch(1)
        row.addWidget(self.status)


class ScoringStatus(QWidget):
    """Quiet words about the scoring, with a thin bar and one button; hidden when there is nothing to say."""

    score_requested = Signal()
    stop_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words, self.bar, self.button = QLabel(), QProgressBar(), QPushButton()
        set_role(self.words, "secondary")
        set_role(self.button, "quiet")
        self.words.setFont(theme.figures())
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(theme.px(96))
        self.bar.setAccessibleName("Pairs scored")
        self._stops = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        for part in (self.words, self.bar, self.button):
            row.addWidget(part)
        self.button.clicked.connect(self._on_clicked)

    def show_state(self, state: InspectorState) -> None:
        scoring = state.phase == "scoring"
        partial = state.phase == "ready" and not state.complete and state.scored > 0
        self._stops = scoring or bool(state.elsewhere)
        if scoring:
            self._say(scoring_words(state), "Stop")
        elif state.elsewhere:
            self._say(state.elsewhere, "Stop")
        elif partial:
            self._say(f"{state.scored:,} of {count(state.total)} scored", "Score all")
        self.bar.setVisible(scoring)
        self.bar.setRange(0, state.total)
        self.bar.setValue(state.scored)
        self.setVisible(self._stops or partial)

    def _say(self, words: str, button: str) -> None:
        self.words.setText(words)
        self.button.setText(button)
        self.button.setAccessibleName("Stop scoring" if button == "Stop" else button)

    def _on_clicked(self) -> None:
        if self._stops:
            self.stop_requested.emit()
        else:
            self.score_requested.emit()


def scoring_words(state: InspectorState) -> str:
    """ "Scoring 12 of 48", or what has to happen before."""
    if state.scored or state.stage == "Scoring":
        return f"Scoring {state.scored:,} of {state.total:,}"
    return f"{state.stage}…"


def _run_words(entry: InspectableRun) -> str:
    return f"{entry.run.name}  ·  {entry.run.status}  ·  {count(entry.pairs)}"


def _checkpoint_words(name: str) -> str:
    if name == POLICY:
        return "Result"
    return f"Step {int(name.removeprefix('step-'))}"


def _fill(box: QComboBox, entries: list[tuple[str, int]] | list[tuple[str, str]]) -> None:
    """Replace a box's entries, unless they are the same, so that an open list stays open."""
    if [(box.itemText(row), box.itemData(row)) for row in range(box.count())] == entries:
        return
    box.clear()
    for words, data in entries:
        box.addItem(words, data)
