"""The drawing surface of one plot: axes, curves and a cursor, with the app's own mouse and keys.

pyqtgraph draws; its menus, buttons and drag modes are switched off. Only steps (x) are zoomed and moved; the
height follows what is in view. By mouse: drag over a span, Ctrl and the wheel, Shift and the wheel or the
middle button to move. By key: + and −, Shift and arrows. A plain wheel belongs to the page around, which
scrolls.
"""

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme
from app.widgets.plots.axis import FigureAxis, dress_axes
from app.widgets.plots.words_place import PLACES, Place

LEFT_AXIS_WIDTH = 52
"""The same for every plot, so that steps stand above each other."""

_DRAG_PIXELS = 6
_WHEEL_ZOOM = 0.8
_MOVE = 0.15
"""Share of the view by which a key or a notch of the wheel moves it."""
_KEYS = {
    Qt.Key.Key_Left: "previous",
    Qt.Key.Key_Right: "next",
    Qt.Key.Key_Home: "first",
    Qt.Key.Key_End: "last",
}


class PlotCanvas(pg.PlotWidget):  # type: ignore[misc]
    """Says what a person wants in data coordinates; changes nothing by itself."""

    cursor_wanted = Signal(float)
    cursor_stepped = Signal(str)
    """`previous`, `next`, `first` or `last` point, by key."""
    cursor_left = Signal()
    zoom_wanted = Signal(float, float)
    move_wanted = Signal(float)
    """By so many steps to the right."""
    reset_wanted = Signal()
    enlarge_wanted = Signal()
    """Larger, or as before."""
    back_wanted = Signal()
    """Escape, with no cursor left to take away."""
    focus_changed = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        self._left = FigureAxis("left")
        super().__init__(enableMenu=False, axisItems={"left": self._left, "bottom": FigureAxis("bottom")})
        self._theme = theme
        self._pressed_at: QPointF | None = None
        self._moved_from: float | None = None
        item = self.getPlotItem()
        item.hideButtons()
        item.setContentsMargins(0, 0, Space.S, 0)
        item.disableAutoRange()
        item.setMouseEnabled(x=False, y=False)
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        # Nearly all of it changes at once; finding out which parts do not takes longer than drawing them.
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=0, tickTextOffset=Space.XS, maxTickLevel=0)
        self._left.setGrid(255)
        # Its lines go behind the curves.
        self._left.setZValue(-1000)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.hide()
        self._cursor.setZValue(50)
        self._span = pg.LinearRegionItem(movable=False)
        self._span.hide()
        for decoration in (self._cursor, self._span):
            self.addItem(decoration, ignoreBounds=True)
        self.restyle()

    def restyle(self) -> None:
        """Take colours and fonts from the theme again."""
        colour, item = self._theme.colour, self.getPlotItem()
        dress_axes(self, self._theme)
        self._left.setWidth(round(LEFT_AXIS_WIDTH * self._theme.scale))
        item.getAxis("bottom").setHeight(self._theme.px(FontSize.CAPTION) + Space.S)
        self._cursor.setPen(pg.mkPen(colour("border_strong"), width=1))
        tint = colour("accent")
        tint.setAlphaF(0.12)
        self._span.setBrush(tint)
        for line in self._span.lines:
            line.setPen(pg.mkPen(colour("accent")))

    def add_level(self, words: str) -> pg.InfiniteLine:
        """A dashed horizontal line with its words; `setPos` puts it at its height."""
        line = pg.InfiniteLine(angle=0, movable=False, label=words, labelOpts={"anchors": [(1, 1), (1, 1)]})
        self.addItem(line, ignoreBounds=True)
        self.put_words(line, PLACES[0])
        self.style_level(line)
        return line

    def put_words(self, line: pg.InfiniteLine, place: Place) -> None:
        """The words of a level line, at this end and side of it."""
        line.label.anchors = [(int(place.right), int(place.above))] * 2
        line.label.setPosition(0.99 if place.right else 0.01)

    def style_level(self, line: pg.InfiniteLine) -> None:
        line.setPen(pg.mkPen(self._theme.colour("faint"), width=1, style=Qt.PenStyle.DashLine))
        line.label.setColor(self._theme.colour("faint"))
        line.label.setFont(self._theme.figures(FontSize.CAPTION))

    def set_log(self, log: bool) -> None:
        """Heights are logarithms to base 10 from now on, or are not."""
        self._left.set_log(log)

    def view(self) -> tuple[float, float]:
        """The steps in view, left to right."""
        left, right = self.getPlotItem().viewRange()[0]
        return float(left), float(right)

    def heights(self) -> tuple[float, float]:
        """The heights in view, from below."""
        low, high = self.getPlotItem().viewRange()[1]
        return float(low), float(high)

    def settle(self) -> None:
        """Take over a new range now: left to the moment of painting, it would be painted twice."""
        self.getPlotItem().getViewBox().prepareForPaint()

    def pixels_wide(self) -> int:
        """Width of the drawing area without the axes."""
        return max(1, int(self.getPlotItem().getViewBox().width()))

    def words_height(self) -> float:
        """Height of a line of words, as a share of the drawing area's."""
        height = self.getPlotItem().getViewBox().height()
        return float((self._theme.px(FontSize.CAPTION) + 2 * Space.XS) / max(height, 1.0))

    def share_of(self, line: pg.InfiniteLine) -> tuple[float, float]:
        """Width and height of a level line's words, as shares of the drawing area's."""
        across = line.label.boundingRect().width() + 2 * Space.XS
        return float(across / self.pixels_wide()), self.words_height()

    def show_cursor(self, x: float | None) -> None:
        self._cursor.setVisible(x is not None)
        if x is not None:
            self._cursor.setPos(x)

    def wheelEvent(self, event: QWheelEvent) -> None:
        held, turned = event.modifiers(), event.angleDelta()
        sideways = turned.x() or (turned.y() if held & Qt.KeyboardModifier.ShiftModifier else 0)
        if held & Qt.KeyboardModifier.ControlModifier:
            self._zoom(_WHEEL_ZOOM if turned.y() > 0 else 1 / _WHEEL_ZOOM, self._x_at(event.position()))
        elif sideways:
            self._move(-_MOVE * sideways / 120)
        else:
            event.ignore()
            return
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position()
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._moved_from = self._x_at(event.position())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = self._x_at(event.position())
        if self._moved_from is not None:
            self.move_wanted.emit(self._moved_from - x)
        elif (start := self._drag_start(event)) is not None:
            self._span.setRegion((self._x_at(start), x))
            self._span.show()
        self.cursor_wanted.emit(x)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if (start := self._drag_start(event)) is not None:
            low, high = sorted((self._x_at(start), self._x_at(event.position())))
            self.zoom_wanted.emit(low, high)
        self._pressed_at = self._moved_from = None
        self._span.hide()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = None
        self.enlarge_wanted.emit()
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.cursor_left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        left, right = self.view()
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if shifted and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._move(_MOVE if key == Qt.Key.Key_Right else -_MOVE)
        elif key in _KEYS:
            self.cursor_stepped.emit(_KEYS[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(_WHEEL_ZOOM, (left + right) / 2)
        elif key == Qt.Key.Key_Minus:
            self._zoom(1 / _WHEEL_ZOOM, (left + right) / 2)
        elif key == Qt.Key.Key_0:
            self.reset_wanted.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.enlarge_wanted.emit()
        elif key == Qt.Key.Key_Escape:
            (self.cursor_left if self._cursor.isVisible() else self.back_wanted).emit()
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit(False)

    def _zoom(self, factor: float, around: float) -> None:
        left, right = self.view()
        self.zoom_wanted.emit(around + (left - around) * factor, around + (right - around) * factor)

    def _move(self, share: float) -> None:
        left, right = self.view()
        self.move_wanted.emit(share * (right - left))

    def _drag_start(self, event: QMouseEvent) -> QPointF | None:
        """Where the drag began; None while it is no more than a click."""
        start = self._pressed_at
        return start if start and abs(event.position().x() - start.x()) > _DRAG_PIXELS else None

    def _x_at(self, position: QPointF) -> float:
        inside = self.getPlotItem().getViewBox().mapSceneToView(self.mapToScene(position.toPoint()))
        return float(inside.x())
