"""A table for many rows of numbers: headings in two storeys, the first columns frozen, one frame.

Two `QTableView`s share model and selection; the left one holds the frozen columns, the right one the rest
and the keyboard. Rows have one height, so that a hundred thousand of them cost nothing to lay out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import (
    QAbstractItemModel,
    QCoreApplication,
    QEvent,
    QModelIndex,
    QObject,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QGridLayout,
    QHeaderView,
    QScrollBar,
    QTableView,
    QWidget,
)

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme

ROW_HEIGHT = 30
_INDENT = 11
"""From a cell's edge to its text: the style sheet's padding and Qt's own margin."""

_FROZEN_SHARE = 0.44
"""Of the table's width where not all columns fit: words need the room more than figures a scroll away."""


@dataclass(frozen=True, kw_only=True)
class Heading:
    title: str
    width: int
    """Pixels at 100 % text size; the widest frozen column grows when there is room."""
    group: str = ""
    """Neighbours of one group stand under a common heading."""
    right_aligned: bool = True
    frozen: bool = False


class DescribedColumn(Protocol):
    """What a table's own description of a column has in common with another's."""

    @property
    def title(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def group(self) -> str: ...
    @property
    def number(self) -> bool: ...
    @property
    def frozen(self) -> bool: ...


def headings_of(columns: Iterable[DescribedColumn]) -> list[Heading]:
    """Numbers are aligned to the right."""
    return [
        Heading(
            title=one.title, width=one.width, group=one.group, right_aligned=one.number, frozen=one.frozen
        )
        for one in columns
    ]


class NumberTable(QFrame):
    """Shows a model with one column a heading. Emits what the person did; sorting is the owner's business."""

    row_chosen = Signal(int)
    """Another row is current (also -1 for none)."""
    heading_clicked = Signal(int)

    def __init__(
        self,
        model: QAbstractItemModel,
        headings: Sequence[Heading],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("numberTable")
        self._headings = tuple(headings)
        self._theme = theme
        self._frozen, self._main = _View(self, "frozenColumns"), _View(self, "tableRows")
        self._frozen_header = _Header(self._headings, theme, self._frozen)
        self._main_header = _Header(self._headings, theme, self._main)
        self._frozen.setHorizontalHeader(self._frozen_header)
        self._main.setHorizontalHeader(self._main_header)
        self._frozen_header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._sideways = QScrollBar(Qt.Orientation.Horizontal, self)
        self._set_model(model)
        self._tie_views_together()
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    @property
    def view(self) -> QTableView:
        """The half that takes the keyboard."""
        return self._main

    def show_sort(self, column: int, *, descending: bool) -> None:
        """Mark a heading as the one that the rows are sorted by."""
        for header in (self._frozen_header, self._main_header):
            header.show_sort(column, descending=descending)

    def current_row(self) -> int:
        """-1 when there is none."""
        return self._main.currentIndex().row()

    def choose_row(self, row: int) -> None:
        """Make a row current and bring it into view; a row that does not exist clears the selection."""
        index = self._main.model().index(row, self._first_main_column())
        if index.isValid():
            self._main.setCurrentIndex(index)
            self._main.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)
        else:
            self._main.selectionModel().clear()
        self.row_chosen.emit(index.row())

    def selected_rows(self) -> list[int]:
        """From top to bottom."""
        selection = self._main.selectionModel().selection()
        spans = [selection.at(number) for number in range(selection.count())]
        return sorted({row for span in spans for row in range(span.top(), span.bottom() + 1)})

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _set_model(self, model: QAbstractItemModel) -> None:
        for view in (self._frozen, self._main):
            view.setModel(model)
        self._frozen.setSelectionModel(self._main.selectionModel())
        for column, heading in enumerate(self._headings):
            self._frozen.setColumnHidden(column, not heading.frozen)
            self._main.setColumnHidden(column, heading.frozen)

    def _tie_views_together(self) -> None:
        self._frozen.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._frozen.setFocusProxy(self._main)
        self._main.verticalScrollBar().valueChanged.connect(self._frozen.verticalScrollBar().setValue)
        # After a change of rows the frozen half learns its range later than the other one.
        self._frozen.verticalScrollBar().rangeChanged.connect(self._on_frozen_range_changed)
        inner = self._main.horizontalScrollBar()
        inner.rangeChanged.connect(self._on_sideways_range_changed)
        inner.valueChanged.connect(self._sideways.setValue)
        self._sideways.valueChanged.connect(inner.setValue)
        self._main.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        for header in (self._frozen_header, self._main_header):
            header.sectionClicked.connect(self.heading_clicked)
        self._main.installEventFilter(self)
        self._frozen.viewport().installEventFilter(self)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setSpacing(0)
        grid.setContentsMargins(0, 0, 0, 0)
        line = QFrame(self)
        line.setObjectName("frozenEdge")
        line.setFixedWidth(1)
        grid.addWidget(self._frozen, 0, 0)
        grid.addWidget(line, 0, 1, 2, 1)
        grid.addWidget(self._main, 0, 2)
        grid.addWidget(self._sideways, 1, 2)
        grid.setColumnStretch(2, 1)
        self._sideways.hide()
        self.setFocusProxy(self._main)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut) and watched is self._main:
            self.setProperty("focused", event.type() == QEvent.Type.FocusIn)
            self.style().unpolish(self)
            self.style().polish(self)
        if event.type() == QEvent.Type.KeyPress and watched is self._main and isinstance(event, QKeyEvent):
            return self._on_key_pressed(event)
        if event.type() == QEvent.Type.Wheel and watched is self._frozen.viewport():
            return QCoreApplication.sendEvent(self._main.viewport(), event)
        return super().eventFilter(watched, event)

    def _on_frozen_range_changed(self, _low: int, _high: int) -> None:
        self._frozen.verticalScrollBar().setValue(self._main.verticalScrollBar().value())

    def _on_key_pressed(self, event: QKeyEvent) -> bool:
        """Whole rows are selected, so that left and right are free to scroll sideways."""
        step = {Qt.Key.Key_Left: -80, Qt.Key.Key_Right: 80}.get(Qt.Key(event.key()))
        if step is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        self._sideways.setValue(self._sideways.value() + step)
        return True

    def _on_sideways_range_changed(self, low: int, high: int) -> None:
        self._sideways.setRange(low, high)
        self._sideways.setPageStep(self._main.horizontalScrollBar().pageStep())
        self._sideways.setSingleStep(self._main.horizontalScrollBar().singleStep())
        self._sideways.setVisible(high > low)

    def _on_current_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self.row_chosen.emit(current.row())

    def _on_theme_changed(self) -> None:
        height = self._theme.px(ROW_HEIGHT)
        for view in (self._frozen, self._main):
            view.setFont(self._theme.figures())
            view.verticalHeader().setMinimumSectionSize(height)
            view.verticalHeader().setDefaultSectionSize(height)
        for column, heading in enumerate(self._headings):
            view = self._frozen if heading.frozen else self._main
            view.setColumnWidth(column, self._theme.px(heading.width))
        self._share_width()

    def _share_width(self) -> None:
        """What the other columns leave over goes to the widest frozen one, and a fair share at the least."""
        frozen = [column for column, heading in enumerate(self._headings) if heading.frozen]
        if not frozen:
            return
        widest = max(frozen, key=lambda column: self._headings[column].width)
        least = self._theme.px(self._headings[widest].width)
        taken = sum(
            self._theme.px(heading.width) for column, heading in enumerate(self._headings) if column != widest
        )
        spare = self.contentsRect().width() - taken - self._main.verticalScrollBar().sizeHint().width() - 2
        beside = sum(self._frozen.columnWidth(column) for column in frozen if column != widest)
        width = max(least, spare, round(_FROZEN_SHARE * self.contentsRect().width()) - beside)
        self._frozen.setColumnWidth(widest, width)
        self._frozen.setFixedWidth(width + beside)

    def _first_main_column(self) -> int:
        return next((c for c, heading in enumerate(self._headings) if not heading.frozen), 0)


class _View(QTableView):
    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if name == "frozenColumns":
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def keyboardSearch(self, search: str) -> None:
        """Letters are the page's shortcuts; the search field is for searching."""


class _Header(QHeaderView):
    """Titles in the lower storey, what they have in common in the upper one."""

    def __init__(self, headings: Sequence[Heading], theme: Theme, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._all = tuple(headings)
        self._theme = theme
        self._sorted: int | None = None
        self._descending = False
        self.setSectionsClickable(True)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setMinimumSectionSize(theme.px(40))

    def show_sort(self, column: int, *, descending: bool) -> None:
        self._sorted, self._descending = column, descending
        self.viewport().update()

    def sizeHint(self) -> QSize:
        two_lines = 2 * self.fontMetrics().height()
        return QSize(super().sizeHint().width(), two_lines + 2 * Space.S)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:  # noqa: N803 (Qt's own name)
        heading = self._all[logicalIndex]
        painter.save()
        painter.setClipRect(rect)
        painter.fillRect(rect, self._theme.colour("surface"))
        painter.setPen(self._theme.colour("border"))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.setFont(self._theme.font(FontSize.CAPTION, weight=500))
        if heading.group:
            self._paint_group(painter, rect, logicalIndex)
        self._paint_title(painter, rect, logicalIndex)
        painter.restore()

    def _paint_group(self, painter: QPainter, rect: QRect, column: int) -> None:
        """Each section draws its part of the words that span the group."""
        whole = self._group_rect(column, rect)
        upper = QRect(whole.x(), rect.y(), whole.width(), rect.height() // 2)
        words = upper.adjusted(_INDENT, Space.XS, -_INDENT, 0)
        painter.setPen(self._theme.colour("border_strong"))
        painter.drawLine(words.left() + Space.L, words.bottom(), words.right(), words.bottom())
        painter.setPen(self._theme.colour("faint"))
        painter.drawText(
            words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._all[column].group
        )

    def _paint_title(self, painter: QPainter, rect: QRect, column: int) -> None:
        heading, is_sorted = self._all[column], column == self._sorted
        lower = QRect(rect.x(), rect.y() + rect.height() // 2, rect.width(), rect.height() // 2)
        words = lower.adjusted(_INDENT, 0, -_INDENT, -Space.XS)
        side = Qt.AlignmentFlag.AlignRight if heading.right_aligned else Qt.AlignmentFlag.AlignLeft
        painter.setPen(self._theme.colour("text" if is_sorted else "secondary"))
        painter.drawText(words, side | Qt.AlignmentFlag.AlignVCenter, heading.title)
        if is_sorted:
            self._paint_arrow(painter, words, heading)

    def _paint_arrow(self, painter: QPainter, words: QRect, heading: Heading) -> None:
        size = self._theme.px(12)
        wide = painter.fontMetrics().horizontalAdvance(heading.title) + Space.XS
        left = words.right() - wide - size + 1 if heading.right_aligned else words.left() + wide
        name = "chevron-down" if self._descending else "chevron-up"
        corner = QPoint(left, words.center().y() - size // 2 + 1)
        self._theme.icon(name, "accent").paint(painter, QRect(corner, QSize(size, size)))

    def _group_rect(self, column: int, rect: QRect) -> QRect:
        group = self._all[column].group
        members = [c for c, heading in enumerate(self._all) if heading.group == group]
        left = rect.x() + self.sectionPosition(members[0]) - self.sectionPosition(column)
        return QRect(left, rect.y(), sum(self.sectionSize(c) for c in members), rect.height())
