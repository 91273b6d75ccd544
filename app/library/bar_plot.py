"""Bars over an axis, drawn by pyqtgraph in the app's colours: to be looked at, not to be dragged about."""

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QWheelEvent

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme
from app.widgets.plots.axis import dress_axes

_LEFT_AXIS = 44


class BarPlot(pg.PlotWidget):  # type: ignore[misc]
    """`show_bars` takes the place of what there was. What it says in words belongs beside it."""

    def __init__(self, name: str, theme: Theme) -> None:
        super().__init__(enableMenu=False)
        self._theme = theme
        self._items: list[tuple[pg.BarGraphItem, str]] = []
        self._line: pg.InfiniteLine | None = None
        item = self.getPlotItem()
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.setContentsMargins(0, Space.S, 0, 0)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=0, tickTextOffset=Space.XS, maxTickLevel=0)
        item.getAxis("left").setGrid(255)
        item.getAxis("left").setZValue(-1000)
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)
        self.restyle()
        theme.changed.connect(self.restyle)

    def show_bars(
        self,
        groups: Sequence[tuple[Sequence[float], Sequence[float], str]],
        *,
        width: float,
        ticks: Sequence[tuple[float, str]] | None = None,
        zero: bool = False,
        room_for: int = 0,
    ) -> None:
        """`groups`: where the bars stand, how high they are, and their palette colour; one group on another
        where they share a place. `zero`: a line at 0. `room_for`: at least so many bars."""
        item = self.getPlotItem()
        item.clear()
        self._items.clear()
        self._line = None
        floor: dict[float, float] = {}
        for places, heights, colour in groups:
            below = [floor.get(place, 0.0) for place in places]
            bars = pg.BarGraphItem(x=list(places), height=list(heights), width=width, y0=below)
            item.addItem(bars)
            self._items.append((bars, colour))
            for place, height in zip(places, heights, strict=True):
                floor[place] = floor.get(place, 0.0) + height
        if zero:
            self._line = pg.InfiniteLine(pos=0, angle=90, movable=False)
            item.addItem(self._line, ignoreBounds=True)
        top = max(floor.values(), default=1.0)
        left, right = min(floor, default=0.0) - width, max(floor, default=1.0) + width
        left = min(left, right - room_for)
        item.setRange(xRange=(left, right), yRange=(0, top * 1.06), padding=0)
        item.getAxis("bottom").setTicks(None if ticks is None else [list(ticks)])
        self.restyle()

    def restyle(self) -> None:
        """Take colours and fonts from the theme again."""
        colour, item = self._theme.colour, self.getPlotItem()
        dress_axes(self, self._theme)
        item.getAxis("left").setWidth(self._theme.px(_LEFT_AXIS))
        item.getAxis("bottom").setHeight(self._theme.px(FontSize.CAPTION) + 2 * Space.S)
        for bars, name in self._items:
            bars.setOpts(brush=colour(name), pen=None)
        if self._line is not None:
            self._line.setPen(pg.mkPen(colour("text"), width=1))

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(240), self._theme.px(180))

    def wheelEvent(self, event: QWheelEvent) -> None:
        # The page around it scrolls.
        event.ignore()
