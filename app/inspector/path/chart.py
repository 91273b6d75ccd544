"""The three pictures of a path: each response's log-prob under both models, and the margin between them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
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

_RIM = 4.0
"""Pixels between words and the edge of the plot, or a curve."""


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
    # In the middle of its axis, unless that made it go on where no log-prob is.
    top = max(high, min((low + high + span) / 2, 0.0))
    return Chart(
        title=title,
        lines=(
            Line(colour=colour, words="policy", values=values[0], shape=shape),
            Line(colour="secondary", words="reference", values=values[1]),
        ),
        scale=Scale(top - span, top).padded(0.12),
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
    _draw_borders(sheet, chart, steps)
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
    borders: Sequence[tuple[float, Side]],
    line: float,
    top: float,
    bottom: float,
    curve: tuple[float, float] = (math.inf, -math.inf),
) -> list[float | None]:
    """At which height to say something of each border, so that nothing is written over anything.

    `borders`: how far down each one is, and on which side of it its words belong; `line`: the height of the
    words; `curve`: from where to where the curve goes down behind them. They go to the other side where there
    is no room, and nowhere where there is none either.
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
            if middle + line / 2 <= curve[0] or middle - line / 2 >= curve[1]
        )
        found.append(middle := next(free, None))
        if middle is not None:
            taken.append(middle)
    return found


def _draw_borders(sheet: Sheet, chart: Chart, steps: Sequence[int]) -> None:
    """With their words at that end where more of them find room; of equals, where the curve is further from
    the borders, which lie around 0."""
    plot, borders, values = sheet.plot, chart.borders, chart.lines[0].values
    places: list[tuple[float, Side]] = [(sheet.y(border.height), border.side) for border in borders]
    wide = max((sheet.wide(border.words) for border in borders), default=0.0) + _RIM

    def middles(*, at_the_end: bool) -> list[float | None]:
        left = plot.right() - wide if at_the_end else plot.left()
        curve = _curve_between(sheet, steps, values, left, left + wide)
        return border_middles(places, line_height(sheet.theme), plot.top(), plot.bottom(), curve)

    for down, _side in places:
        sheet.dashes(QPointF(plot.left(), down), QPointF(plot.right(), down))
    further_at_the_end = abs(values[-1]) > abs(values[0])
    found = {end: middles(at_the_end=end) for end in (further_at_the_end, not further_at_the_end)}
    at_the_end = max(found, key=lambda end: sum(middle is not None for middle in found[end]))
    x = plot.right() - _RIM if at_the_end else plot.left() + _RIM
    for border, middle in zip(borders, found[at_the_end], strict=True):
        if middle is not None:
            sheet.words(QPointF(x, middle), border.words, side="right" if at_the_end else "left")


def _curve_between(
    sheet: Sheet, steps: Sequence[int], values: Sequence[float], left: float, right: float
) -> tuple[float, float]:
    """The highest and the lowest that the curve is between these two, in pixels from the top."""
    across, down = [sheet.x(step) for step in steps], [sheet.y(value) for value in values]
    heights = [y for x, y in zip(across, down, strict=True) if left <= x <= right]
    heights += [float(np.interp(x, across, down)) for x in (left, right)]
    return min(heights) - _RIM, max(heights) + _RIM


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
