"""Margin against the difference in length, with means over bins: does it learn length?"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF

from app.inspector.figures import Floats
from app.inspector.pictures.brush import Brushed, Kind
from app.inspector.pictures.drawing import Drawing, Stops
from app.inspector.pictures.length_bias import LengthBias, Means, length_bias
from app.inspector.pictures.material import Columns
from app.inspector.pictures.scales import Scale, scale_of
from app.inspector.pictures.selection import Region
from app.inspector.pictures.sheet import Axis, Sample, Sheet
from app.inspector.pictures.words import length_sentence, span_words
from app.inspector.wording import count, decimal
from app.widgets.plot_export import Cell

_STEPS = 20


class LengthDrawing(Drawing):
    kind: Kind = "length"
    title = "Length"
    help = (
        "Margin upwards, tokens of the chosen minus those of the rejected response to the right. Points with "
        "bars: means over equally many pairs, with 95 % intervals. A slope says that length is being learned."
    )

    def __init__(self) -> None:
        self._known: tuple[Floats, Floats, LengthBias] | None = None

    def show_pairs(self, columns: Columns, strong: Brushed | None) -> None:
        self._columns, self._strong = columns, strong
        self._margin = columns.margin
        self._bias = self._bias_at_beta(columns)
        difference = columns.length_difference
        self._x: Scale = scale_of(difference).padded(0.04)
        self._y: Scale = scale_of(self._margin).padded(0.04)
        self._beyond = int(
            np.count_nonzero(
                (difference < self._x.low)
                | (difference > self._x.high)
                | (self._margin < self._y.low)
                | (self._margin > self._y.high)
            )
        )

    def axes(self) -> tuple[Axis, Axis]:
        return Axis(self._x, "chosen − rejected, tokens"), Axis(self._y, "margin")

    def stops(self) -> Stops:
        x = np.linspace(self._x.low, self._x.high, _STEPS + 1)
        return Stops(x, np.linspace(self._y.low, self._y.high, _STEPS + 1))

    def paint(self, sheet: Sheet) -> None:
        left, right, up = sheet.plot.left(), sheet.plot.right(), sheet.y(0.0)
        sheet.line(QPointF(left, up), QPointF(right, up), "border_strong")
        across = sheet.x(0.0)
        sheet.line(QPointF(across, sheet.plot.top()), QPointF(across, sheet.plot.bottom()), "border_strong")
        x, y = self._columns.length_difference, self._margin
        sheet.dots(x, y, "accent" if self._strong is None else "border_strong", of=len(x))
        if self._strong is not None:
            sheet.dots(x[self._strong.pairs], y[self._strong.pairs], "accent", of=len(x))
        # Of all pairs: those that a brush picked by their margin would have means that say nothing.
        means = self._bias.means
        _paint_means(sheet, means)
        key: list[tuple[str, str, Sample]] = []
        if means.pairs.size:
            key.append(("text", f"mean of {means.pairs.min():,}+", "circle"))
        if self._beyond:
            key.append(("accent", f"{self._beyond:,} beyond the rim", "bar"))
        sheet.draw_key(key)

    def words_in(self, region: Region) -> str:
        held = np.flatnonzero(region.holds(self._columns.length_difference, self._margin))
        if len(held) == 1:
            tokens = self._columns.length_difference[held[0]]
            return f"{tokens:+,.0f} tokens: margin {decimal(float(self._margin[held[0]]))}".replace("-", "−")
        tokens_words, margin_words = span_words(region.x, "{:.0f}"), span_words(region.y)
        return f"{tokens_words} tokens, margin {margin_words}: {count(len(held))}"

    def sentence(self) -> str:
        return length_sentence(self._bias)

    def csv_rows(self) -> Iterator[Sequence[Cell]]:
        yield ("length_difference", "margin", "brushed")
        yield from zip(
            self._columns.length_difference.tolist(),
            self._margin.tolist(),
            [""] * len(self._columns) if self._strong is None else self._strong.pairs.astype(int).tolist(),
            strict=True,
        )

    def _bias_at_beta(self, columns: Columns) -> LengthBias:
        """Sorting is what costs, and another β changes no order: what was found is scaled."""
        gap, difference = columns.gap, columns.length_difference
        known = self._known
        if known is None or not (np.array_equal(known[0], gap) and np.array_equal(known[1], difference)):
            known = self._known = (gap, difference, length_bias(difference, gap))
        return known[2].scaled(columns.beta)


def _paint_means(sheet: Sheet, means: Means) -> None:
    clamp = sheet.y_axis.scale.clamped
    points = [
        QPointF(sheet.x(x), sheet.y(y)) for x, y in zip(means.x.tolist(), means.y.tolist(), strict=True)
    ]
    for point, low, high in zip(points, clamp(means.low).tolist(), clamp(means.high).tolist(), strict=True):
        sheet.line(QPointF(point.x(), sheet.y(low)), QPointF(point.x(), sheet.y(high)), "text", width=1.6)
    for start, end in pairwise(points):
        sheet.line(start, end, "text")
    for point in points:
        sheet.mark(point, "circle", "text")
