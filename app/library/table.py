"""The table on screen: what is selected is remembered while the keyboard walks on, a million rows at once.

Arrows move, and what they stand on is selected. Space begins a selection: from then on arrows leave it as it
is, and Space takes a row in or out, until Esc ends it. The mouse selects with Ctrl and Shift as everywhere.
"""

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from app.library.columns import COLUMNS
from app.library.table_model import ROW_ROLE, LibraryTableModel
from app.library.table_rows import Span
from app.shell.palette import Space
from app.shell.theme import Theme
from app.store.library.table import LibraryRow
from app.widgets.number_table import NumberTable, headings_of

_MARKS = next(number for number, column in enumerate(COLUMNS) if column.key == "marks")
_BAR = 3
_NO_UPDATE = QItemSelectionModel.SelectionFlag.NoUpdate
_ROWS = QItemSelectionModel.SelectionFlag.Rows


class LibraryTable(NumberTable):
    """`selection_changed`: which rows an act would be done to is different now."""

    selection_changed = Signal()
    read_requested = Signal()
    search_requested = Signal()

    def __init__(self, model: LibraryTableModel, theme: Theme) -> None:
        super().__init__(model, headings_of(COLUMNS), theme)
        self._collecting = False
        self._moved = False
        self.view.setAccessibleName("Prompts, comparisons and verdicts")
        for view in self.findChildren(QTableView):
            view.setItemDelegateForColumn(0, _PromptDelegate(self, theme, view))
            view.setItemDelegateForColumn(_MARKS, _MarksDelegate(theme, view))
            view.setIconSize(QSize(theme.px(14), theme.px(14)))
        self.view.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.row_chosen.connect(lambda _row: self._repaint())

    @property
    def collecting(self) -> bool:
        """Several rows are selected, or Space began a selection: it stays while the keyboard moves."""
        return self._collecting

    def spans(self) -> list[Span]:
        """The selected rows, from top to bottom."""
        selection = self.view.selectionModel().selection()
        found = sorted(
            (selection.at(number).top(), selection.at(number).bottom()) for number in range(selection.count())
        )
        merged: list[Span] = []
        for first, last in found:
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return merged

    def selected_count(self) -> int:
        return sum(last - first + 1 for first, last in self.spans())

    def select_all(self) -> None:
        self._collecting = True
        current = self.view.currentIndex()
        self.view.selectAll()
        self.view.selectionModel().setCurrentIndex(current, _NO_UPDATE)

    def start_over(self, row: int) -> None:
        """The rows are other ones: nothing is selected but this one."""
        self._collecting = False
        self.choose_row(row)
        self.selection_changed.emit()

    def end_selection(self) -> None:
        """Only the row that the keyboard stands on is selected."""
        self.start_over(max(0, self.current_row()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.view and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._on_key(event) or super().eventFilter(watched, event)
        return super().eventFilter(watched, event)

    def _on_key(self, event: QKeyEvent) -> bool:
        key, plain = Qt.Key(event.key()), not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if not plain:
            return False
        match key:
            case Qt.Key.Key_Space:
                self._toggle()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.read_requested.emit()
            case Qt.Key.Key_Escape if self._collecting:
                self.end_selection()
            case _ if self._collecting and key in _STEPS:
                self._walk(_STEPS[key])
            case Qt.Key.Key_Home | Qt.Key.Key_End:
                self.choose_row(0 if key == Qt.Key.Key_Home else self.view.model().rowCount() - 1)
            case _:
                return False
        return True

    def _toggle(self) -> None:
        index = self.view.currentIndex()
        if not index.isValid():
            return
        if self._collecting:
            self.view.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Toggle | _ROWS)
        else:
            self._collecting = True
            self.view.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select | _ROWS)
        self._repaint()
        self.selection_changed.emit()

    def _walk(self, step: int) -> None:
        """Move on without touching what is selected."""
        model = self.view.model()
        row = self.current_row() + (step if abs(step) == 1 else self._page() * (1 if step > 0 else -1))
        if abs(step) > 1_000:
            row = 0 if step < 0 else model.rowCount() - 1
        index = model.index(min(max(row, 0), model.rowCount() - 1), self.view.currentIndex().column())
        if index.isValid():
            self.view.selectionModel().setCurrentIndex(index, _NO_UPDATE)
            self.view.scrollTo(index)

    def _page(self) -> int:
        return max(1, self.view.viewport().height() // max(1, self.view.rowHeight(0)) - 1)

    def _on_selection_changed(self) -> None:
        if self.selected_count() > 1:
            self._collecting = True
        elif self._collecting and not self.view.hasFocus():
            self._collecting = self.selected_count() > 0
        self._repaint()
        self.selection_changed.emit()

    def _repaint(self) -> None:
        for view in self.findChildren(QTableView):
            view.viewport().update()


_STEPS = {
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_PageUp: -100,
    Qt.Key.Key_PageDown: 100,
    Qt.Key.Key_Home: -1_000_000_000,
    Qt.Key.Key_End: 1_000_000_000,
}


class _PromptDelegate(QStyledItemDelegate):
    """The tick of a selected row, and a bar at the edge of the one that the keyboard stands on."""

    def __init__(self, table: LibraryTable, theme: Theme, parent: QTableView) -> None:
        super().__init__(parent)
        self._table, self._theme, self._view = table, theme, parent

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        if self._table.collecting and option.state & QStyle.StateFlag.State_Selected:
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
            option.icon = self._theme.icon("check", "accent")
            option.decorationSize = self._view.iconSize()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        if self._table.collecting and index.row() == self._table.current_row():
            bar = QRect(option.rect)
            bar.setWidth(_BAR)
            painter.fillRect(bar, self._theme.colour("accent"))


class _MarksDelegate(QStyledItemDelegate):
    """Flag, comment and edit as signs."""

    def __init__(self, theme: Theme, parent: QTableView) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        row: LibraryRow | None = index.data(ROW_ROLE)
        if row is None:
            return
        rect = QRect(option.rect)
        size, left = self._theme.px(14), rect.left() + Space.M
        for name, colour, marked in (
            ("flag", "warning", row.flagged),
            ("message-square", "secondary", row.commented),
            ("pen-line", "secondary", row.edited),
        ):
            if marked:
                place = QRect(left, rect.center().y() - size // 2 + 1, size, size)
                self._theme.icon(name, colour).paint(painter, place)
                left += size + Space.XS
