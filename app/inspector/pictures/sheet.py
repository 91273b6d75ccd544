"""Paper with two axes: turns the numbers of a picture into places, and draws in the theme's hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from app.inspector.figures import Floats, Ints
from app.inspector.pictures.scales import Scale, nice_step, places_for, ticks
from app.inspector.wording import decimal, percent
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme

Shape = Literal["circle", "triangle", "square"]
Sample = Literal["circle", "triangle", "square", "bar", "line", "dashes"]
Side = Literal["left", "middle", "right"]

_LEFT = 44
_TICK_ROOM, _ROW_ROOM = 56, 32
"""Pixels across and up for the number of a tick and the empty space that tells it from the next."""
_FEW = 2_000
"""Up to so many pairs each is a dot of its own."""
_CELL = 3
_FAINTEST = 0.3
"""How much of the colour a cell of one pair has: rare ones must be seen beside crowds."""


@dataclass(frozen=True)
class Axis:
    scale: Scale
    words: str
    percent: bool = False
    whole: bool = False
    """Only whole numbers are marked."""
    ends: tuple[str, str] = ("", "")
    """What stands below the outermost places in place of a number."""

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Where there is a number, and the number."""
        step = nice_step(self.scale.length, most)
        if self.whole and step < 1:
            step = 1.0
        places = places_for(step)
        return [(value, self._number(value, places)) for value in ticks(self.scale, step)]

    def _number(self, value: float, places: int) -> str:
        if self.percent:
            return percent(value, max(0, places - 2))
        return f"{decimal(value, places)}" if places else f"{value:,.0f}".replace("-", "−")


class Sheet:
    """Lives for one painting."""

    def __init__(self, painter: QPainter, room: QRectF, x: Axis, y: Axis, theme: Theme) -> None:
        self.painter, self.theme = painter, theme
        self.x_axis, self.y_axis = x, y
        self.plot = plot_of(room, theme)
        self._room = room

    def x(self, value: float) -> float:
        scale = self.x_axis.scale
        return self.plot.left() + (value - scale.low) / scale.length * self.plot.width()

    def y(self, value: float) -> float:
        scale = self.y_axis.scale
        return self.plot.bottom() - (value - scale.low) / scale.length * self.plot.height()

    def colour(self, token: str, opacity: float = 1.0) -> QColor:
        colour = self.theme.colour(token)
        colour.setAlphaF(opacity)
        return colour

    # --- the paper ----------------------------------------------------------------------------------------

    def draw_axes(self, said: str) -> None:
        """Lines behind everything, numbers, the words of both axes. `said` stands in place of those of x."""
        self.painter.setFont(self.theme.figures(FontSize.CAPTION))
        plot = self.plot
        for value, words in self.y_axis.ticks(max(2, round(plot.height() / _ROW_ROOM))):
            self.line(QPointF(plot.left(), self.y(value)), QPointF(plot.right(), self.y(value)), "grid")
            self.words(QPointF(plot.left() - Space.XS, self.y(value)), words, side="right")
        self._draw_x_ticks()
        self.line(plot.bottomLeft(), plot.bottomRight(), "border_strong")
        top = self._room.top() + self._line_height() / 2
        self.words(QPointF(self._room.left(), top), self.y_axis.words, colour="faint", side="left")
        bottom = self._room.bottom() - self._line_height() / 2
        below = (said, "text") if said else (self.x_axis.words, "faint")
        self.words(QPointF(plot.right(), bottom), below[0], colour=below[1], side="right")

    def draw_key(self, entries: Sequence[tuple[str, str, Sample]]) -> None:
        """What is drawn how, at the top right: palette colour, words and shape; the last ones, where there is
        not room for all."""
        middle = self._room.top() + self._line_height() / 2
        right, end = self.plot.right(), self._room.left() + self.wide(self.y_axis.words) + Space.S
        for colour, words, shape in reversed(entries):
            if right - self.wide(words) - Space.XS - 10 < end:
                break
            self.words(QPointF(right, middle), words, colour="secondary", side="right")
            right -= self.wide(words) + Space.XS + 10
            match shape:
                case "bar":
                    self.painter.fillRect(QRectF(right, middle - 4, 10, 8), self.colour(colour))
                case "line":
                    self.line(QPointF(right, middle), QPointF(right + 10, middle), colour, width=1.6)
                case "dashes":
                    self.dashes(QPointF(right, middle), QPointF(right + 10, middle), colour)
                case _:
                    self.mark(QPointF(right + 5, middle), shape, colour, ring=shape != "circle")
            right -= Space.M

    # --- strokes ------------------------------------------------------------------------------------------

    def line(
        self,
        start: QPointF,
        end: QPointF,
        colour: str,
        *,
        style: Qt.PenStyle = Qt.PenStyle.SolidLine,
        width: float = 1.0,
    ) -> None:
        pen = QPen(self.colour(colour), width, style)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        self.painter.setPen(pen)
        self.painter.drawLine(QLineF(start, end))

    def dashes(self, start: QPointF, end: QPointF, colour: str = "faint") -> None:
        self.line(start, end, colour, style=Qt.PenStyle.DashLine)

    def words(
        self, at: QPointF, words: str, *, colour: str = "faint", side: Side = "left", ground: str = ""
    ) -> None:
        """One line whose left end, middle or right end is `at`, at half height, on this colour if any."""
        wide, high = self.wide(words), self._line_height()
        left = at.x() - {"left": 0.0, "middle": wide / 2, "right": wide}[side]
        box = QRectF(left, at.y() - high / 2, wide + 1, high)
        if ground:
            self.painter.fillRect(box.adjusted(-3, 0, 3, 0), self.colour(ground, 0.85))
        self.painter.setPen(self.colour(colour))
        self.painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, words)

    def mark(self, at: QPointF, shape: Shape, colour: str, *, size: float = 7.0, ring: bool = False) -> None:
        """A point with an edge of paper; `ring`: hollow."""
        painter, half = self.painter, size / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.colour(colour), 1.8) if ring else QPen(self.colour("surface"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush if ring else QBrush(self.colour(colour)))
        box = QRectF(at.x() - half, at.y() - half, size, size)
        if shape == "circle":
            painter.drawEllipse(box)
        elif shape == "square":
            painter.drawRect(box)
        else:
            corners = [box.bottomLeft(), box.bottomRight(), QPointF(at.x(), box.top())]
            painter.drawPolygon(QPolygonF(corners))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def room_for(self, words: str, pixels: float) -> bool:
        return self.wide(words) + Space.S <= pixels

    def dots(self, x: Floats, y: Floats, colour: str, *, of: int) -> None:
        """One dot a pair, those beyond the axes on the rim. Of a crowd (`of` so many pairs), small cells,
        darker where there are more."""
        across = (self.x_axis.scale.clamped(x) - self.x_axis.scale.low) / self.x_axis.scale.length
        down = (self.y_axis.scale.high - self.y_axis.scale.clamped(y)) / self.y_axis.scale.length
        if of > _FEW:
            self._draw_cells(across, down, colour)
            return
        painter = self.painter
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(self.colour(colour, 0.7), 5.0)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        places_x = (self.plot.left() + across * self.plot.width()).tolist()
        places_y = (self.plot.top() + down * self.plot.height()).tolist()
        painter.drawPoints([QPointF(left, top) for left, top in zip(places_x, places_y, strict=True)])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def _draw_cells(self, across: Floats, down: Floats, colour: str) -> None:
        wide = max(1, round(self.plot.width() / _CELL))
        high = max(1, round(self.plot.height() / _CELL))
        counts = cell_counts(across, down, wide, high)
        image = _tinted(counts, self.colour(colour))
        self.painter.drawImage(self.plot, image)

    def _draw_x_ticks(self) -> None:
        plot, middle = self.plot, self.plot.bottom() + Space.XS + self._line_height() / 2
        low_words, high_words = self.x_axis.ends
        left = plot.left() + self.wide(low_words) + Space.S if low_words else -np.inf
        right = plot.right() - self.wide(high_words) - Space.S if high_words else np.inf
        if low_words:
            self.words(QPointF(plot.left(), middle), low_words, side="left", colour="secondary")
        if high_words:
            self.words(QPointF(plot.right(), middle), high_words, side="right", colour="secondary")
        for value, words in self.x_axis.ticks(max(2, round(plot.width() / _TICK_ROOM))):
            half, at = self.wide(words) / 2, self.x(value)
            if left <= at - half and at + half <= right:
                # A number at the rim is moved in, rather than cut.
                at = min(max(at, self._room.left() + half), self._room.right() - half)
                self.words(QPointF(at, middle), words, side="middle")

    def wide(self, words: str) -> float:
        """Pixels that these words take."""
        return QFontMetricsF(self.painter.font()).horizontalAdvance(words)

    def _line_height(self) -> float:
        return line_height(self.theme)


def line_height(theme: Theme) -> float:
    return theme.px(FontSize.CAPTION) + Space.XS


def plot_of(room: QRectF, theme: Theme) -> QRectF:
    """Where the data goes, within the room that a picture has with its axes."""
    line = line_height(theme)
    return QRectF(
        QPointF(room.left() + theme.px(_LEFT), room.top() + line + Space.S),
        QPointF(room.right() - Space.S, room.bottom() - 2 * line - Space.XS),
    )


def cell_counts(across: Floats, down: Floats, wide: int, high: int) -> Ints:
    """How many points are in each cell of a grid of `high` rows; both coordinates run from 0 to 1."""
    column = np.minimum((across * wide).astype(np.intp), wide - 1)
    row = np.minimum((down * high).astype(np.intp), high - 1)
    counts: Ints = np.bincount(row * wide + column, minlength=wide * high).astype(np.int64)
    return counts.reshape(high, wide)


def _tinted(counts: Ints, colour: QColor) -> QImage:
    """Each cell in the colour, denser with the logarithm of its count."""
    most = max(2, int(counts.max()))
    share = np.log1p(counts) / np.log1p(most)
    alpha = np.where(counts > 0, _FAINTEST + (1 - _FAINTEST) * share, 0.0)
    pixels = np.empty((*counts.shape, 4), dtype=np.uint8)
    # Little end first: blue, green, red, alpha, as QImage keeps 0xAARRGGBB.
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = colour.blue(), colour.green(), colour.red()
    pixels[..., 3] = np.round(255 * alpha)
    high, wide = counts.shape
    return QImage(pixels.tobytes(), wide, high, 4 * wide, QImage.Format.Format_ARGB32).copy()
