"""The three pictures of a path: each response's log-prob under both models, and the margin between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen, QPolygonF

from app.inspector.path.points import PathPoint
from app.inspector.pictures.scales import Scale
from app.inspector.pictures.sheet import Axis, Sample, Shape, Sheet
from app.shell.theme import Theme
from dpo_engine.pair_math import UNDECIDED_BELOW

_LEAST_SPAN = 1.0
"""Nats that a log-prob's axis spans at least: less would make a mountain of nothing."""


@dataclass(frozen=True, kw_only=True)
class Line:
    colour: str
    words: str
    values: tuple[float, ...]
    shape: Shape | None = None
    """Of its points; without one it is drawn in dashes."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    title: str
    lines: tuple[Line, ...]
    scale: Scale
    borders: tuple[tuple[float, str], ...] = ()
    """Heights that mean something, with what they mean."""


def charts(points: Sequence[PathPoint], beta: float) -> tuple[Chart, Chart, Chart]:
    """Chosen, rejected and margin. The first two span equally many nats, so that their slopes compare."""

    def of(value: Callable[[PathPoint], float]) -> tuple[float, ...]:
        return tuple(value(point) for point in points)

    chosen = (of(lambda point: point.policy_chosen), of(lambda point: point.reference_chosen))
    rejected = (of(lambda point: point.policy_rejected), of(lambda point: point.reference_rejected))
    span = max(_LEAST_SPAN, *(max(map(max, side)) - min(map(min, side)) for side in (chosen, rejected)))
    margin = of(lambda point: point.margin(beta))
    high = max(UNDECIDED_BELOW * 1.5, *(abs(value) for value in margin))
    return (
        _log_probs("Log-prob of the chosen", "chosen", "circle", chosen, span),
        _log_probs("Log-prob of the rejected", "rejected", "triangle", rejected, span),
        Chart(
            title="Margin",
            lines=(Line(colour="accent", words="margin", values=margin, shape="circle"),),
            scale=Scale(min(-1.5 * UNDECIDED_BELOW, *margin), high).padded(0.08),
            borders=((UNDECIDED_BELOW, "learned"), (0.0, ""), (-UNDECIDED_BELOW, "against")),
        ),
    )


def _log_probs(
    title: str, colour: str, shape: Shape, values: tuple[tuple[float, ...], tuple[float, ...]], span: float
) -> Chart:
    low, high = min(map(min, values)), max(map(max, values))
    middle = (low + high) / 2
    return Chart(
        title=title,
        lines=(
            Line(colour=colour, words="policy", values=values[0], shape=shape),
            Line(colour="secondary", words="reference", values=values[1]),
        ),
        scale=Scale(middle - span / 2, middle + span / 2).padded(0.12),
    )


def paint_chart(
    painter: QPainter,
    room: QRectF,
    chart: Chart,
    steps: Sequence[int],
    theme: Theme,
    *,
    at: int | None = None,
    said: str = "",
) -> None:
    """`at`: the place of the point that the cursor is on, about which `said` is said."""
    across = Axis(Scale(float(steps[0]), float(max(steps[-1], steps[0] + 1))), "step", whole=True)
    sheet = Sheet(painter, room, across, Axis(chart.scale, chart.title), theme)
    sheet.draw_axes(said)
    for height, words in chart.borders:
        sheet.dashes(
            QPointF(sheet.plot.left(), sheet.y(height)), QPointF(sheet.plot.right(), sheet.y(height))
        )
        if words:
            sheet.words(QPointF(sheet.plot.left() + 4, sheet.y(height) - 7), words)
    if at is not None:
        x = sheet.x(steps[at])
        sheet.line(QPointF(x, sheet.plot.top()), QPointF(x, sheet.plot.bottom()), "border_strong")
    for line in reversed(chart.lines):
        _draw(sheet, line, steps)
    key: list[tuple[str, str, Sample]] = [
        (line.colour, line.words, line.shape or "dashes") for line in chart.lines
    ]
    if len(key) > 1:
        sheet.draw_key(key)


def _draw(sheet: Sheet, line: Line, steps: Sequence[int]) -> None:
    places = [QPointF(sheet.x(step), sheet.y(value)) for step, value in zip(steps, line.values, strict=True)]
    if line.shape is None:
        for start, end in pairwise(places):
            sheet.dashes(start, end, line.colour)
        return
    sheet.painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    sheet.painter.setPen(QPen(sheet.colour(line.colour), 1.8))
    sheet.painter.drawPolyline(QPolygonF(places))
    for place in places:
        sheet.mark(place, line.shape, line.colour)
