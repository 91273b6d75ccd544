"""How cells are painted: on the screen, and into a picture of the whole response."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.inspector.tokens.flow import Cell, Flow
from app.inspector.tokens.shades import Shades, ramps
from app.shell.theme import Theme

_GAP, _BAR, _RADIUS = 1.0, 2.0, 2.5


@dataclass(frozen=True)
class Look:
    """The theme's colours for one mode."""

    raised: tuple[QColor, ...]
    lowered: tuple[QColor, ...]
    raised_bar: QColor
    lowered_bar: QColor
    text: QColor
    line: QColor
    accent: QColor
    surface: QColor

    @staticmethod
    def of(theme: Theme, *, signed: bool) -> "Look":
        found = ramps(theme.palette)
        lowered = found.lowered if signed else found.unlikely
        return Look(
            raised=tuple(map(QColor, found.raised)),
            lowered=tuple(map(QColor, lowered)),
            raised_bar=QColor(found.raised_bar),
            lowered_bar=QColor(found.lowered_bar),
            text=theme.colour("text"),
            line=theme.colour("border_strong"),
            accent=theme.colour("accent"),
            surface=theme.colour("surface"),
        )


@dataclass(frozen=True, eq=False)
class Colouring:
    """What colour a token has: its shade, and whether its value is above 0."""

    shades: Shades
    raised: list[bool]
    look: Look


def paint_flow(
    painter: QPainter, flow: Flow, colouring: Colouring, clip: QRectF, *, current: int = -1, sure: bool = True
) -> None:
    """What is seen of the flow in `clip`; `current` is the token that is looked at.

    `sure` is whether the widget has the keyboard: the mark of the current token is then the stronger one.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ring: list[QRectF] = []
    for block in flow.between(clip.top(), clip.bottom()):
        for cell in block.cells_between(clip.top(), clip.bottom()):
            _paint_cell(painter, cell, colouring)
            if cell.token == current:
                ring.append(cell.rect)
        painter.setPen(colouring.look.text)
        block.layout.draw(painter, QPointF(0, block.top), [], clip)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colouring.look.accent if sure else colouring.look.text, 2.0))
    for rect in ring:
        painter.drawRoundedRect(rect.adjusted(-0.5, 0, 0.5, 0), _RADIUS, _RADIUS)


def _paint_cell(painter: QPainter, cell: Cell, colouring: Colouring) -> None:
    shades, look, token = colouring.shades, colouring.look, cell.token
    inner = cell.rect.adjusted(_GAP / 2, 0, -_GAP / 2, 0)
    step, bar = int(shades.steps[token]), int(shades.bars[token])
    if step:
        ramp = look.raised if colouring.raised[token] else look.lowered
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ramp[step])
        painter.drawRoundedRect(inner, _RADIUS, _RADIUS)
    if bar:
        top = inner.top() if bar > 0 else inner.bottom() - _BAR
        place = QRectF(inner.left(), top, inner.width(), _BAR)
        painter.fillRect(place, look.raised_bar if bar > 0 else look.lowered_bar)
    if cell.special:
        painter.setPen(QPen(look.line, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(inner.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
