"""The row on top: which run, which checkpoint, at which β, and how far the scoring is."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from app.inspector.material import POLICY, InspectableRun
from app.inspector.state import InspectorState
from app.inspector.what_if import WhatIf
from app.inspector.wording import count
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.segments import Segments


class TopBar(QWidget):
    """Shows an `InspectorState`; emits what the person chose."""

    view_chosen = Signal(int)
    """0: the pairs; 1: suspect verdicts; 2: the loss explorer."""
    run_chosen = Signal(int)
    checkpoint_chosen = Signal(str)
    score_requested = Signal()
    stop_requested = Signal()

    def __init__(self, theme: Theme, *, with_suspects: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.views = Segments("View", ["Pairs", "Suspects", "Explorer"])
        self.runs, self.checkpoints = QComboBox(), QComboBox()
        self.what_if = WhatIf(theme)
        self.status = ScoringStatus(theme)
        self._shown: tuple[InspectableRun, ...] = ()
        self._state = InspectorState()
        self._lay_out(theme)
        self.views.button(1).setVisible(with_suspects)
        self.views.chosen.connect(self._on_view_chosen)
        self.runs.activated.connect(lambda _row: self.run_chosen.emit(self.runs.currentData()))
        self.checkpoints.activated.connect(
            lambda _row: self.checkpoint_chosen.emit(self.checkpoints.currentData())
        )
        self.status.score_requested.connect(self.score_requested)
        self.status.stop_requested.connect(self.stop_requested)

    def view(self) -> int:
        return self.views.choice()

    def show_state(self, state: InspectorState) -> None:
        self._state = state
        if state.runs != self._shown:
            self._shown = state.runs
            _fill(self.runs, [(_run_words(entry), entry.run.id) for entry in state.runs])
        selected = state.selected
        for part in (self.runs, self.checkpoints, self.what_if):
            part.setVisible(selected is not None and self.view() == 0)
        if selected is not None:
            self.runs.setCurrentIndex(self.runs.findData(selected.run.id))
            _fill(
                self.checkpoints, [(_checkpoint_words(selected, name), name) for name in selected.checkpoints]
            )
            self.checkpoints.setCurrentIndex(self.checkpoints.findData(state.checkpoint))
            self.what_if.show_beta(selected.run.beta, state.what_if)
        self.status.show_state(state)

    def _on_view_chosen(self, view: int) -> None:
        self.show_state(self._state)
        self.view_chosen.emit(view)

    def _lay_out(self, theme: Theme) -> None:
        self.runs.setAccessibleName("Run")
        self.checkpoints.setAccessibleName("Checkpoint")
        self.runs.setMinimumWidth(theme.px(160))
        self.runs.setMaximumWidth(theme.px(440))
        self.runs.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.runs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.checkpoints.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(self.views)
        row.addSpacing(Space.XS)
        row.addWidget(self.runs)
        row.addWidget(self.checkpoints)
        row.addSpacing(Space.S)
        row.addWidget(self.what_if)
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
            self._say("Scoring in the background", "Stop", tip=state.elsewhere)
        elif partial:
            self._say(f"{state.scored:,} of {count(state.total)} scored", "Score all")
        self.bar.setVisible(scoring)
        self.bar.setRange(0, state.total)
        self.bar.setValue(state.scored)
        self.setVisible(self._stops or partial)

    def _say(self, words: str, button: str, tip: str = "") -> None:
        self.words.setText(words)
        self.words.setToolTip(tip)
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
    status = entry.run.status if entry.trained else "scored, not trained"
    return f"{entry.run.name}  ·  {status}  ·  {count(entry.pairs)}"


def _checkpoint_words(entry: InspectableRun, name: str) -> str:
    """ "Step 40", with how far it is scored where that is not all."""
    words = "Result" if name == POLICY else f"Step {entry.step(name):,}"
    mark = entry.marks.get(name)
    if mark is None:
        return f"{words}  ·  not scored"
    return words if mark.complete else f"{words}  ·  {mark.pairs:,} of {entry.pairs:,} scored"


def _fill(box: QComboBox, entries: list[tuple[str, int]] | list[tuple[str, str]]) -> None:
    """Replace a box's entries, unless they are the same, so that an open list stays open."""
    if [(box.itemText(row), box.itemData(row)) for row in range(box.count())] == entries:
        return
    box.clear()
    for words, data in entries:
        box.addItem(words, data)
