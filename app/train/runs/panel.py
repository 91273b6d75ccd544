"""The list of runs with what can be done with the selected one, and who writes the next candidates."""

from collections.abc import Mapping

from PySide6.QtCore import QItemSelection, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.runs.listing import trash_words
from app.train.runs.model import COLUMNS, NOTE, RUN, RunsModel
from app.train.runs.notice_line import NoticeLine
from app.train.state import TrainState
from app.widgets.search_field import SearchField

_MENU = (
    *("use", "resume", "earlier", "later", "leave", ""),
    *("note", "pin", "compare", "band", "differ", ""),
    *("verdicts", "written", "folder", "", "delete", "empty", "", "awake", "notify"),
)
"""What is offered for the selected run; an empty name is a line."""


class RunsPanel(QWidget):
    """Shows a `TrainState`; emits what the person chose."""

    run_selected = Signal(int)
    compare_wanted = Signal(int, bool)
    note_written = Signal(int, str)
    search_changed = Signal(str)
    undo_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.model = RunsModel(theme, self)
        self.table = QTableView()
        self.search = SearchField(
            theme, tip="Words of a run's name, note, state or settings", narrowest=120, widest=220
        )
        self._writer = QLabel()
        self.notice = NoticeLine(theme)
        self.back, self.trash = QPushButton("Back"), QPushButton("Trash")
        self.use, self.resume = QPushButton("Use this policy"), QPushButton("Resume")
        self.more = QToolButton()
        self.menu = QMenu(self)
        self._showing = False
        self._lay_out()
        self._connect()
        self._restyle()

    def set_actions(self, actions: Mapping[str, QAction]) -> None:
        """Those of the page, by name: what the buttons and the menu do."""
        for name in _MENU:
            if name:
                self.menu.addAction(actions[name])
            else:
                self.menu.addSeparator()
        for button, name in (
            (self.use, "use"),
            (self.resume, "resume"),
            (self.back, "untrained"),
            (self.trash, "empty"),
        ):
            button.clicked.connect(actions[name].trigger)
            actions[name].enabledChanged.connect(button.setEnabled)
            button.setEnabled(actions[name].isEnabled())

    def show_state(self, state: TrainState) -> None:
        self._showing = True
        self.model.show_lines(state.listed)
        row = self.model.row_of(state.selected)
        if row is None:
            self.table.clearSelection()
        elif self.table.currentIndex().row() != row or not self.table.selectionModel().hasSelection():
            self.table.selectRow(row)
        self._showing = False
        self._writer.setText(f"Candidates are written by {state.policy_title}" if state.policy_title else "")
        self.back.setVisible(state.back_to is not None)
        self.back.setToolTip(f"Back to {state.back_to.title}" if state.back_to else "")
        sizes = [
            state.desk.facts[run.folder].size or 0
            for run in state.desk.trash
            if run.folder in state.desk.facts
        ]
        self.trash.setVisible(bool(state.desk.trash))
        self.trash.setText("Emptying…" if state.desk.emptying else f"Trash: {trash_words(sizes)}")
        self.resume.setText("Resume later" if state.progress is not None else "Resume")
        line = state.selected_line
        message = line.run.message if line and line.phase is None and not line.place else ""
        self.notice.show_line(
            state.desk.notice,
            message if message != state.problem else "",
            failed=line is not None and line.run.status == "failed",
        )

    def start_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def edit_note(self) -> None:
        """Open the field for the selected run's note, in its place."""
        row = self.table.currentIndex().row()
        if row >= 0:
            self.table.edit(self.model.index(row, NOTE))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._choose_columns()

    def _lay_out(self) -> None:
        heading = QLabel("Runs")
        set_role(heading, "heading")
        set_role(self._writer, "caption")
        for button in (self.back, self.trash):
            set_role(button, "quiet-small")
        self.search.setPlaceholderText("Search runs")
        self.search.setAccessibleName("Search runs")
        self.use.setToolTip("Let this run's policy write the next candidates")
        self.resume.setToolTip("Go on from the run's last checkpoint (Ctrl+R)")
        self.trash.setToolTip("Empty the trash of runs…")
        self.more.setText("More")
        self.more.setToolTip("What else can be done with the selected run")
        self.more.setMenu(self.menu)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._set_up_table()
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(heading)
        head.addSpacing(Space.S)
        head.addWidget(self.search, 1)
        head.addStretch(1)
        head.addWidget(self._writer)
        head.addWidget(self.back)
        head.addWidget(self.trash)
        foot = QHBoxLayout()
        foot.setSpacing(Space.S)
        foot.addWidget(self.notice, 1)
        for part in (self.resume, self.use, self.more):
            foot.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, Space.S, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        column.addLayout(foot)

    def _set_up_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setAccessibleName("Runs")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(NOTE, QHeaderView.ResizeMode.Stretch)

    def _connect(self) -> None:
        self.table.selectionModel().selectionChanged.connect(self._on_table_selection_changed)
        self.table.customContextMenuRequested.connect(self._on_menu_wanted)
        self.model.note_written.connect(self.note_written)
        self.model.compare_wanted.connect(self.compare_wanted)
        self.search.textChanged.connect(self.search_changed)
        self.search.left.connect(self.table.setFocus)
        self.notice.undo_wanted.connect(self.undo_wanted)
        self._theme.changed.connect(self._restyle)

    def _choose_columns(self) -> None:
        """What there is room for: the others are in the run's details."""
        width = self.width() / self._theme.scale
        for number, column in enumerate(COLUMNS):
            self.table.setColumnHidden(number, width < column.from_width)
        # Long names have room where there is some.
        name = min(3 * COLUMNS[RUN].width, max(COLUMNS[RUN].width, width // 4))
        self.table.setColumnWidth(RUN, self._theme.px(round(name)))

    def _restyle(self) -> None:
        self.table.verticalHeader().setDefaultSectionSize(self._theme.px(32))
        for number, column in enumerate(COLUMNS):
            if column.width:
                self.table.setColumnWidth(number, self._theme.px(column.width))
        self._choose_columns()
        self.search.show_icon()
        self.resume.setIcon(self._theme.icon("rotate-cw"))
        self.use.setIcon(self._theme.icon("sparkles"))
        self.back.setIcon(self._theme.icon("undo-2"))
        self.trash.setIcon(self._theme.icon("trash-2"))

    def _on_menu_wanted(self, at: QPoint) -> None:
        self.menu.popup(self.table.viewport().mapToGlobal(at))

    def _on_table_selection_changed(self, selected: QItemSelection) -> None:
        if self._showing or not selected.indexes():
            return
        line = self.model.line(selected.indexes()[0].row())
        if line is not None:
            self.run_selected.emit(line.run.id)
