"""The scatter of chosen against rejected log-ratio: the three cases lie along its diagonal."""

from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPolygonF

from app.inspector.figures import Floats
from app.inspector.pictures.brush import Brushed, Kind
from app.inspector.pictures.drawing import Drawing, Stops
from app.inspector.pictures.material import Columns
from app.inspector.pictures.movement import Movement, movement
from app.inspector.pictures.selection import Region
from app.inspector.pictures.sheet import Axis, Sheet, Side, line_height
from app.inspector.pictures.words import movement_sentence, span_words
from app.inspector.wording import CASE_WORDS, count, decimal
from app.shell.palette import Space
from app.widgets.plot_export import Cell
from dpo_engine.pair_math import UNDECIDED_BELOW, case

_STEPS = 20
"""Cells that the keyboard steps by, along each axis."""


class MovementDrawing(Drawing):
    kind: Kind = "log_ratios"
    title = "Log-ratios"
    help = (
        "Each pair's log π_θ − log π_ref in nats: the chosen response upwards, the rejected to the right. "
        "Above the band a pair is learned, below it goes against the verdict; in it, less than 60 : 40."
    )

    def __init__(self) -> None:
        # Another β moves no pair here.
        self._known: tuple[Floats, Floats, Movement] | None = None

    def show_pairs(self, columns: Columns, strong: Brushed | None) -> None:
        self._columns, self._strong = columns, strong
        chosen, rejected = columns.chosen_log_ratio, columns.rejected_log_ratio
        known = self._known
        if known is None or not (np.array_equal(known[0], chosen) and np.array_equal(known[1], rejected)):
            known = self._known = (chosen, rejected, movement(columns))
        self._found = known[2]

    def axes(self) -> tuple[Axis, Axis]:
        return Axis(self._found.rejected, "rejected, nats"), Axis(self._found.chosen, "chosen, nats")

    def stops(self) -> Stops:
        x, y = self._found.rejected, self._found.chosen
        return Stops(np.linspace(x.low, x.high, _STEPS + 1), np.linspace(y.low, y.high, _STEPS + 1))

    def paint(self, sheet: Sheet) -> None:
        self._paint_band(sheet)
        x, y = self._columns.rejected_log_ratio, self._columns.chosen_log_ratio
        sheet.dots(x, y, "accent" if self._strong is None else "border_strong", of=len(x))
        if self._strong is not None:
            sheet.dots(x[self._strong.pairs], y[self._strong.pairs], "accent", of=len(x))
        self._paint_names(sheet)
        if self._found.beyond:
            sheet.draw_key([("accent", f"{self._found.beyond:,} beyond the rim", "bar")])

    def words_in(self, region: Region) -> str:
        columns = self._columns
        held = np.flatnonzero(region.holds(columns.rejected_log_ratio, columns.chosen_log_ratio))
        if len(held) == 1:
            chosen, rejected = columns.chosen_log_ratio[held[0]], columns.rejected_log_ratio[held[0]]
            margin = columns.beta * float(chosen - rejected)
            moved = f"chosen {decimal(float(chosen))}, rejected {decimal(float(rejected))}"
            return f"{moved}: margin {decimal(margin)}, {CASE_WORDS[case(margin)].lower()}"
        chosen_words, rejected_words = (span_words(span, "{:.1f}") for span in (region.y, region.x))
        return f"chosen {chosen_words}, rejected {rejected_words}: {count(len(held))}"

    def sentence(self) -> str:
        return movement_sentence(self._found)

    def csv_rows(self) -> Iterator[Sequence[Cell]]:
        yield ("rejected_log_ratio", "chosen_log_ratio", "margin", "brushed")
        columns = self._columns
        yield from zip(
            columns.rejected_log_ratio.tolist(),
            columns.chosen_log_ratio.tolist(),
            columns.margin.tolist(),
            [""] * len(columns) if self._strong is None else self._strong.pairs.astype(int).tolist(),
            strict=True,
        )

    def _paint_band(self, sheet: Sheet) -> None:
        """The undecided ones lie between chosen = rejected ± ln 1.5 / β."""
        half, painter = UNDECIDED_BELOW / self._columns.beta, sheet.painter
        x = self._found.rejected
        corners = [(x.low, -half), (x.high, -half), (x.high, half), (x.low, half)]
        band = QPolygonF([QPointF(sheet.x(at), sheet.y(at + away)) for at, away in corners])
        painter.setRenderHint(painter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(sheet.colour("sunken"))
        # Cut by hand: a drawing saved as SVG knows no clipping.
        painter.drawPolygon(band.intersected(QPolygonF(sheet.plot)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for away in (-half, half):
            self._paint_border(sheet, away)
        painter.setRenderHint(painter.RenderHint.Antialiasing, on=False)
        for zero in self._zero_lines(sheet):
            sheet.line(*zero, "border_strong")

    def _paint_border(self, sheet: Sheet, away: float) -> None:
        """The part of chosen = rejected + `away` that is in view."""
        x, y = self._found.rejected, self._found.chosen
        low, high = max(x.low, y.low - away), min(x.high, y.high - away)
        if low < high:
            start, end = (QPointF(sheet.x(at), sheet.y(at + away)) for at in (low, high))
            sheet.dashes(start, end)

    def _zero_lines(self, sheet: Sheet) -> list[tuple[QPointF, QPointF]]:
        plot = sheet.plot
        across, up = sheet.x(0.0), sheet.y(0.0)
        return [
            (QPointF(across, plot.top()), QPointF(across, plot.bottom())),
            (QPointF(plot.left(), up), QPointF(plot.right(), up)),
        ]

    def _paint_names(self, sheet: Sheet) -> None:
        """In the corner that lies farthest in a case; where the view does not reach it: undecided."""
        plot, x, y = sheet.plot, self._found.rejected, self._found.chosen
        half, line = UNDECIDED_BELOW / self._columns.beta, line_height(sheet.theme)
        above = QPointF(plot.left() + Space.XS, plot.top() + line / 2)
        below = QPointF(plot.right() - Space.XS, plot.bottom() - line / 2 - Space.XS)
        corners: tuple[tuple[str, float, QPointF, Side], ...] = (
            ("learned", y.high - x.low, above, "left"),
            ("against", x.high - y.low, below, "right"),
        )
        for name, gap, at, side in corners:
            words, ground = (name, "surface") if gap >= half else ("undecided", "sunken")
            sheet.words(at, words, side=side, ground=ground)
