"""The places of a picture: from pixels to numbers, and the cells that keys step by and a brush snaps to."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from app.inspector.figures import Floats
from app.inspector.pictures.drawing import Stops
from app.inspector.pictures.scales import Scale
from app.inspector.pictures.selection import Point, Region, Span
from app.inspector.pictures.sheet import Axis

Cell = tuple[int, int]
"""Counted from the left and from below; the second is 0 where height does not count."""


class Grid:
    """The axes of a picture as it stands, cut into cells."""

    def __init__(self, x: Axis, y: Axis, stops: Stops) -> None:
        self.x, self.y = x, y
        self._stops = stops

    @property
    def has_height(self) -> bool:
        return self._stops.y is not None

    def value_at(self, position: QPointF, plot: QRectF) -> Point:
        """The numbers at a pixel, those of the rim for one outside."""
        across = (position.x() - plot.left()) / max(plot.width(), 1.0)
        up = (plot.bottom() - position.y()) / max(plot.height(), 1.0)
        return _between(self.x.scale, across), _between(self.y.scale, up)

    def cell_at(self, position: QPointF, plot: QRectF) -> Cell:
        x, y = self.value_at(position, plot)
        column = int(np.searchsorted(self._stops.x, x, side="right")) - 1
        row = 0 if self._stops.y is None else int(np.searchsorted(self._stops.y, y, side="right")) - 1
        return self.within((column, row))

    def within(self, cell: Cell) -> Cell:
        """The nearest cell that there is."""
        columns, rows = _cells(self._stops.x), 1 if self._stops.y is None else _cells(self._stops.y)
        return min(max(cell[0], 0), columns - 1), min(max(cell[1], 0), rows - 1)

    def start(self) -> Cell:
        """Where the cursor begins: the cell that holds 0 or is nearest to it."""
        column = int(np.searchsorted(self._stops.x, 0.0, side="right")) - 1
        row = 0 if self._stops.y is None else int(np.searchsorted(self._stops.y, 0.0, side="right")) - 1
        return self.within((column, row))

    def region(self, first: Cell, last: Cell | None = None) -> Region:
        """All from one cell to the other."""
        last = last or first
        x = _span(self._stops.x, first[0], last[0]).opened(self.x.scale)
        if self._stops.y is None:
            return Region(x)
        return Region(x, _span(self._stops.y, first[1], last[1]).opened(self.y.scale))

    def rectangle_of(self, region: Region, plot: QRectF) -> QRectF:
        """The pixels of a region, as far as it is in view."""
        left, right = _shares(region.x, self.x.scale)
        bottom, top = _shares(region.y, self.y.scale)
        return QRectF(
            QPointF(plot.left() + left * plot.width(), plot.bottom() - top * plot.height()),
            QPointF(plot.left() + right * plot.width(), plot.bottom() - bottom * plot.height()),
        )


def _between(scale: Scale, share: float) -> float:
    return scale.low + min(max(share, 0.0), 1.0) * scale.length


def _cells(stops: Floats) -> int:
    return len(stops) - 1


def _span(stops: Floats, first: int, last: int) -> Span:
    return Span(float(stops[min(first, last)]), float(stops[max(first, last) + 1]))


def _shares(span: Span, scale: Scale) -> tuple[float, float]:
    low = 0.0 if math.isinf(span.low) else (span.low - scale.low) / scale.length
    high = 1.0 if math.isinf(span.high) else (span.high - scale.low) / scale.length
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
