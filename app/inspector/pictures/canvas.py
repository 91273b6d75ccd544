"""One picture on the screen: paints it, and turns mouse and keys into a part that is brushed or asked about.

Dragging brushes whole bins or a rectangle, with Shift a free line; the arrows move a cursor from cell to
cell, with Shift they brush from where they began. Double click or Esc takes the brush away.
"""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.inspector.pictures.drawing import Drawing
from app.inspector.pictures.grid import Cell, Grid
from app.inspector.pictures.material import no_pairs
from app.inspector.pictures.selection import Point, Region, lasso, rectangle
from app.inspector.pictures.sheet import Sheet, plot_of
from app.shell.palette import Space
from app.shell.theme import Theme
from app.widgets.plot_export import Cell as CsvCell
from app.widgets.plot_export import copy_plot

_DRAG_PIXELS, _REACH_PIXELS = 4, 6
_MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
    Qt.Key.Key_Home: (-1_000, 0),
    Qt.Key.Key_End: (1_000, 0),
}


class PictureCanvas(QWidget):
    """Says what the person wants; the brush itself is set from outside by `show_region`."""

    region_wanted = Signal(object)
    """A `Region`, or None to take the brush away."""
    clicked_in = Signal(object)
    """The small `Region` around a click, where height counts."""
    focus_changed = Signal(bool)

    def __init__(self, drawing: Drawing, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.drawing, self._theme = drawing, theme
        drawing.show_pairs(no_pairs(), None)
        self._grid = Grid(*drawing.axes(), drawing.stops())
        self.sentence = drawing.sentence()
        """What the picture shows, in words."""
        self._region: Region | None = None
        self._marked: Point | None = None
        self._pointed = ""
        self._cell: Cell | None = None
        self._anchor: Cell | None = None
        self._drag: list[QPointF] = []
        self._drags = self._free = False
        self.setAccessibleName(drawing.title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    @property
    def pointed(self) -> str:
        """What is said about the place under the mouse or the cursor of the keys."""
        return self._pointed

    def refresh(self) -> None:
        """The drawing shows other figures."""
        self.sentence = self.drawing.sentence()
        self._grid = Grid(*self.drawing.axes(), self.drawing.stops())
        if self._cell is None:
            self._say("")
            return
        self._cell = self._grid.within(self._cell)
        self._anchor = None if self._anchor is None else self._grid.within(self._anchor)
        self._point_at(self._grid.region(self._anchor or self._cell, self._cell))

    def show_region(self, region: Region | None) -> None:
        """The brush that was drawn in this picture, if one was."""
        self._region = region
        self.update()

    def mark(self, point: Point | None) -> None:
        """Ring the selected pair, which stands here."""
        if point != self._marked:
            self._marked = point
            self.update()

    def csv_rows(self) -> Iterator[Sequence[CsvCell]]:
        """The numbers of the picture, for saving."""
        return self.drawing.csv_rows()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(320), self._theme.px(200))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._theme.px(240), self._theme.px(150))

    # --- painting -----------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        sheet = Sheet(painter, QRectF(self.rect()), self._grid.x, self._grid.y, self._theme)
        painter.fillRect(self.rect(), sheet.colour("surface"))
        sheet.draw_axes(self._pointed)
        self.drawing.paint(sheet)
        self._paint_brush(sheet)
        self._paint_marked(sheet)
        painter.end()

    def _paint_brush(self, sheet: Sheet) -> None:
        painter, grid = sheet.painter, self._grid
        if self._region is not None:
            painter.setPen(sheet.colour("accent"))
            painter.setBrush(sheet.colour("accent", 0.10))
            outline = self._region.outline
            if outline is None:
                painter.drawRect(grid.rectangle_of(self._region, sheet.plot))
            else:
                corners = [QPointF(sheet.x(x), sheet.y(y)) for x, y in outline.corners]
                painter.drawPolygon(QPolygonF(corners))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._cell is not None and self.hasFocus():
            painter.setPen(sheet.colour("text"))
            painter.drawRect(grid.rectangle_of(grid.region(self._cell), sheet.plot))

    def _paint_marked(self, sheet: Sheet) -> None:
        if self._marked is None:
            return
        x, y = self._marked
        across = sheet.x(min(max(x, self._grid.x.scale.low), self._grid.x.scale.high))
        if self._grid.has_height:
            up = sheet.y(min(max(y, self._grid.y.scale.low), self._grid.y.scale.high))
            sheet.mark(QPointF(across, up), "circle", "text", size=11, ring=True)
        else:
            sheet.mark(QPointF(across, sheet.plot.bottom() - Space.XS), "triangle", "text", size=8)

    # --- mouse --------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag, self._drags = [event.position()], False
            self._free = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._forget_cursor()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if not self._drag or not event.buttons() & Qt.MouseButton.LeftButton:
            self._hover(event.position())
            return
        moved = event.position() - self._drag[-1]
        if moved.manhattanLength() < _DRAG_PIXELS:
            return
        self._drag.append(event.position())
        self._drags = True
        region = self._dragged_region()
        if region is not None:
            self.region_wanted.emit(region)
            self._point_at(region)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        clicked = bool(self._drag) and not self._drags
        self._drag = []
        event.accept()
        if clicked:
            region = self._region_under(event.position())
            if region is not None:
                (self.clicked_in if self._grid.has_height else self.region_wanted).emit(region)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._drag = []
        self.region_wanted.emit(None)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self._cell is None:
            self._say("")

    def _hover(self, position: QPointF) -> None:
        if self._cell is not None:
            return
        region = self._region_under(position)
        if region is None:
            self._say("")
        else:
            self._point_at(region)

    def _region_under(self, position: QPointF) -> Region | None:
        """The bin under the mouse, or a small square around it where height counts."""
        plot = self._plot()
        if not plot.adjusted(-1, -1, 1, 1).contains(position):
            return None
        if not self._grid.has_height:
            return self._grid.region(self._grid.cell_at(position, plot))
        away = QPointF(_REACH_PIXELS, _REACH_PIXELS)
        return self._rectangle(position - away, position + away)

    def _dragged_region(self) -> Region | None:
        grid, plot = self._grid, self._plot()
        if not grid.has_height:
            first, last = grid.cell_at(self._drag[0], plot), grid.cell_at(self._drag[-1], plot)
            return grid.region(first, last)
        if self._free:
            corners = tuple(grid.value_at(point, plot) for point in self._drag)
            return lasso(corners, grid.x.scale, grid.y.scale)
        return self._rectangle(self._drag[0], self._drag[-1])

    def _rectangle(self, first: QPointF, last: QPointF) -> Region:
        grid, plot = self._grid, self._plot()
        return rectangle(grid.value_at(first, plot), grid.value_at(last, plot), grid.x.scale, grid.y.scale)

    # --- keys ---------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        extends = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in _MOVES and (self._grid.has_height or _MOVES[key][0]):
            self._move(_MOVES[key], extends=extends)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cell is not None:
            self.region_wanted.emit(self._grid.region(self._cell))
        elif key == Qt.Key.Key_Escape and (self._region is not None or self._cell is not None):
            if self._region is not None:
                self.region_wanted.emit(None)
            self._forget_cursor()
        elif event.matches(QKeySequence.StandardKey.Copy):
            copy_plot(self)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._forget_cursor()
        self.focus_changed.emit(False)

    def _move(self, by: tuple[int, int], *, extends: bool) -> None:
        """The first key only shows where the cursor is, unless it says where to go."""
        before = self._cell or self._grid.start()
        moves = self._cell is not None or extends or abs(by[0]) > 1
        self._cell = self._grid.within((before[0] + by[0], before[1] + by[1])) if moves else before
        self._anchor = (self._anchor or before) if extends else None
        region = self._grid.region(self._anchor or self._cell, self._cell)
        if extends:
            self.region_wanted.emit(region)
        self._point_at(region)

    def _forget_cursor(self) -> None:
        self._cell = self._anchor = None
        self._say("")

    # --- words --------------------------------------------------------------------------------------------

    def _point_at(self, region: Region) -> None:
        self._say(self.drawing.words_in(region))

    def _say(self, words: str) -> None:
        self._pointed = words
        self.setAccessibleDescription(f"{words}. {self.sentence}" if words else self.sentence)
        self.update()

    def _plot(self) -> QRectF:
        return plot_of(QRectF(self.rect()), self._theme)
