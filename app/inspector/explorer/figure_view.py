"""The live figure: the curves through the pair, along an axis on which it can be taken by mouse or keys."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.inspector.explorer.curves import Curves
from app.inspector.explorer.drawing import AXIS_WORDS, paint_loss, paint_weights
from app.inspector.explorer.explored import Explored
from app.inspector.explorer.numbers import figure
from app.inspector.pictures.sheet import line_height, plot_of
from app.shell.palette import Space
from app.shell.theme import Theme
from app.widgets.plot_export import Cell

_SHARE_OF_LOSS = 0.56
_STEPS, _PAGE = 200, 20
"""Keys cross the axis in so many steps."""


class FigureView(QWidget):
    """Emits `moved` with the place on the axis that a person wants the pair at."""

    moved = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[Explored, Curves] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName("Loss and gradient weights along the axis")
        self.setToolTip("Drag, or use the arrow keys, to move the pair along the axis")
        theme.changed.connect(self.update)

    def show_curves(self, explored: Explored, along: Curves) -> None:
        self._shown = (explored, along)
        value = explored.value
        self.setAccessibleDescription(
            f"At {figure(along.here)} on the axis “{AXIS_WORDS[along.axis]}”: loss {figure(value.loss)}, "
            f"weight of the chosen {figure(value.chosen_weight)}, of the rejected "
            f"{figure(value.rejected_weight)}."
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(560), self._theme.px(220))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._theme.px(300), self._theme.px(220))

    def csv_rows(self) -> Iterator[Sequence[Cell]]:
        """A row a place on the axis."""
        yield ("loss_type", "beta", "axis", "place", "loss", "chosen_weight", "rejected_weight")
        if self._shown is None:
            return
        explored, along = self._shown
        columns = (along.x, along.loss, along.chosen_weight, along.rejected_weight)
        for row in zip(*(column.tolist() for column in columns), strict=True):
            yield (explored.loss, explored.beta, along.axis, *row)

    # --- events -------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._shown is None:
            return
        explored, along = self._shown
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("surface"))
        above, below = self._rooms()
        paint_loss(painter, above, along, explored, self._theme)
        paint_weights(painter, below, along, explored, self._theme)
        if self.hasFocus():
            painter.setPen(self._theme.colour("accent"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._shown is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        along, plot = self._shown[1], plot_of(self._rooms()[0], self._theme)
        share = min(1.0, max(0.0, (event.position().x() - plot.left()) / max(1.0, plot.width())))
        low, high = float(along.x[0]), float(along.x[-1])
        self.moved.emit(low + share * (high - low))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._shown is None:
            super().keyPressEvent(event)
            return
        along = self._shown[1]
        low, high = float(along.x[0]), float(along.x[-1])
        step = (high - low) / _STEPS
        match Qt.Key(event.key()):
            case Qt.Key.Key_Left | Qt.Key.Key_Down:
                self.moved.emit(along.here - step)
            case Qt.Key.Key_Right | Qt.Key.Key_Up:
                self.moved.emit(along.here + step)
            case Qt.Key.Key_PageDown:
                self.moved.emit(along.here - _PAGE * step)
            case Qt.Key.Key_PageUp:
                self.moved.emit(along.here + _PAGE * step)
            case Qt.Key.Key_Home:
                self.moved.emit(low)
            case Qt.Key.Key_End:
                self.moved.emit(high)
            case _:
                super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def _rooms(self) -> tuple[QRectF, QRectF]:
        """The loss above, the weights below, within the frame that shows the keyboard's place."""
        inner = QRectF(self.rect()).adjusted(Space.S, Space.S, -Space.S, -Space.XS)
        above = round(inner.height() * _SHARE_OF_LOSS)
        # The axis has its words below both; the lower begins in the line that the upper leaves free.
        begin = above - line_height(self._theme)
        return (
            QRectF(inner.left(), inner.top(), inner.width(), above),
            QRectF(inner.left(), inner.top() + begin, inner.width(), inner.height() - begin),
        )
