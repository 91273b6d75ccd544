"""The pairs of a checkpoint: filters and means, the table with its pictures, the selected pair below."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QActionGroup, QFont, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.inspector.columns import COLUMNS, column_by_key, sort_values
from app.inspector.export import KINDS
from app.inspector.fallback_fonts import FallbackFonts
from app.inspector.filters import FilterBar
from app.inspector.ledger.marks import Target
from app.inspector.links import PairLink
from app.inspector.narrowing import Narrowing
from app.inspector.pair_pane import PairPane
from app.inspector.pair_table import Mask, PairTable, arrange
from app.inspector.path.points import PathPoint
from app.inspector.path.view import PathView
from app.inspector.presenter import InspectorPresenter
from app.inspector.summary import SummaryLines
from app.inspector.table_model import PairTableModel
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme
from app.store.records import ScoredPair
from app.widgets.blank import Blank
from app.widgets.number_table import NumberTable, headings_of

if TYPE_CHECKING:  # loaded when it is first shown
    from app.inspector.pictures.panel import PicturesPanel


class PairsView(QWidget):
    """Shows the presenter's table. Sorting, filtering and the selection are its own."""

    def __init__(self, presenter: InspectorPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presenter, self._theme = presenter, theme
        self._table = PairTable.empty()
        self._sort_column, self._descending = column_by_key("number"), False
        self._brushed: Mask | None = None
        self._read: ScoredPair | None = None
        self._points: tuple[PathPoint, ...] = ()
        self._before: PairTable | None = None
        self._before_of: Target | None = None
        self.narrowing = Narrowing(presenter, self._on_narrowed, self._on_courses_told)
        self._above = QSplitter(Qt.Orientation.Vertical, self)
        self._beside = QSplitter(Qt.Orientation.Horizontal, self._above)
        self._rows_or_nothing = QStackedWidget(self._beside)
        self.filters = FilterBar(theme, self)
        self.summary = SummaryLines(theme, self)
        self.model = PairTableModel(theme, self)
        self.rows = NumberTable(self.model, headings_of(COLUMNS), theme, self._rows_or_nothing)
        self.path = PathView(theme)
        self.pane = PairPane(theme, presenter.tokens, self.path, self._above)
        self.nothing = Blank(theme)
        self.pictures: PicturesPanel | None = None
        self.fonts = FallbackFonts(self._text_fonts, self)
        self._lay_out()
        self._connect()
        self.setFocusProxy(self.rows)

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.rows.view.setAccessibleName("Pairs")
        self.nothing.show_words(
            "search",
            "No pair matches",
            "Choose other filters or words.",
            button="Show all pairs",
            primary=False,
        )
        self._rows_or_nothing.addWidget(self.rows)
        self._rows_or_nothing.addWidget(self.nothing)
        self._beside.addWidget(self._rows_or_nothing)
        for splitter in (self._beside, self._above):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(Space.M if splitter is self._beside else Space.S)
        self._above.addWidget(self._beside)
        self._above.addWidget(self.pane)
        self._above.setStretchFactor(0, 5)
        self._above.setStretchFactor(1, 4)
        self._above.setSizes([560, 440])
        self.rows.setMinimumHeight(160)
        self.pane.setMinimumHeight(180)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.M)
        column.addWidget(self.filters)
        column.addWidget(self.summary)
        column.addWidget(self._above, 1)

    def _connect(self) -> None:
        self.filters.changed.connect(self.arrange)
        self.filters.search_wanted.connect(self.narrowing.search)
        self.filters.left_downwards.connect(self.rows.view.setFocus)
        self.rows.heading_clicked.connect(self._on_heading_clicked)
        self.rows.row_chosen.connect(self._on_row_chosen)
        self.nothing.pressed.connect(self.clear_filters)

    def _text_fonts(self) -> list[QFont]:
        """What prompts, responses and tokens are written in."""
        return [self._theme.figures(), self.pane.texts.chosen.text.font(), self._theme.font(FontSize.READING)]

    # --- what is shown --------------------------------------------------------------------------------

    def show_table(self, table: PairTable) -> None:
        """Another table, or the same one at another β; the selected pair stays selected while it is in."""
        if table is self._table:
            return
        self._table = table
        self.summary.show_table(table)
        self.pane.show_source(self._presenter.state.source)
        self.arrange()

    def follow(self) -> None:
        """More of the run is scored, or another one is looked at."""
        self.narrowing.follow()

    def show_pictures(self, shown: bool) -> None:
        if shown and self.pictures is None:
            from app.inspector.pictures.panel import PicturesPanel

            self.pictures = panel = PicturesPanel(self._theme)
            panel.brushed.connect(self._on_brushed)
            panel.pair_wanted.connect(self.choose_place)
            self._beside.addWidget(panel)
            self._beside.setStretchFactor(0, 3)
            self._beside.setStretchFactor(1, 2)
            self._beside.setSizes([620, 400])
        if self.pictures is not None:
            self.pictures.setVisible(shown)
        if shown:
            self._show_pictures_of(self._table)
        elif self.pictures is not None:
            self.pictures.clear()

    @property
    def pictures_shown(self) -> bool:
        return self.pictures is not None and self.pictures.isVisibleTo(self)

    def arrange(self) -> None:
        """Apply filters and order to the table and show the pictures of what passes."""
        self.filters.show_courses(self.narrowing.course_counts())
        self._show_pictures_of(self._table)
        self._show_rows()

    def _show_pictures_of(self, table: PairTable) -> None:
        if self.pictures_shown and self.pictures is not None:
            wanted = self.filters.wanted(masks=self._masks(brush=False), descending=False)
            self.pictures.show_pairs(
                table,
                arrange(table, wanted).rows,
                self._before_table(),
                picked_by_case=wanted.case is not None or self.filters.course is not None,
            )

    def _show_rows(self) -> None:
        """The rows that pass everything, in their order."""
        table, previous = self._table, self._selected_pair()
        arranged = arrange(
            table,
            self.filters.wanted(masks=self._masks(brush=True), descending=self._descending),
            sort_values(table, self._sort_column),
        )
        self.model.show(table, arranged.rows)
        held_out = int(table.held_out.sum())
        self.filters.show_counts([len(table), len(table) - held_out, held_out], arranged.cases)
        self.rows.show_sort(self._sort_column, descending=self._descending)
        self._rows_or_nothing.setCurrentIndex(0 if len(arranged.rows) or not len(table) else 1)
        place = table.place_of.get(previous, -1) if previous is not None else -1
        self.rows.choose_row(max(0, self.model.row_of(place)))

    def _masks(self, *, brush: bool) -> list[Mask]:
        masks = [self.narrowing.mask(self._table, self.filters.course)]
        masks.append(self._brushed if brush else None)
        return [mask for mask in masks if mask is not None and len(mask) == len(self._table)]

    def _before_table(self) -> PairTable | None:
        """The pairs at the run's earliest scored checkpoint, read when it is first wanted."""
        state = self._presenter.state
        scored = (
            []
            if state.selected is None
            else [name for name in state.selected.checkpoints if name in state.selected.marks]
        )
        if state.selected is None or len(scored) < 2 or scored[-1] == state.checkpoint:
            return None
        earliest = Target(state.selected.run.id, scored[-1])
        if earliest != self._before_of:
            self._before, self._before_of = None, earliest
            self._presenter.reading.table(
                state.selected, scored[-1], self._table, self._on_before_read, lambda _error: None
            )
        return self._before

    def _on_before_read(self, before: PairTable) -> None:
        self._before = before
        self._show_pictures_of(self._table)

    def _on_courses_told(self) -> None:
        """The history of the run was read: nothing else changes where no course is asked for."""
        if self.filters.course is None:
            self.filters.show_courses(self.narrowing.course_counts())
        else:
            self.arrange()

    def _on_narrowed(self) -> None:
        """What was searched for is found."""
        self.arrange()
        if (place := self.narrowing.found_place(self._table)) is not None:
            self.choose_place(place)

    def _on_brushed(self, mask: Mask | None) -> None:
        self._brushed = mask
        self._show_rows()

    # --- selecting --------------------------------------------------------------------------------------

    def choose_place(self, place: int) -> None:
        """Select the pair at this place of the table, where it passes the filters."""
        row = self.model.row_of(place)
        if row >= 0:
            self.rows.choose_row(row)

    def selected_place(self) -> int:
        """Of the selected pair in the table; -1 for none."""
        row = self.rows.current_row()
        return self.model.place(row) if row >= 0 else -1

    def _selected_pair(self) -> str | None:
        row = self.rows.current_row()
        return self.model.table.ids[self.model.place(row)] if row >= 0 else None

    def _on_row_chosen(self, row: int) -> None:
        place = self.model.place(row) if row >= 0 else -1
        if self.pictures is not None:
            self.pictures.mark(place)
        target = self._presenter.state.target
        if place < 0 or target is None:
            self._show_no_pair()
            return
        pair = self.model.table.ids[place]
        if self._read is not None and (self._read.pair, self._read.run_id, self._read.checkpoint) == (
            pair,
            *target,
        ):
            self._show_pair(place, self._read)
        else:
            self._presenter.reading.pair(
                target, pair, self._on_pair_read, lambda _error: self._show_no_pair()
            )
            self._read_path(pair)

    def _on_pair_read(self, pair: ScoredPair) -> None:
        self._read = pair
        place = self._table.place_of.get(pair.pair, -1)
        if place >= 0 and self._selected_pair() == pair.pair:
            self._show_pair(place, pair)

    def _show_pair(self, place: int, pair: ScoredPair) -> None:
        self.pane.show_pair(self._table, place, pair)
        self.path.show_path(self._points, self._table.figures.beta)

    def _show_no_pair(self) -> None:
        self._read, self._points = None, ()
        self.pane.show_pair(self._table, -1, None)
        self.path.show_path((), self._table.figures.beta)

    def _read_path(self, pair: str) -> None:
        entry = self._presenter.state.selected
        if entry is not None:
            self._presenter.reading.path(
                entry, pair, self._on_path_read, lambda _error: self._on_path_read(())
            )

    def _on_path_read(self, points: tuple[PathPoint, ...]) -> None:
        self._points = points
        self.path.show_path(points, self._table.figures.beta)

    # --- what a person does -----------------------------------------------------------------------------

    def clear_filters(self) -> None:
        if self.pictures is not None:
            self.pictures.clear()
        self._brushed = None
        self.filters.clear()
        self.rows.setFocus()

    def search(self) -> None:
        self.filters.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filters.search.selectAll()

    def reverse(self) -> None:
        self._sort_by(self._sort_column, descending=not self._descending)

    def copy_rows(self) -> None:
        rows = self.rows.selected_rows()
        if rows:
            QGuiApplication.clipboard().setText(self.model.as_tsv(rows))

    def copy_link(self) -> None:
        """Of the selected pair: pasted into the search field it finds the pair again."""
        pair, target = self._selected_pair(), self._presenter.state.target
        if pair is not None and target is not None:
            QGuiApplication.clipboard().setText(str(PairLink(target.run_id, pair)))

    def export_shown(self) -> None:
        self._export([self.model.place(row) for row in range(self.model.rowCount())])

    def export_all(self) -> None:
        self._export(range(len(self._table)))

    def _export(self, places: Sequence[int]) -> None:
        target, table = self._presenter.state.target, self._table
        if target is None or not places:
            return
        dialog = QFileDialog(self.window(), "Export pairs", str(Path.home()), ";;".join(KINDS.values()))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(f"pairs-{target.run_id}-{target.checkpoint}.csv")
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(
            lambda chosen: self._presenter.errands.export(Path(chosen), table, places, target.run_id)
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def show_sort_menu(self) -> None:
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

    def _on_heading_clicked(self, column: int) -> None:
        self._sort_by(column, descending=column == self._sort_column and not self._descending)

    def _sort_by(self, column: int, *, descending: bool) -> None:
        self._sort_column, self._descending = column, descending
        self._show_rows()
