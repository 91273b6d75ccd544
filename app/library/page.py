"""The Library: a table over everything, what it shows as chips, the row under the keyboard for reading."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.library.act_bar import ActBar
from app.library.actions import ACTIONS
from app.library.columns import COLUMNS
from app.library.filter_bar import FilterBar
from app.library.presenter import LibraryPresenter
from app.library.reading_pane import ReadingPane
from app.library.state import LibraryState
from app.library.table import LibraryTable
from app.library.table_model import LibraryTableModel
from app.shell.keymap import Keymap
from app.shell.page_actions import add_page_actions, keyed_tip
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.library.filters import Filter, Sort, SortKey
from app.widgets.blank import Blank
from app.widgets.segments import Segments

_BESIDE_FROM = 1_700
"""Pixels at 100 % text size from which what is read stands beside the rows."""
_READ_AFTER_MS = 30
"""While a key is held down nothing is read."""


class LibraryPage(QFrame):
    """Shows what its presenter holds; selection and focus are its own."""

    judge_requested = Signal(int)
    """Show this comparison where verdicts are given."""
    annotate_requested = Signal()
    """There is nothing here yet: go where verdicts are given."""
    import_requested = Signal()
    export_requested = Signal(object)
    """The `Filter` of what is shown."""
    merge_requested = Signal()
    agreement_requested = Signal()
    """Show how far annotators agree, and what they dispute."""

    def __init__(
        self, presenter: LibraryPresenter, theme: Theme, keymap: Keymap, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_role(self, "page")
        self._presenter, self._theme = presenter, theme
        self._key: int | None = None
        self._place = 0
        self.filters, self.acts = FilterBar(theme), ActBar(theme)
        self.views = Segments("View", ["Rows", "Figures"])
        self.model = LibraryTableModel(presenter.rows, theme, self)
        self.table = LibraryTable(self.model, theme)
        self.pane, self.blank = ReadingPane(theme), Blank(theme)
        self.exchange: dict[str, QToolButton] = {}
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._middle = QStackedWidget()
        self._figures: QWidget | None = None
        self._read_soon = QTimer(self, singleShot=True, interval=_READ_AFTER_MS)
        self._lay_out()
        self._actions = self._make_actions(keymap)
        keyed_tip(self.pane.judge, self._actions["judge"])
        self._connect()
        self.setFocusProxy(self.table)
        self._on_state_changed()

    def actions(self) -> list[QAction]:
        """What the shell offers in its command palette."""
        return list(self._actions.values())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._presenter.set_visible(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = self.width() >= self._theme.px(_BESIDE_FROM)
        way = Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical
        if way != self._splitter.orientation():
            self._splitter.setOrientation(way)
            self._splitter.setSizes([580, 420] if beside else [480, 520])

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._splitter.addWidget(self.table)
        self._splitter.addWidget(self.pane)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(Space.M)
        self._splitter.setSizes([480, 520])
        self.table.setMinimumHeight(self._theme.px(140))
        self.pane.setMinimumHeight(self._theme.px(200))
        self.pane.setMinimumWidth(self._theme.px(360))
        for key, text, tip in (
            ("import", "Import…", "Import prompts, comparisons and verdicts"),
            ("export", "Export…", "Export the verdicts that are shown"),
            ("merge", "Merge…", "Merge another project file"),
        ):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            set_role(button, "quiet")
            self.exchange[key] = button
        top = QHBoxLayout()
        top.setSpacing(Space.S)
        top.addWidget(self.filters, 1)
        top.addWidget(self.views)
        for button in self.exchange.values():
            top.addWidget(button)
        self._middle.addWidget(self._splitter)
        self._middle.addWidget(self.blank)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.L, Space.XL, Space.L)
        column.setSpacing(Space.S)
        column.addLayout(top)
        column.addWidget(self.filters.chips)
        column.addWidget(self.acts)
        column.addWidget(self._middle, 1)

    def _make_actions(self, keymap: Keymap) -> dict[str, QAction]:
        handlers: dict[str, Callable[[], object]] = {
            "search": self._on_search,
            "filter": self.filters.show_facets,
            "clear": self._presenter.clear_filter,
            "save": self.filters.ask_for_name,
            "all": self.table.select_all,
            "comment": self._on_comment,
            "judge": self.pane.judge.click,
            "sort": self._on_sort_menu,
            "reverse": self._on_reverse,
            "figures": lambda: self.views.choose(1 - self.views.choice()),
            "refresh": self._presenter.refresh,
            "tag": lambda: self.acts.ask_for_tags("tag"),
            "untag": lambda: self.acts.ask_for_tags("untag"),
        }
        for act in ("flag", "hold_out", "train_on", "ask_again", "delete", "restore"):
            handlers[act] = partial(self._on_act_wanted, act, [])
        return add_page_actions(self, ACTIONS, self._theme, keymap, handlers, {"rows": self.table})

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen(self._on_state_changed))
        presenter.listen_to_rows(self._on_rows_changed, self.model.fill)
        self.filters.filter_wanted.connect(self._on_filter_wanted)
        self.filters.save_wanted.connect(presenter.save_filter)
        self.filters.delete_wanted.connect(presenter.delete_filter)
        self.filters.left_downwards.connect(self.table.view.setFocus)
        self.acts.wanted.connect(self._on_act_wanted)
        self.acts.undo_wanted.connect(presenter.undo)
        self.acts.selection_left.connect(self.table.end_selection)
        self.table.row_chosen.connect(self._on_row_chosen)
        self.table.heading_clicked.connect(self._on_heading_clicked)
        self.table.selection_changed.connect(self._on_selection_changed)
        self.table.read_requested.connect(self.pane.take_focus)
        self.pane.left.connect(self.table.view.setFocus)
        self.pane.judge_requested.connect(self.judge_requested)
        self.pane.comment_changed.connect(presenter.set_comment)
        self.blank.pressed.connect(self._on_blank_pressed)
        self.views.chosen.connect(self._on_view_chosen)
        self._read_soon.timeout.connect(lambda: presenter.read(self._key))
        self.exchange["import"].clicked.connect(self.import_requested)
        self.exchange["export"].clicked.connect(self._on_export)
        self.exchange["merge"].clicked.connect(self.merge_requested)

    # --- what the presenter says --------------------------------------------------------------------

    def _on_state_changed(self) -> None:
        state = self._presenter.state
        self.filters.show_state(state)
        self.acts.show_state(state)
        self.pane.found.look_for(state.filter.text)
        if state.reading is None or state.reading.key == self._key:
            self.pane.show_reading(state.reading)
        self._show_sort(state.sort)
        self._show_middle(state)

    def _on_rows_changed(self) -> None:
        if self.model.take_rows():
            place = self._presenter.rows.place_of(self._key) if self._key is not None else -1
            last = self.model.rowCount() - 1
            self.table.start_over(place if place >= 0 else min(self._place, last))
        self._on_selection_changed()
        self._show_middle(self._presenter.state)

    def _show_middle(self, state: LibraryState) -> None:
        """The rows, or words where there are none; or the figures, which are of the whole project."""
        figures = self._figures if self.views.choice() == 1 else None
        self.acts.setVisible(figures is None)
        self.filters.show_chips(figures is None)
        if figures is not None:
            self._middle.setCurrentWidget(figures)
            return
        none = self.model.rowCount() == 0
        if none:
            _explain_empty(self.blank, state)
        self._middle.setCurrentWidget(self.blank if none else self._splitter)

    def _on_blank_pressed(self) -> None:
        state = self._presenter.state
        if state.phase == "failed":
            self._presenter.refresh()
        elif not state.filter.is_empty:
            self._presenter.clear_filter()
            self.table.view.setFocus()
        else:
            self.annotate_requested.emit()

    # --- rows ---------------------------------------------------------------------------------------

    def _on_filter_wanted(self, wanted: Filter) -> None:
        # Another question: its answer begins at the top, and figures are of everything.
        self._place = 0
        self.views.choose(0)
        self._presenter.set_filter(wanted)

    def _on_row_chosen(self, row: int) -> None:
        self._key = int(self._presenter.rows.keys[row]) if 0 <= row < self.model.rowCount() else None
        self._place = max(row, 0)
        self._read_soon.start()

    def _on_selection_changed(self) -> None:
        complete = self._presenter.rows.complete
        selected = self.table.selected_count()
        self.acts.show_selection(selected, complete=complete, several=self.table.collecting)

    def _on_act_wanted(self, act: str, tags: list[str]) -> None:
        spans = self.table.spans()
        presenter = self._presenter
        if act in ("tag", "untag"):
            (presenter.tag if act == "tag" else presenter.untag)(spans, tags)
        elif act == "flag":
            # As one would with a single row: off where all that can be seen of them are flagged.
            known = [self.model.row(place) for first, last in spans for place in range(first, last + 1)[:200]]
            presenter.flag(spans, not all(row is not None and row.flagged for row in known))
        else:
            getattr(presenter, act)(spans)

    def _on_heading_clicked(self, column: int) -> None:
        key = COLUMNS[column].sort
        if key is not None:
            sort = self._presenter.state.sort
            self._presenter.set_sort(
                Sort(key=key, descending=not sort.descending if key == sort.key else True)
            )

    def _show_sort(self, sort: Sort) -> None:
        column = next(number for number, column in enumerate(COLUMNS) if column.sort == sort.key)
        self.table.show_sort(column, descending=sort.descending)

    def _on_reverse(self) -> None:
        sort = self._presenter.state.sort
        self._presenter.set_sort(Sort(key=sort.key, descending=not sort.descending))

    def _on_sort_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        group = QActionGroup(menu)
        sort = self._presenter.state.sort
        for column in COLUMNS:
            if column.sort is None:
                continue
            action = group.addAction(menu.addAction(column.title))
            action.setCheckable(True)
            action.setChecked(column.sort == sort.key)
            action.triggered.connect(lambda _=False, key=column.sort: self._sort_by(key))
            if action.isChecked():
                menu.setActiveAction(action)
        menu.popup(self.table.mapToGlobal(QPoint(0, 0)))

    def _sort_by(self, key: SortKey) -> None:
        self._presenter.set_sort(Sort(key=key, descending=self._presenter.state.sort.descending))

    # --- other keys ---------------------------------------------------------------------------------

    def _on_search(self) -> None:
        self.filters.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filters.search.selectAll()

    def _on_comment(self) -> None:
        if self.pane.details.comment.isVisible():
            self.pane.details.comment.setFocus()

    def _on_export(self) -> None:
        self.export_requested.emit(self._presenter.state.filter)

    def _on_view_chosen(self, number: int) -> None:
        if number == 0:
            self._presenter.hide_statistics()
            self._show_middle(self._presenter.state)
            return
        if self._figures is None:
            # Brings in pyqtgraph, which the rows do not need.
            from app.library.figures import Figures

            QGuiApplication.setOverrideCursor(Qt.CursorShape.BusyCursor)
            figures = Figures(self._presenter, self._theme)
            QGuiApplication.restoreOverrideCursor()
            figures.filter_wanted.connect(self._on_filter_wanted)
            figures.agreement_requested.connect(self.agreement_requested)
            self._figures = figures
            self._middle.addWidget(figures)
        self._presenter.show_statistics()
        self._show_middle(self._presenter.state)


def _explain_empty(blank: Blank, state: LibraryState) -> None:
    if state.phase == "failed":
        blank.show_words("circle-alert", "The rows cannot be read", state.problem, button="Try again")
    elif state.phase == "loading":
        blank.show_words("clock", "Reading the rows", "")
    elif not state.filter.is_empty:
        blank.show_words(
            "search",
            "No row matches",
            "Choose other filters or words.",
            button="Show all rows",
            primary=False,
        )
    else:
        blank.show_words(
            "library",
            "Nothing here yet",
            "Every prompt, comparison and verdict of this project will stand here. "
            "Type a prompt on Annotate, or import a file.",
            button="Go to Annotate",
        )
