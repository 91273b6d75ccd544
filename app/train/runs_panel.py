"""The list of runs with what can be done with the selected one, and who writes the next candidates."""

from PySide6.QtCore import QItemSelection, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.runs_model import HEADINGS, RunsModel
from app.train.state import RunLine, TrainState

_WIDTHS = {"State": 168, "Method": 72, "Pairs": 76, "Steps": 88, "Margin": 76, "Started": 84}


class RunsPanel(QWidget):
    """Shows a `TrainState`; emits what the person chose."""

    run_selected = Signal(int)
    use_wanted = Signal()
    resume_wanted = Signal()
    folder_wanted = Signal()
    back_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.model = RunsModel(theme, self)
        self.table = QTableView()
        self._writer, self._message = QLabel(), QLabel()
        self.back = QPushButton("Back")
        self.use, self.resume = QPushButton("Use this policy"), QPushButton("Resume")
        self.folder = QPushButton("Open folder")
        self._showing = False
        self._lay_out()
        self._connect()
        self._restyle()

    def show_state(self, state: TrainState) -> None:
        self._showing = True
        self.model.show_lines(state.runs)
        row = self.model.row_of(state.selected)
        if row is None:
            self.table.clearSelection()
        elif self.table.currentIndex().row() != row or not self.table.selectionModel().hasSelection():
            self.table.selectRow(row)
        self._showing = False
        self._writer.setText(f"Candidates are written by {state.policy_title}" if state.policy_title else "")
        self.back.setVisible(state.back_to is not None)
        self.back.setText(f"Back to {state.back_to.title}" if state.back_to else "Back")
        self._show_line(
            state.selected_line, busy=state.progress is not None or state.preparing, said=state.problem
        )

    def _show_line(self, line: RunLine | None, *, busy: bool, said: str) -> None:
        message = line.run.message if line and line.phase is None and line.run.message != said else ""
        self._message.setText(message)
        set_role(self._message, "error" if line and line.run.status == "failed" else "secondary")
        self.use.setEnabled(line is not None and line.can_use)
        self.resume.setEnabled(line is not None and line.can_resume and not busy)
        self.folder.setEnabled(line is not None)

    def _lay_out(self) -> None:
        heading = QLabel("Runs")
        set_role(heading, "heading")
        set_role(self._writer, "caption")
        set_role(self.back, "quiet")
        self.back.setToolTip("Let the untrained model write the next candidates again")
        self._message.setWordWrap(True)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use.setToolTip("Let this run's policy write the next candidates (Ctrl+U)")
        self.resume.setToolTip("Go on from the run's last checkpoint (Ctrl+R)")
        self.folder.setToolTip("Show the run's folder in the file manager (Ctrl+Shift+O)")
        self._set_up_table()
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(heading)
        head.addStretch(1)
        head.addWidget(self._writer)
        head.addWidget(self.back)
        actions = QHBoxLayout()
        actions.setSpacing(Space.S)
        actions.addWidget(self._message, 1)
        for button in (self.resume, self.folder, self.use):
            actions.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, Space.S, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        column.addLayout(actions)

    def _set_up_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setAccessibleName("Runs")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def _connect(self) -> None:
        self.table.selectionModel().selectionChanged.connect(self._on_table_selection_changed)
        self.use.clicked.connect(self.use_wanted)
        self.resume.clicked.connect(self.resume_wanted)
        self.folder.clicked.connect(self.folder_wanted)
        self.back.clicked.connect(self.back_wanted)
        self._theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.table.verticalHeader().setDefaultSectionSize(self._theme.px(32))
        for heading, width in _WIDTHS.items():
            self.table.setColumnWidth(HEADINGS.index(heading), self._theme.px(width))
        self.resume.setIcon(self._theme.icon("rotate-cw"))
        self.folder.setIcon(self._theme.icon("folder-open"))
        self.use.setIcon(self._theme.icon("sparkles"))
        self.back.setIcon(self._theme.icon("undo-2"))

    def _on_table_selection_changed(self, selected: QItemSelection) -> None:
        if self._showing or not selected.indexes():
            return
        line = self.model.line(selected.indexes()[0].row())
        if line is not None:
            self.run_selected.emit(line.run.id)
