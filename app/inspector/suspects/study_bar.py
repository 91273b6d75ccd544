"""The row on top: which study is shown, how far one under way is, and the beginning of a new one."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from app.inspector.suspects.presenter import SuspectsState
from app.inspector.suspects.wording import progress_words, start_words, study_title
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from dpo_engine.suspects.folds import FEWEST, MOST

_FINE = 1000
"""Steps of the bar."""


class StudyBar(QWidget):
    """Shows a `SuspectsState`; emits what the person chose."""

    study_chosen = Signal(int)
    folds_chosen = Signal(int)
    start_requested = Signal()
    go_on_requested = Signal()
    stop_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.studies, self.folds = QComboBox(), QSpinBox()
        self.words, self.bar = QLabel(), QProgressBar()
        self.start, self.go_on, self.stop = (
            QPushButton("New study"),
            QPushButton("Go on"),
            QPushButton("Stop"),
        )
        self._folds_words = QLabel("Folds")
        self._shown: list[tuple[str, int]] = []
        self._describe(theme)
        self._lay_out()
        self.studies.activated.connect(lambda _row: self.study_chosen.emit(self.studies.currentData()))
        self.folds.valueChanged.connect(self.folds_chosen)
        self.start.clicked.connect(self.start_requested)
        self.go_on.clicked.connect(self.go_on_requested)
        self.stop.clicked.connect(self.stop_requested)

    def show_state(self, state: SuspectsState) -> None:
        working = state.phase in ("preparing", "running")
        self._show_studies(state)
        self.words.setText(progress_words(state) if working else start_words(state))
        self.bar.setVisible(working)
        if state.advance is None or not state.advance.fold:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, _FINE)
            self.bar.setValue(round(_FINE * state.advance.share))
        self.stop.setVisible(state.phase == "running")
        self.go_on.setVisible(state.goes_on)
        for part in (self.folds, self._folds_words):
            part.setVisible(state.phase in ("none", "ready"))
        self.start.setVisible(state.phase == "ready")  # where there is no study yet, the middle has a button
        self.words.setVisible(working or state.phase in ("none", "ready"))
        if self.folds.value() != state.folds:
            self.folds.setValue(state.folds)

    def _show_studies(self, state: SuspectsState) -> None:
        entries = [(study_title(one), one.id) for one in state.studies]
        if entries != self._shown:
            self._shown = entries
            self.studies.clear()
            for words, study_id in entries:
                self.studies.addItem(words, study_id)
        if state.shown is not None:
            self.studies.setCurrentIndex(self.studies.findData(state.shown.id))
        self.studies.setVisible(bool(entries))

    def _describe(self, theme: Theme) -> None:
        self.studies.setAccessibleName("Study")
        self.studies.setMinimumWidth(theme.px(200))
        self.studies.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.folds.setRange(FEWEST, MOST)
        self.folds.setAccessibleName("Folds")
        self.folds.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.folds.setFixedWidth(theme.px(56))
        self.folds.setToolTip(
            "So many trainings, each without its share of the prompts. More learn from more verdicts, and "
            "take longer."
        )
        self._folds_words.setBuddy(self.folds)
        set_role(self._folds_words, "secondary")
        set_role(self.words, "secondary")
        self.words.setFont(theme.figures())
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(theme.px(140))
        self.bar.setAccessibleName("How far the study is")
        self.stop.setAccessibleName("Stop the study")
        self.go_on.setAccessibleName("Go on with the study")
        set_role(self.go_on, "primary")

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(self.studies)
        row.addStretch(1)
        for part in (self.words, self.bar, self._folds_words, self.folds):
            row.addWidget(part)
        row.addSpacing(Space.XS)
        for button in (self.stop, self.go_on, self.start):
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            row.addWidget(button)
