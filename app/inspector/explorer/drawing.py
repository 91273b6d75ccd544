"""The two pictures of the explorer: the loss, and below it both gradient weights, along one axis."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen, QPolygonF

from app.inspector.explorer.curves import AxisName, Curves
from app.inspector.explorer.explored import Explored
from app.inspector.explorer.numbers import figure
from app.inspector.figures import Floats
from app.inspector.pictures.scales import Scale, scale_of
from app.inspector.pictures.sheet import Axis, Sample, Shape, Sheet
from app.shell.theme import Theme

AXIS_WORDS: dict[AxisName, str] = {
    "chosen": "log π of the chosen under the policy, nats",
    "rejected": "log π of the rejected under the policy, nats",
    "both": "log-ratio chosen − log-ratio rejected, nats",
}
_LN2 = math.log(2)
_LEAST = 1e-9
"""An axis spans this much at least, so that what never changes can be drawn as a level line."""


def paint_loss(painter: QPainter, room: QRectF, along: Curves, explored: Explored, theme: Theme) -> None:
    loss = explored.value.loss
    scale = _scale((along.loss,), (0.0, loss, along.untrained))
    sheet = _sheet(painter, room, along, ("", "Loss"), scale, theme)
    sheet.draw_axes("")
    _zero(sheet)
    if math.isfinite(along.untrained):
        same = abs(along.untrained - _LN2) < 1e-9
        _level(sheet, along.untrained, "ln 2" if same else f"untrained {figure(along.untrained)}")
    _reference(sheet, along, words=True)
    _curve(sheet, along.x, along.loss, "accent")
    _point(sheet, along.here, loss, "circle", "accent")


def paint_weights(painter: QPainter, room: QRectF, along: Curves, explored: Explored, theme: Theme) -> None:
    value = explored.value
    scale = _scale(
        (along.chosen_weight, along.rejected_weight), (0.0, value.chosen_weight, value.rejected_weight)
    )
    sheet = _sheet(painter, room, along, (AXIS_WORDS[along.axis], "∂L/∂ log π"), scale, theme)
    sheet.draw_axes("")
    _zero(sheet)
    _reference(sheet, along, words=False)
    _curve(sheet, along.x, along.rejected_weight, "rejected")
    _curve(sheet, along.x, along.chosen_weight, "chosen")
    _point(sheet, along.here, value.rejected_weight, "triangle", "rejected")
    _point(sheet, along.here, value.chosen_weight, "circle", "chosen")
    key: list[tuple[str, str, Sample]] = [
        ("chosen", "chosen", "circle"),
        ("rejected", "rejected", "triangle"),
    ]
    sheet.draw_key(key)


def _sheet(
    painter: QPainter, room: QRectF, along: Curves, words: tuple[str, str], scale: Scale, theme: Theme
) -> Sheet:
    across = Scale(float(along.x[0]), float(along.x[-1]))
    return Sheet(painter, room, Axis(across, words[0]), Axis(scale, words[1]), theme)


def _scale(columns: tuple[Floats, ...], around: tuple[float, ...]) -> Scale:
    """What shows most of the curves and all of `around`, with a little air."""
    values = np.concatenate(columns)
    found = scale_of(values[np.isfinite(values)], around=tuple(filter(math.isfinite, around)))
    if found.length < _LEAST:
        found = Scale(found.low - _LEAST, found.high + _LEAST)
    return found.padded(0.06)


def _zero(sheet: Sheet) -> None:
    left, right = sheet.plot.left(), sheet.plot.right()
    sheet.line(QPointF(left, sheet.y(0.0)), QPointF(right, sheet.y(0.0)), "border_strong")


def _level(sheet: Sheet, height: float, words: str) -> None:
    y = sheet.y(height)
    sheet.dashes(QPointF(sheet.plot.left(), y), QPointF(sheet.plot.right(), y))
    sheet.words(QPointF(sheet.plot.right() - 4, y - 9), words, side="right", ground="surface")


def _reference(sheet: Sheet, along: Curves, *, words: bool) -> None:
    """The place of the reference, where it is in view."""
    if not along.x[0] <= along.reference <= along.x[-1]:
        return
    x, plot = sheet.x(along.reference), sheet.plot
    sheet.dashes(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
    if words:
        left = x < plot.center().x()
        # Where the curve is not: the words stand on the other half of the paper.
        low = sheet.y(float(np.interp(along.reference, along.x, along.loss))) > plot.center().y()
        at = QPointF(x + 5 if left else x - 5, plot.top() + 9 if low else plot.bottom() - 9)
        sheet.words(at, "reference", side="left" if left else "right", ground="surface")


def _curve(sheet: Sheet, x: Floats, y: Floats, colour: str) -> None:
    """In pieces, for there is nothing to draw where there is no number; cut at the rim of the paper."""
    painter, plot = sheet.painter, sheet.plot
    painter.save()
    painter.setClipRect(plot)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(sheet.colour(colour), 1.8))
    across, down = sheet.x_axis.scale, sheet.y_axis.scale
    left = plot.left() + (x - across.low) / across.length * plot.width()
    # Far outside is as good as a little outside, and stays a number that can be painted.
    share = np.clip((y - down.low) / down.length, -3.0, 4.0)
    top = plot.bottom() - share * plot.height()
    known = np.flatnonzero(np.isfinite(y))
    for piece in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        places = zip(left[piece].tolist(), top[piece].tolist(), strict=True)
        painter.drawPolyline(QPolygonF([QPointF(*place) for place in places]))
    painter.restore()


def _point(sheet: Sheet, x: float, y: float, shape: Shape, colour: str) -> None:
    if not math.isfinite(y):
        return
    plot = sheet.plot
    at = QPointF(sheet.x(x), sheet.y(y))
    sheet.line(QPointF(at.x(), plot.top()), QPointF(at.x(), plot.bottom()), "border_strong")
    sheet.mark(at, shape, colour, size=11)
