"""How lines and points are drawn, in the plots and in their legends."""

import pyqtgraph as pg
from PySide6.QtGui import QColor, QPen

from app.shell.theme import Theme
from app.widgets.plots.chart import Trace

LINE_WIDTH = 1.6
POINT_SIZE = 7
SMALL_POINT_SIZE = 5
BAND_TINT = 0.22
"""Opacity of a band."""
_RAW_TINT = 0.3
"""Opacity of a line behind its smoothed self."""
_BESIDE_TINT = 0.5
_DASHES: tuple[list[float], ...] = ([2, 2], [7, 3], [7, 3, 2, 3], [12, 4], [2, 5], [12, 3, 2, 3, 2, 3])


def trace_pen(trace: Trace, theme: Theme) -> QPen:
    """The run shown."""
    return _pen(theme.colour(trace.colour), 1 if trace.marker else LINE_WIDTH, _own_dashes(trace))


def raw_pen(trace: Trace, theme: Theme) -> QPen:
    """The run shown, behind its smoothed line."""
    return _pen(tinted(theme.colour(trace.colour), _RAW_TINT), 1, [])


def faint_pen(trace: Trace, dash: int | None, theme: Theme) -> QPen:
    """A run beside, by the number of its pattern; None: the mean of a band."""
    dashes = _DASHES[dash % len(_DASHES)] if dash is not None else _own_dashes(trace)
    return _pen(tinted(theme.colour(trace.colour), _BESIDE_TINT), 1.2, dashes)


def tinted(colour: QColor, opacity: float) -> QColor:
    tint = QColor(colour)
    tint.setAlphaF(opacity)
    return tint


def _own_dashes(trace: Trace) -> list[float]:
    return [4, 3] if trace.style == "dashes" else []


def _pen(colour: QColor, width: float, dashes: list[float]) -> QPen:
    pen: QPen = pg.mkPen(colour, width=width)
    if dashes:
        pen.setDashPattern(dashes)
    return pen
