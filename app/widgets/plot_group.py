"""Live plots that belong together: one clock that paints them, one range of steps, one cursor.

The clock runs only while something is left to paint. The range follows the data until a person zooms;
then it stays where it was put until a double click (or 0) lets it go.
"""

import math
import time
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, QTimer

from app.widgets.live_plot import LivePlot
from app.widgets.series import Series

PAINT_INTERVAL_MS = 66
_SECONDS_A_TURN = 0.004
"""Painting goes on for no longer than this before the window's other work has its turn."""
_FEWEST_STEPS = 10
_NARROWEST = 2.0


class PlotGroup(QObject):
    """Owns no widgets: the plots live in the page's layout."""

    def __init__(self, plots: Sequence[LivePlot] = (), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._plots: list[LivePlot] = []
        self._series: Mapping[str, Series] = {}
        self._planned = 0
        self._cursor: float | None = None
        self._noticed = False
        self._round: list[LivePlot] = []
        self._zoom: tuple[float, float] | None = None
        self._clock = QTimer(self)
        self._clock.setInterval(PAINT_INTERVAL_MS)
        self._clock.timeout.connect(self._on_clock_timeout)
        for plot in plots:
            self.add(plot)

    def add(self, plot: LivePlot) -> None:
        self._plots.append(plot)
        plot.show_series(self._series)
        plot.exposed.connect(self.notice)
        plot.zoom_wanted.connect(self._on_plot_zoom_wanted)
        plot.reset_wanted.connect(self.reset_zoom)
        plot.cursor_left.connect(self._on_plot_cursor_left)
        plot.cursor_wanted.connect(lambda x: self._move_cursor(plot, x))
        plot.cursor_stepped.connect(lambda how: self._step_cursor(plot, how))

    @property
    def is_ticking(self) -> bool:
        return self._clock.isActive()

    @property
    def zoomed(self) -> bool:
        return self._zoom is not None

    def show_series(self, series: Mapping[str, Series], planned_steps: int = 0) -> None:
        """Draw another run's series, zoomed out; the step axis is laid out for its planned steps."""
        self._series = series
        self._planned = planned_steps
        self._zoom = None
        self._set_cursor(None)
        for plot in self._plots:
            plot.show_series(series)
        self.notice()

    def set_planned_steps(self, steps: int) -> None:
        self._planned = steps
        self.notice()

    def notice(self) -> None:
        """Something changed (points came, a plot came into sight): paint at the next tick."""
        self._noticed = True
        if not self._clock.isActive():
            self._clock.start()

    def reset_zoom(self) -> None:
        self._zoom = None
        self.notice()

    def paint(self) -> int:
        """Paint now all that is stale and in sight; how many plots that were."""
        self._lay_out_steps()
        return sum([plot.paint_if_stale() for plot in self._plots])

    def _lay_out_steps(self) -> None:
        low, high = self._zoom or self._whole_range()
        for plot in self._plots:
            plot.set_steps(low, high)

    def _whole_range(self) -> tuple[float, float]:
        """From 0 to a little beyond the last step. The end grows by doubling (or to what is planned), so
        that the axis stands still while points come."""
        last = max((point[0] for series in self._series.values() if (point := series.last)), default=0.0)
        wanted = max(last, float(_FEWEST_STEPS))
        end = _FEWEST_STEPS * 2 ** math.ceil(math.log2(wanted / _FEWEST_STEPS))
        if self._planned >= last > 0:
            end = min(end, max(self._planned, 1))
        return 0.0, float(end)

    def _on_clock_timeout(self) -> None:
        if not (self._noticed or self._round):
            self._clock.stop()
        elif not self._round:
            self._noticed = False
            self._lay_out_steps()
            self._round = list(self._plots)
            self._paint_round()

    def _paint_round(self) -> None:
        """Each plot once a round, however fast the points come; the window's other work has its turns."""
        start = time.perf_counter()
        while self._round and time.perf_counter() - start < _SECONDS_A_TURN:
            self._round.pop(0).paint_if_stale()
        if self._round:
            QTimer.singleShot(0, self, self._paint_round)

    def _on_plot_zoom_wanted(self, low: float, high: float) -> None:
        left, right = self._whole_range()
        low, high = max(left, low), min(right, high)
        if high - low >= _NARROWEST:
            self._zoom = None if (low, high) == (left, right) else (low, high)
            self.notice()

    def _move_cursor(self, plot: LivePlot, x: float) -> None:
        points = [p for s in self._shown(plot) if (p := s.nearest(x)) is not None]
        self._set_cursor(min((p[0] for p in points), key=lambda step: abs(step - x), default=None))

    def _step_cursor(self, plot: LivePlot, how: str) -> None:
        shown = self._shown(plot)
        if not shown:
            return
        steps = max(shown, key=len).x
        at = len(steps) - 1 if self._cursor is None else int(steps.searchsorted(self._cursor))
        place = {"previous": at - 1, "next": at + 1, "first": 0, "last": len(steps) - 1}[how]
        self._set_cursor(float(steps[min(max(place, 0), len(steps) - 1)]))

    def _shown(self, plot: LivePlot) -> list[Series]:
        found = (self._series.get(trace.key) for trace in plot.chart.traces)
        return [series for series in found if series is not None and len(series)]

    def _set_cursor(self, x: float | None) -> None:
        self._cursor = x
        for plot in self._plots:
            plot.show_cursor(x)

    def _on_plot_cursor_left(self) -> None:
        self._set_cursor(None)
