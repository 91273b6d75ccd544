"""The three pictures of a path: each response's log-prob under both models, and the margin between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen, QPolygonF

from app.inspector.path.points import PathPoint
from app.inspector.pictures.scales import Scale
from app.inspector.pictures.sheet import Axis, Sample, Shape, Sheet, line_height
from app.shell.theme import Theme
from dpo_engine.pair_math import UNDECIDED_BELOW

Side = Literal["above", "below", ""]

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
    borders: tuple["Border", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Border:
    """A height that means something, and what it means."""

    height: float
    words: str = ""
    side: Side = ""
    """Of its line, on which the words are."""


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
            borders=(
                Border(height=UNDECIDED_BELOW, words="learned", side="above"),
                Border(height=0.0),
                Border(height=-UNDECIDED_BELOW, words="against", side="below"),
            ),
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
    _draw_borders(sheet, chart)
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


def border_middles(
    borders: Sequence[tuple[float, Side]], line: float, top: float, bottom: float
) -> list[float | None]:
    """At which height to say something of each border, so that nothing is written over anything.

    `borders`: how far down each one is, and on which side of it its words belong; `line`: the height of the
    words. They go to the other side where there is no room, and nowhere where there is none either.
    """
    taken: list[float] = []
    found: list[float | None] = []
    for down, side in borders:
        away = {"above": -1, "below": 1, "": 0}[side] * (line / 2 + 1)
        free = (
            middle
            for middle in (down + away, down - away)
            if top <= middle - line / 2 and middle + line / 2 <= bottom
            if all(abs(middle - other) >= line for other in taken)
            if all(abs(middle - other) > line / 2 for other, _side in borders)
        )
        found.append(middle := next(free, None))
        if middle is not None:
            taken.append(middle)
    return found


def _draw_borders(sheet: Sheet, chart: Chart) -> None:
    """With their words at that end where the line is further from the borders, which lie around 0."""
    plot, borders, values = sheet.plot, chart.borders, chart.lines[0].values
    at_the_end = abs(values[-1]) > abs(values[0])
    x = plot.right() - 4 if at_the_end else plot.left() + 4
    places: list[tuple[float, Side]] = [(sheet.y(border.height), border.side) for border in borders]
    middles = border_middles(places, line_height(sheet.theme), plot.top(), plot.bottom())
    for border, (down, _side), middle in zip(borders, places, middles, strict=True):
        sheet.dashes(QPointF(plot.left(), down), QPointF(plot.right(), down))
        if middle is not None:
            sheet.words(QPointF(x, middle), border.words, side="right" if at_the_end else "left")


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
