"""The Inspector: a row of figures for every pair of a run, and the selected pair for reading."""

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication, QHideEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.inspector.columns import COLUMNS, column_by_key, sort_values
from app.inspector.filters import FilterBar
from app.inspector.pair_pane import PairPane
from app.inspector.pair_table import PairTable, arrange
from app.inspector.presenter import InspectorPresenter, InspectorState
from app.inspector.summary import SummaryLines
from app.inspector.table_model import PairTableModel
from app.inspector.top_bar import TopBar, scoring_words
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.blank import Blank
from app.widgets.number_table import Heading, NumberTable

_PATIENCE_MS = 250
"""How long reading may take before the page says that it reads."""


class InspectorPage(QFrame):
    """Shows what its presenter holds. Sorting, filtering and the selection are the page's own."""

    train_page_requested = Signal()
    """There is nothing to inspect and the person wants to train."""

    def __init__(self, presenter: InspectorPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "page")
        self._presenter, self._theme = presenter, theme
        self._table_shown: PairTable | None = None
        self._sort_column, self._descending = column_by_key("number"), False
        self.top = TopBar(theme)
        self.filters = FilterBar(theme)
        self.summary = SummaryLines(theme)
        self.problem = QLabel()
        self.model = PairTableModel(theme, self)
        self.rows = NumberTable(self.model, _headings(), theme)
        self.pane = PairPane(theme)
        self.blank = Blank(theme)
        self._middle = QStackedWidget()
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._lay_out()
        self._actions = self._make_actions()
        self._connect()
        self.setFocusProxy(self.rows)
        self._on_presenter_changed()

    def actions(self) -> list[QAction]:
        """What the shell offers in its menu and command palette."""
        return list(self._actions.values())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._presenter.set_visible(False)

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        set_role(self.problem, "error")
        self.problem.setWordWrap(True)
        self.problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.rows.view.setAccessibleName("Pairs")
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.rows)
        splitter.addWidget(self.pane)
        splitter.setStretchFactor(0, 5)
        splitter.setStretchFactor(1, 4)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(Space.S)
        splitter.setSizes([560, 440])
        self.rows.setMinimumHeight(160)
        self.pane.setMinimumHeight(180)
        self._middle.addWidget(splitter)
        self._middle.addWidget(self.blank)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.L, Space.XL, Space.L)
        column.setSpacing(Space.M)
        for part in (self.top, self.problem, self.filters, self.summary):
            column.addWidget(part)
        column.addWidget(self._middle, 1)

    def _make_actions(self) -> dict[str, QAction]:
        described = (
            ("search", "Search pairs", "Ctrl+F", "search", self._on_search),
            ("sort", "Sort by…", "S", "arrow-down-up", self._on_sort_menu),
            ("reverse", "Reverse order", "Shift+S", "arrow-down-up", self._on_reverse),
            ("clear", "Show all pairs", "Ctrl+Shift+F", "list-filter", self.filters.clear),
            ("copy", "Copy selected pairs as a table", "Ctrl+C", "copy", self._on_copy),
            ("score", "Score pairs", "", "scale", self._presenter.score),
            ("stop", "Stop scoring", "", "circle-stop", self._presenter.cancel_scoring),
        )
        actions = {}
        for key, text, shortcut, icon, slot in described:
            action = QAction(self._theme.icon(icon), text, self)
            action.setObjectName(f"inspector.{key}")
            action.setProperty("icon_name", icon)
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(lambda _checked=False, call=slot: call())
            # A text that has the keyboard copies its own selection.
            (self.rows if key == "copy" else self).addAction(action)
            actions[key] = action
        return actions

    def _connect(self) -> None:
        presenter = self._presenter
        stop_listening = presenter.listen(self._on_presenter_changed)
        self.destroyed.connect(stop_listening)
        self.top.run_chosen.connect(presenter.choose_run)
        self.top.checkpoint_chosen.connect(presenter.choose_checkpoint)
        self.top.score_requested.connect(presenter.score)
        self.top.stop_requested.connect(presenter.cancel_scoring)
        self.filters.changed.connect(self._arrange)
        self.filters.left_downwards.connect(self.rows.view.setFocus)
        self.rows.heading_clicked.connect(self._on_heading_clicked)
        self.rows.row_chosen.connect(self._on_row_chosen)
        self.blank.pressed.connect(self._on_blank_pressed)
        self._patience.timeout.connect(self._show_middle)
        self._theme.changed.connect(self._on_theme_changed)

    # --- what the presenter says ------------------------------------------------------------------------

    def _on_presenter_changed(self) -> None:
        state = self._presenter.state
        self.top.show_state(state)
        self._actions["score"].setEnabled(state.target is not None and state.phase != "scoring")
        self._actions["stop"].setEnabled(state.phase == "scoring" or bool(state.elsewhere))
        if state.phase == "loading":
            # What was there stays until the answer is in, unless that takes long: no flicker.
            if not self._patience.isActive():
                self._patience.start()
            return
        self._patience.stop()
        if self._presenter.table is not self._table_shown:
            self._show_table(self._presenter.table)
        self._show_middle()

    def _show_table(self, table: PairTable) -> None:
        self._table_shown = table
        self.summary.show_table(table)
        self._arrange()

    def _show_middle(self) -> None:
        """The rows, or words where there are none."""
        state = self._presenter.state
        some = state.phase != "loading" and len(self._presenter.table) > 0
        self.filters.setVisible(some)
        if not some and not state.elsewhere:
            self.top.status.hide()
        self.summary.setVisible(some)
        self.problem.setText(state.message)
        self.problem.setVisible(some and bool(state.message))
        set_role(self.problem, "error" if state.phase == "failed" else "secondary")
        matched = self.model.rowCount() > 0
        if not some:
            _explain_empty(self.blank, state)
        elif not matched:
            self.blank.show_words(
                "search",
                "No pair matches",
                "Choose other filters or words.",
                button="Show all pairs",
                primary=False,
            )
        self._middle.setCurrentIndex(0 if some and matched else 1)

    def _on_blank_pressed(self) -> None:
        state = self._presenter.state
        if len(self._presenter.table) > 0:
            self.filters.clear()
            self.rows.setFocus()
        elif state.phase == "no_runs":
            self.train_page_requested.emit()
        elif state.phase == "scoring":
            self._presenter.cancel_scoring()
        else:
            self._presenter.retry()

    # --- sorting, filtering, selecting ------------------------------------------------------------------

    def _arrange(self) -> None:
        """Apply filters and order to the table; the selected pair stays selected while it is in."""
        if self._table_shown is None:
            return
        table, previous = self._table_shown, self._selected_pair()
        arranged = arrange(
            table,
            self.filters.wanted(descending=self._descending),
            sort_values(table, self._sort_column),
        )
        self.model.show(table, arranged.rows)
        held_out = int(table.held_out.sum())
        self.filters.show_counts([len(table), len(table) - held_out, held_out], arranged.cases)
        self.rows.show_sort(self._sort_column, descending=self._descending)
        self.rows.choose_row(max(0, self._row_of(table, previous)))
        self._show_middle()

    def _selected_pair(self) -> str | None:
        row = self.rows.current_row()
        return self.model.table.pairs[self.model.place(row)].pair if row >= 0 else None

    def _row_of(self, table: PairTable, pair: str | None) -> int:
        place = next((place for place, scored in enumerate(table.pairs) if scored.pair == pair), -1)
        return self.model.row_of(place)

    def _on_row_chosen(self, row: int) -> None:
        self.pane.show_pair(self.model.table, self.model.place(row) if row >= 0 else -1)

    def _on_heading_clicked(self, column: int) -> None:
        self._sort_by(column, descending=column == self._sort_column and not self._descending)

    def _sort_by(self, column: int, *, descending: bool) -> None:
        self._sort_column, self._descending = column, descending
        self._arrange()

    def _on_reverse(self) -> None:
        self._sort_by(self._sort_column, descending=not self._descending)

    def _on_sort_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        group = QActionGroup(menu)
        for number, column in enumerate(COLUMNS):
            action = group.addAction(menu.addAction(column.name))
            action.setCheckable(True)
            action.setChecked(number == self._sort_column)
            action.triggered.connect(
                lambda _checked=False, number=number: self._sort_by(number, descending=self._descending)
            )
            if action.isChecked():
                menu.setActiveAction(action)
        menu.popup(self.rows.mapToGlobal(QPoint(0, 0)))

    def _on_search(self) -> None:
        self.filters.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filters.search.selectAll()

    def _on_copy(self) -> None:
        rows = self.rows.selected_rows()
        if rows:
            QGuiApplication.clipboard().setText(self.model.as_tsv(rows))

    def _on_theme_changed(self) -> None:
        for action in self._actions.values():
            action.setIcon(self._theme.icon(action.property("icon_name")))


def _headings() -> list[Heading]:
    return [
        Heading(
            title=column.title,
            width=column.width,
            group=column.group,
            right_aligned=column.number,
            frozen=column.frozen,
        )
        for column in COLUMNS
    ]


def _explain_empty(blank: Blank, state: InspectorState) -> None:
    match state.phase:
        case "loading":
            blank.show_words("clock", "Reading the scores", "")
        case "no_runs" if state.training:
            blank.show_words(
                "graduation-cap",
                "A run is being trained",
                "Its pairs can be looked into as soon as it has saved its first checkpoint.",
                button="Go to Train",
            )
        case "no_runs":
            blank.show_words(
                "scan-search",
                "Nothing to inspect yet",
                "Train a run first. Then every pair stands here with its log-probs, rewards and margin.",
                button="Go to Train",
            )
        case "scoring":
            blank.show_words(
                "scale",
                scoring_words(state),
                "Each pair is read under the policy and under its reference. Rows appear as they are ready.",
                button="Stop",
                primary=False,
                progress=(state.scored, state.total),
            )
        case "failed":
            blank.show_words("circle-alert", "This did not work", state.message, button="Try again")
        case _:
            blank.show_words(
                "scale",
                "Not scored yet",
                "Scoring reads each pair under the policy and under its reference. You can go on working.",
                button="Score pairs",
            )
