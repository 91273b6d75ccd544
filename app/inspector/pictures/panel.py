"""The four pictures of the pairs, linked: a brush in one filters the table and stands out in the others."""

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.inspector.pair_table import Mask, PairTable, Rows
from app.inspector.pictures.brush import Brush, Brushed, Kind, coordinates
from app.inspector.pictures.calibration_drawing import CalibrationDrawing
from app.inspector.pictures.card import PictureCard
from app.inspector.pictures.drawing import Drawing
from app.inspector.pictures.length_drawing import LengthDrawing
from app.inspector.pictures.material import Columns, no_pairs
from app.inspector.pictures.movement_drawing import MovementDrawing
from app.inspector.pictures.selection import Region
from app.inspector.pictures.source import ColumnSource
from app.inspector.pictures.spread_drawing import SpreadDrawing
from app.inspector.wording import count
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_TWO_COLUMNS_FROM, _CARD_HEIGHT = 600, 270
_MANY = 20_000
"""From so many pairs on each picture is worked out in a turn of the event loop of its own."""
_AT_MOST_EVERY_MS = 30
"""Between two filterings while a brush is drawn."""
_HINT = "Drag over a picture to see only those pairs; Shift draws freely."


class PicturesPanel(QWidget):
    """Shows the pairs it is given; computes nothing while it is hidden but which pairs a brush holds."""

    brushed = Signal(object)
    """A mask over all places of the table, or None: another set of pairs is brushed."""
    pair_wanted = Signal(int)
    """The place in the table of a pair that was clicked."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._source = ColumnSource()
        self._table: PairTable | None = None
        self._rows: Rows = np.empty(0, dtype=np.intp)
        self._before: PairTable | None = None
        self._columns: Columns | None = None
        self._brush: Brush | None = None
        self._mask: Mask | None = None
        self._marked = -1
        self._picked_by_case = False
        self._stale = False
        drawings: tuple[Drawing, ...] = (
            SpreadDrawing(),
            MovementDrawing(),
            LengthDrawing(),
            CalibrationDrawing(),
        )
        self.cards = {drawing.kind: PictureCard(drawing, theme) for drawing in drawings}
        self.words, self.clear_button = QLabel(_HINT), QToolButton()
        self._pace = QTimer(self, singleShot=True, interval=_AT_MOST_EVERY_MS)
        self._to_show: tuple[Columns, Brushed | None] = (no_pairs(), None)
        self._waiting: list[PictureCard] = []
        self._turns = QTimer(self, interval=0)
        self._lay_out()
        self._connect()
        self._on_theme_changed()

    def show_pairs(
        self,
        table: PairTable,
        rows: Rows,
        before: PairTable | None = None,
        *,
        picked_by_case: bool = False,
    ) -> None:
        """Draw the pairs of the table at these places: all that pass its other filters, in any order.

        `before`: another checkpoint, its pairs matched by id; None: the untrained model. `picked_by_case`: a
        filter leaves some cases out. A brush stays where it was drawn, unless the table is of other pairs.
        """
        if self._brush is not None and self._table is not None and not _share_pairs(self._table, table):
            self._set_brush(None)
        self._table, self._rows, self._before = table, rows, before
        self._picked_by_case = picked_by_case
        self._columns = None
        self._refresh()

    def clear(self) -> None:
        """Take the brush away."""
        self._set_brush(None)
        self._refresh()

    def mark(self, place: int) -> None:
        """Ring the pair at this place of the table; -1: none."""
        self._marked = place
        self._show_mark()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(420), self._theme.px(600))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._brush is not None:
            self.clear()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._arrange_cards()
        return super().eventFilter(watched, event)

    # --- building -----------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        set_role(self.words, "caption")
        self.words.setWordWrap(True)
        self.clear_button.setText("Show all")
        self.clear_button.setToolTip("Take the brush away (Esc)")
        self.clear_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_role(self.clear_button, "quiet-small")
        self.clear_button.hide()
        head = QHBoxLayout()
        # As high with the button as without it.
        head.addStrut(self.clear_button.sizeHint().height())
        head.setSpacing(Space.S)
        head.addWidget(self.words, 1)
        head.addWidget(self.clear_button)
        body = QFrame()
        self._grid = QGridLayout(body)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(Space.M)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(body)
        self.area.viewport().installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(head)
        column.addWidget(self.area, 1)
        self._columns_shown = 0
        self._arrange_cards()

    def _connect(self) -> None:
        for kind, card in self.cards.items():
            card.canvas.region_wanted.connect(lambda region, kind=kind: self._on_region_wanted(kind, region))
            card.canvas.clicked_in.connect(lambda region, kind=kind: self._on_clicked_in(kind, region))
        self.clear_button.clicked.connect(self.clear)
        self._pace.timeout.connect(self._refresh)
        self._turns.timeout.connect(self._show_next)
        self._theme.changed.connect(self._on_theme_changed)

    def _arrange_cards(self) -> None:
        columns = 2 if self.area.viewport().width() >= self._theme.px(_TWO_COLUMNS_FROM) else 1
        if columns == self._columns_shown:
            return
        self._columns_shown = columns
        for number, card in enumerate(self.cards.values()):
            card.setMinimumHeight(self._theme.px(_CARD_HEIGHT))
            self._grid.addWidget(card, number // columns, number % columns)
        for number in range(2):
            self._grid.setColumnStretch(number, 1 if number < columns else 0)

    # --- brushing -----------------------------------------------------------------------------------------

    def _on_region_wanted(self, kind: Kind, region: Region | None) -> None:
        self._set_brush(None if region is None else Brush(kind, region))
        if region is None:
            self._refresh()
        elif not self._pace.isActive():
            self._pace.start()

    def _set_brush(self, brush: Brush | None) -> None:
        self._brush = brush
        self._pace.stop() if brush is None else None
        for kind, card in self.cards.items():
            card.canvas.show_region(brush.region if brush is not None and brush.kind == kind else None)

    def _on_clicked_in(self, kind: Kind, region: Region) -> None:
        """The pair nearest to the middle of where it was clicked, among those that are shown."""
        if self._columns is None:
            return
        x, y = coordinates(kind, self._columns)
        shown = self._rows
        held = shown[region.holds(x[shown], None if y is None else y[shown])]
        if not len(held) or y is None:
            return
        wide, high = region.x.high - region.x.low, region.y.high - region.y.low
        middle_x, middle_y = (region.x.low + region.x.high) / 2, (region.y.low + region.y.high) / 2
        away = ((x[held] - middle_x) / wide) ** 2 + ((y[held] - middle_y) / high) ** 2
        near = np.where(np.isfinite(away), away, np.inf)
        self.pair_wanted.emit(int(held[int(np.argmin(near))]))

    # --- showing ------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self._table is None:
            return
        if self._columns is None:
            self._columns = self._source.columns(self._table, self._before)
        mask = None if self._brush is None else self._brush.holds(self._columns)
        changed = not _same(mask, self._mask)
        self._mask = mask
        self._stale = not self.isVisible()
        if not self._stale:
            self._show(self._columns, mask)
        if changed:
            self.brushed.emit(mask)

    def _show(self, columns: Columns, mask: Mask | None) -> None:
        rows, strong, shown = self._rows, mask, replace(columns, picked_by_case=self._picked_by_case)
        if len(rows) < len(columns):
            shown, strong = shown.only(rows), None if mask is None else mask[rows]
        brushed = None if self._brush is None or strong is None else Brushed(self._brush.kind, strong)
        self._to_show = (shown, brushed)
        # Those that wait longest come first, so that a slider on its way starves none.
        self._waiting += [card for card in self.cards.values() if card not in self._waiting]
        if len(shown) < _MANY:
            while self._waiting:
                self._show_next()
        else:
            self._turns.start()
        self.words.setText(_HINT if strong is None else _brushed_words(self._title(), strong))
        self.clear_button.setVisible(strong is not None)
        self._show_mark()

    def _show_next(self) -> None:
        if self._waiting:
            self._waiting.pop(0).show_pairs(*self._to_show)
        if not self._waiting:
            self._turns.stop()

    def _title(self) -> str:
        return self.cards[self._brush.kind].drawing.title if self._brush is not None else ""

    def _show_mark(self) -> None:
        columns, place = self._columns, self._marked
        for kind, card in self.cards.items():
            if columns is None or not 0 <= place < len(columns) or kind == "calibration":
                card.canvas.mark(None)
                continue
            x, y = coordinates(kind, columns)
            card.canvas.mark((float(x[place]), 0.0 if y is None else float(y[place])))

    def _on_theme_changed(self) -> None:
        self.clear_button.setIcon(self._theme.icon("x"))
        self._columns_shown = 0
        self._arrange_cards()


def _brushed_words(title: str, strong: Mask) -> str:
    return f"{title}: {int(np.count_nonzero(strong)):,} of {count(len(strong))} brushed"


def _share_pairs(first: PairTable, second: PairTable) -> bool:
    return first.rows is second.rows or bool(second.mask_of(first.rows).any())


def _same(first: Mask | None, second: Mask | None) -> bool:
    if first is None or second is None:
        return first is second
    return bool(np.array_equal(first, second))
