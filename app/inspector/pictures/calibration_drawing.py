"""Reliability on held-out verdicts: how often they agree with the policy against how sure it is."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF

from app.inspector.pictures.brush import Brushed, Kind
from app.inspector.pictures.calibration import Calibration, Reliability, calibration, confidence_of
from app.inspector.pictures.drawing import Drawing, Stops
from app.inspector.pictures.material import Columns
from app.inspector.pictures.scales import Scale
from app.inspector.pictures.selection import Region
from app.inspector.pictures.sheet import Axis, Shape, Sheet, line_height
from app.inspector.pictures.words import PICKED, calibration_sentence, reliability_words
from app.inspector.wording import count, percent
from app.widgets.plot_export import Cell

_SURE = Scale(0.5, 1.0)
_AGREE = Scale(0.0, 1.0)


class CalibrationDrawing(Drawing):
    kind: Kind = "calibration"
    title = "Calibration"
    help = (
        "Only held-out pairs. To the right: how sure the policy is of the response it favours, σ(|margin|). "
        "Upwards: how often the verdict chose that response, with 95 % intervals. On the dashed line it is "
        "right as often as it says."
    )

    def show_pairs(self, columns: Columns, strong: Brushed | None) -> None:
        self._columns = columns
        self._all = self._found = _calibration_of(columns.only(columns.held_out))
        self._own, self._rug = False, np.empty(0)
        if strong is None:
            return
        brushed = columns.only(strong.pairs & columns.held_out)
        if strong.kind == self.kind:
            self._own, self._found = True, _calibration_of(brushed)
        else:
            # Picked by margin, they cannot be judged by it; where they stand can be shown.
            self._rug = confidence_of(brushed.margin[brushed.gap != 0])

    def axes(self) -> tuple[Axis, Axis]:
        return (
            Axis(_SURE, "confidence of the policy", percent=True),
            Axis(_AGREE, "agreement", percent=True),
        )

    def stops(self) -> Stops:
        """The borders of its bins, so that a brush takes whole ones."""
        inner = [one.low for one in self._all.overall.bins[1:]] if self._all.overall else []
        return Stops(np.array([_SURE.low, *inner, _SURE.high]))

    def paint(self, sheet: Sheet) -> None:
        plot = sheet.plot
        sheet.painter.setRenderHint(sheet.painter.RenderHint.Antialiasing)
        sheet.dashes(QPointF(plot.left(), sheet.y(0.5)), QPointF(plot.right(), plot.top()))
        sheet.painter.setRenderHint(sheet.painter.RenderHint.Antialiasing, on=False)
        if self._found.overall is None:
            return
        if self._own and self._all.overall is not None:
            _paint_bins(sheet, self._all.overall, "border_strong", "circle")
        entries: list[tuple[str, str, Shape]] = []
        kinds: tuple[tuple[Reliability | None, str, Shape], ...] = (
            (self._found.better, "better", "triangle"),
            (self._found.much_better, "much better", "square"),
        )
        for found, words, shape in kinds:
            if found is not None:
                _paint_summary(sheet, found, shape)
                entries.append(("secondary", words, shape))
        _paint_bins(sheet, self._found.overall, "accent", "circle")
        if entries:
            sheet.draw_key([("accent", "all", "circle"), *entries])
        else:
            at = QPointF(plot.right(), plot.bottom() - line_height(sheet.theme) / 2)
            words = count(self._found.overall.verdicts, "verdict")
            sheet.words(at, words, side="right", ground="surface")

        if self._rug.size:
            sheet.dots(self._rug, np.full(self._rug.shape, 0.02), "accent", of=len(self._columns))

    def words_in(self, region: Region) -> str:
        overall = self._found.overall
        bins = (
            [one for one in overall.bins if region.x.low <= one.confidence < region.x.high] if overall else []
        )
        if not bins:
            return "no held-out verdict here"
        verdicts = sum(one.verdicts for one in bins)
        agree = sum(one.agreement * one.verdicts for one in bins) / verdicts
        sure = sum(one.confidence * one.verdicts for one in bins) / verdicts
        words = f"{percent(sure, 0)} sure, {percent(agree, 0)} of {count(verdicts, 'verdict')} agree"
        if len(bins) == 1:
            between = f"{100 * bins[0].interval.low:.0f} to {percent(bins[0].interval.high, 0)}"
            words += f" ({between})"
        return words

    def sentence(self) -> str:
        if self._columns.picked_by_case:
            return PICKED
        words = calibration_sentence(self._found)
        kinds = (("Better", self._found.better), ("Much better", self._found.much_better))
        return " ".join([words, *(f"{name}: {reliability_words(one)}." for name, one in kinds if one)])

    def csv_rows(self) -> Iterator[Sequence[Cell]]:
        yield ("verdicts_that_said", "verdicts", "confidence", "agreement", "low", "high")
        kinds = (
            ("any", self._found.overall),
            ("better", self._found.better),
            ("much better", self._found.much_better),
        )
        for name, found in kinds:
            for one in found.bins if found else ():
                low, high = one.interval.low, one.interval.high
                yield (name, one.verdicts, one.confidence, one.agreement, low, high)


def _calibration_of(held_out: Columns) -> Calibration:
    if held_out.picked_by_case:
        return Calibration(held_out=len(held_out), overall=None, better=None, much_better=None)
    return calibration(held_out.margin, held_out.strength)


def _paint_bins(sheet: Sheet, found: Reliability, colour: str, shape: Shape) -> None:
    points = [QPointF(sheet.x(one.confidence), sheet.y(one.agreement)) for one in found.bins]
    for point, one in zip(points, found.bins, strict=True):
        low, high = sheet.y(one.interval.low), sheet.y(one.interval.high)
        sheet.line(QPointF(point.x(), low), QPointF(point.x(), high), colour, width=1.6)
    for start, end in pairwise(points):
        sheet.line(start, end, colour)
    for point in points:
        sheet.mark(point, shape, colour)


def _paint_summary(sheet: Sheet, found: Reliability, shape: Shape) -> None:
    """All verdicts of one kind as one hollow point with its interval."""
    across = sheet.x(found.confidence)
    low, high = sheet.y(found.interval.low), sheet.y(found.interval.high)
    sheet.line(QPointF(across, low), QPointF(across, high), "secondary")
    sheet.mark(QPointF(across, sheet.y(found.agreement)), shape, "secondary", size=9, ring=True)
