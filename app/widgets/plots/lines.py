"""The drawn items of one trace: its line, the smoothed line before it, its marked points; and a band.

Each `draw` takes what is in sight and gives the lowest and the highest value that it drew.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath, QPolygonF
from PySide6.QtWidgets import QGraphicsPathItem

from app.shell.theme import Theme
from app.widgets.plots.canvas import PlotCanvas
from app.widgets.plots.chart import Trace
from app.widgets.plots.pens import (
    BAND_TINT,
    POINT_SIZE,
    SMALL_POINT_SIZE,
    faint_pen,
    raw_pen,
    tinted,
    trace_pen,
)
from app.widgets.plots.points import Floats
from app.widgets.plots.series import Series
from app.widgets.plots.spread import Spread

Extent: TypeAlias = tuple[float, float]

_BUCKETS_A_MARK = 5


@dataclass(frozen=True, kw_only=True)
class Sight:
    """The part of the curves that is drawn, and how a value becomes a height."""

    low: float
    high: float
    buckets: int
    scale: float
    log: bool

    def heights(self, y: Floats) -> Floats:
        """NaN where there is none: of a value that is not positive on a logarithmic axis."""
        y = y * self.scale
        if not self.log:
            return y
        return np.log10(np.where(y > 0, y, np.nan))

    def set_data(self, curve: pg.PlotCurveItem, series: Series) -> Extent | None:
        """Put into the curve what is in sight of the series, with its gaps."""
        x, y, joined = series.pieces(self.low, self.high, self.buckets)
        heights = self.heights(y)
        there = np.isfinite(heights)
        if not there.all():
            joined = joined & there & np.append(there[1:], False)
        curve.setData(x, np.where(there, heights, 0.0), connect="all" if joined[:-1].all() else joined)
        return (float(heights[there].min()), float(heights[there].max())) if there.any() else None

    def edge(self, series: Series) -> tuple[Floats, Floats]:
        """x and heights of a line without gaps."""
        x, y = series.envelope(self.low, self.high, self.buckets)
        heights = self.heights(y)
        there = np.isfinite(heights)
        return x[there], heights[there]

    def marks(self, series: Series) -> tuple[Floats, Floats]:
        """The same of points that stand apart from each other: where they would touch, of every few one."""
        first, last = np.searchsorted(series.x, (self.low, self.high))
        stride = max(1, int(last - first) // max(1, self.buckets // _BUCKETS_A_MARK))
        places = np.arange(-(-first // stride) * stride, last + 1, stride)
        places = places[places < len(series)]
        heights = self.heights(series.y[places])
        there = np.isfinite(heights)
        return series.x[places][there], heights[there]


class Line:
    """A trace of the run shown, or (with `dash`) of a run beside it."""

    def __init__(self, canvas: PlotCanvas, trace: Trace, theme: Theme, dash: int | None = None) -> None:
        self.trace = trace
        self._canvas, self._theme, self._dash = canvas, theme, dash
        self._behind = False
        """A smoothed line is drawn before the line as it came."""
        height = (10 if trace.marker else 5) - (0 if dash is None else 3)
        self._raw = self._new_curve(height)
        self._smooth = self._new_curve(height + 1)
        self._points: pg.ScatterPlotItem | None = None
        if trace.marker:
            self._points = pg.ScatterPlotItem(pxMode=True, antialias=True)
            self._points.setZValue(height + 2)
            canvas.addItem(self._points, ignoreBounds=True)
        self.restyle()

    def drawn(self) -> tuple[list[float], list[float]]:
        """The points of the line that is in the picture."""
        x, y = self._raw.getData()
        return ([], []) if x is None else (list(x), list(y))

    def points(self) -> tuple[Floats, Floats]:
        """The same as arrays."""
        x, y = self._raw.getData()
        return (np.zeros(0), np.zeros(0)) if x is None else (x, y)

    def draw(self, series: Series | None, smoothed: Series | None, sight: Sight) -> Extent | None:
        """`smoothed` is drawn before the line, which is faint then; behind a run beside there is none."""
        if series is None or not len(series):
            self.clear()
            return None
        if smoothed is not None and self._dash is not None:
            series, smoothed = smoothed, None
        extent = sight.set_data(self._raw, series)
        if self._behind != (smoothed is not None):
            self._behind = smoothed is not None
            self._raw.setPen(self._pen())
        if smoothed is None:
            self._smooth.clear()
        else:
            sight.set_data(self._smooth, smoothed)
        if self._points is not None:
            self._points.setData(*sight.marks(series))
        return extent

    def clear(self) -> None:
        for item in (self._raw, self._smooth, *([self._points] if self._points is not None else [])):
            item.clear()

    def remove(self) -> None:
        """Out of the plot, for good."""
        for item in (self._raw, self._smooth, *([self._points] if self._points is not None else [])):
            self._canvas.removeItem(item)

    def restyle(self) -> None:
        self._raw.setPen(self._pen())
        self._smooth.setPen(trace_pen(self.trace, self._theme))
        if self._points is not None:
            colour, surface = self._theme.colour(self.trace.colour), self._theme.colour("surface")
            shown = self._dash is None
            self._points.setSymbol(self.trace.marker)
            self._points.setSize(POINT_SIZE if shown else SMALL_POINT_SIZE)
            self._points.setPen(pg.mkPen(surface if shown else colour, width=1))
            self._points.setBrush(colour if shown else surface)

    def _pen(self) -> object:
        if self._dash is not None:
            return faint_pen(self.trace, self._dash, self._theme)
        return raw_pen(self.trace, self._theme) if self._behind else trace_pen(self.trace, self._theme)

    def _new_curve(self, height: int) -> pg.PlotCurveItem:
        curve = pg.PlotCurveItem(antialias=True, skipFiniteCheck=True)
        self._canvas.addItem(curve, ignoreBounds=True)
        curve.setZValue(height)
        return curve


class Band:
    """From the lowest to the highest of several runs, with their mean."""

    def __init__(self, canvas: PlotCanvas, trace: Trace, theme: Theme) -> None:
        self.trace = trace
        self._canvas, self._theme = canvas, theme
        self._area = QGraphicsPathItem()
        self._area.setZValue(1)
        canvas.addItem(self._area, ignoreBounds=True)
        self._mean = pg.PlotCurveItem(antialias=True, skipFiniteCheck=True)
        self._mean.setZValue(2)
        canvas.addItem(self._mean, ignoreBounds=True)
        self.restyle()

    def draw(self, spread: Spread, sight: Sight) -> Extent | None:
        if not len(spread.mean):
            self.clear()
            return None
        sight.set_data(self._mean, spread.mean)
        (over_x, over_y), (under_x, under_y) = sight.edge(spread.high), sight.edge(spread.low)
        path = QPainterPath()
        outline = zip(
            np.concatenate([over_x, under_x[::-1]]).tolist(),
            np.concatenate([over_y, under_y[::-1]]).tolist(),
            strict=True,
        )
        path.addPolygon(QPolygonF([QPointF(one, other) for one, other in outline]))
        self._area.setPath(path)
        return (float(under_y.min()), float(over_y.max())) if len(over_y) and len(under_y) else None

    def clear(self) -> None:
        self._mean.clear()
        self._area.setPath(QPainterPath())

    def remove(self) -> None:
        for item in (self._area, self._mean):
            self._canvas.removeItem(item)

    def restyle(self) -> None:
        self._mean.setPen(faint_pen(self.trace, None, self._theme))
        self._area.setPen(pg.mkPen(None))
        self._area.setBrush(tinted(self._theme.colour(self.trace.colour), BAND_TINT))
