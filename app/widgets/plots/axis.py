"""The axes of a plot: few round numbers, a true minus sign, and the same words for the same value."""

import math
from collections.abc import Sequence

import pyqtgraph as pg

from app.shell.palette import FontSize
from app.shell.theme import Theme
from app.widgets.plots.ticks import log_ticks, words_of_ticks


def dress_axes(plot: pg.PlotWidget, theme: Theme) -> None:
    """Give a plot's ground, lines and figures the theme's present colours and fonts."""
    plot.setBackground(theme.colour("surface"))
    for side in ("left", "bottom"):
        axis = plot.getPlotItem().getAxis(side)
        axis.setPen(pg.mkPen(theme.colour("border")))
        axis.setTextPen(pg.mkPen(theme.colour("faint")))
        axis.setStyle(tickFont=theme.figures(FontSize.CAPTION))


class FigureAxis(pg.AxisItem):  # type: ignore[misc]
    """`log`: positions are logarithms to base 10. Positions are what is written."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.log = False

    def set_log(self, log: bool) -> None:
        if log != self.log:
            self.log = log
            self.picture = None
            self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        if not self.log:
            levels: list[tuple[float, list[float]]] = super().tickValues(low, high, size)
            return levels[:1]
        return [(1.0, [math.log10(value) for value in log_ticks(low, high)])]

    def tickStrings(self, values: Sequence[float], _scale: float, _spacing: float) -> list[str]:
        return words_of_ticks([10.0**value if self.log else value for value in values])
