"""The histogram of margins, before and after, with the borders of the three cases."""

from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from app.inspector.figures import Floats, Ints
from app.inspector.pictures.brush import Brushed, Kind
from app.inspector.pictures.drawing import Drawing, Stops
from app.inspector.pictures.histogram import Histogram, counted, histogram
from app.inspector.pictures.material import Columns
from app.inspector.pictures.scales import Scale, places_for, quantile
from app.inspector.pictures.selection import Region, Span
from app.inspector.pictures.sheet import Axis, Sheet, line_height
from app.inspector.pictures.words import span_words, spread_sentence
from app.inspector.wording import count, decimal, percent
from app.widgets.plot_export import Cell
from dpo_engine.pair_math import UNDECIDED_BELOW, Case

_HEADROOM = 1.2
"""Times the tallest bar: the names of the cases stand above it."""


class SpreadDrawing(Drawing):
    kind: Kind = "margins"
    title = "Margins"
    help = (
        "How many pairs have which reward margin, β · (chosen − rejected log-ratio). Dashed: the borders "
        "of the cases, a preference of 60 : 40 either way."
    )

    def show_pairs(self, columns: Columns, strong: Brushed | None) -> None:
        self._columns, self._margin = columns, columns.margin
        self._before = None if columns.before is None else columns.beta * columns.before
        self._found: Histogram = histogram(self._margin, self._before)
        self._strong: Ints = self._found.counts
        if strong is not None:
            self._strong = counted(np.sort(self._margin[strong.pairs]), self._found.edges)
        self._is_brushed = strong is not None

    def axes(self) -> tuple[Axis, Axis]:
        found = self._found
        scale, decimals = found.scale, places_for(found.width)
        low, high = (decimal(edge, decimals) for edge in (found.edges[1], found.edges[-2]))
        ends = (f"< {low}" if scale.open_low else "", f"≥ {high}" if scale.open_high else "")
        tallest = max(1, int(found.counts.max()), 0 if found.before is None else int(found.before.max()))
        return (
            Axis(scale, "margin", ends=ends),
            Axis(Scale(0.0, tallest * _HEADROOM), "pairs", whole=True),
        )

    def stops(self) -> Stops:
        return Stops(self._found.edges)

    def paint(self, sheet: Sheet) -> None:
        self._paint_cases(sheet)
        found = self._found
        if self._is_brushed:
            self._paint_bars(sheet, found.counts, "border_strong")
        self._paint_bars(sheet, self._strong, "accent")
        if found.before is None:
            zero, top = sheet.x(0.0), sheet.plot.top() + line_height(sheet.theme)
            sheet.line(QPointF(zero, top), QPointF(zero, sheet.plot.bottom()), "secondary", width=1.6)
        else:
            self._paint_steps(sheet, found.before)
        now = "brushed" if self._is_brushed else "now"
        sheet.draw_key([("accent", now, "bar"), ("secondary", "before", "line")])

    def words_in(self, region: Region) -> str:
        number = int(np.count_nonzero(region.x.holds(self._margin)))
        share = percent(number / max(1, len(self._columns)))
        was = ""
        if self._before is not None:
            was = f", before {int(np.count_nonzero(region.x.holds(self._before))):,}"
        places = max(1, places_for(self._found.width))
        return f"{span_words(region.x, f'{{:.{places}f}}')}: {count(number)} ({share}){was}"

    def sentence(self) -> str:
        known = None if self._before is None else self._before[np.isfinite(self._before)]
        return spread_sentence(_cases(self._margin), _median(self._margin) or 0.0, _median(known))

    def csv_rows(self) -> Iterator[Sequence[Cell]]:
        yield ("from", "to", "pairs", "pairs_before", "pairs_brushed")
        found = self._found
        for place, pairs in enumerate(found.counts.tolist()):
            span = Span(float(found.edges[place]), float(found.edges[place + 1])).opened(found.scale)
            before = None if found.before is None else int(found.before[place])
            yield (span.low, span.high, pairs, before, int(self._strong[place]) if self._is_brushed else None)

    def _paint_bars(self, sheet: Sheet, counts: Ints, colour: str) -> None:
        edges, floor = self._found.edges, sheet.plot.bottom()
        fill = sheet.colour(colour)
        for place in np.flatnonzero(counts).tolist():
            left, right = sheet.x(float(edges[place])), sheet.x(float(edges[place + 1]))
            # A bar of one pair among a hundred thousand still shows.
            top = min(sheet.y(float(counts[place])), floor - 1.5)
            gap = 1.0 if right - left > 4 else 0.0
            sheet.painter.fillRect(QRectF(left, top, right - left - gap, floor - top), fill)

    def _paint_steps(self, sheet: Sheet, counts: Ints) -> None:
        edges, height = self._found.edges, sheet.plot.bottom()
        for place, number in enumerate(counts.tolist()):
            left, right = sheet.x(float(edges[place])), sheet.x(float(edges[place + 1]))
            top = sheet.y(float(number))
            sheet.line(QPointF(left, height), QPointF(left, top), "secondary", width=1.6)
            sheet.line(QPointF(left, top), QPointF(right, top), "secondary", width=1.6)
            height = top
        right = sheet.plot.right()
        sheet.line(QPointF(right, height), QPointF(right, sheet.plot.bottom()), "secondary", width=1.6)

    def _paint_cases(self, sheet: Sheet) -> None:
        plot, scale = sheet.plot, self._found.scale
        top = plot.top() + line_height(sheet.theme) / 2
        for border in (-UNDECIDED_BELOW, UNDECIDED_BELOW):
            if scale.low < border < scale.high:
                sheet.dashes(QPointF(sheet.x(border), plot.top()), QPointF(sheet.x(border), plot.bottom()))
        stretches = (
            ("against", scale.low, min(scale.high, -UNDECIDED_BELOW)),
            ("undecided", max(scale.low, -UNDECIDED_BELOW), min(scale.high, UNDECIDED_BELOW)),
            ("learned", max(scale.low, UNDECIDED_BELOW), scale.high),
        )
        for words, low, high in stretches:
            if low < high and sheet.room_for(words, sheet.x(high) - sheet.x(low)):
                middle = (sheet.x(low) + sheet.x(high)) / 2
                sheet.words(QPointF(middle, top), words, side="middle")


def _median(values: Floats | None) -> float | None:
    return quantile(np.sort(values), 0.5) if values is not None and values.size else None


def _cases(margin: Floats) -> dict[Case, int]:
    learned = int(np.count_nonzero(margin >= UNDECIDED_BELOW))
    against = int(np.count_nonzero(margin <= -UNDECIDED_BELOW))
    return {"learned": learned, "undecided": len(margin) - learned - against, "against": against}
