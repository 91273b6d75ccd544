"""Live plots that belong together: one clock that paints them, one range of steps, one cursor, one look.

The clock runs only while something is left to paint. The range follows the data until a person zooms;
then it stays where it was put until it is let go (`reset_zoom`).
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from app.widgets.plots.chart import Look, Shown
from app.widgets.plots.live_plot import LivePlot
from app.widgets.plots.series import Series

PAINT_INTERVAL_MS = 66
"""Between two pictures while points come."""
_SECONDS_A_TURN = 0.004
"""Painting what came goes on for no longer than this before the window's other work has its turn."""
_SECONDS_A_GESTURE = 0.012
"""The same while a person waits for it: fewer turns bring the picture to the screen sooner."""
_FEWEST_STEPS = 10
_NARROWEST = 2.0


class PlotGroup(QObject):
    """Owns no widgets: the plots live in the page's layout."""

    zoom_changed = Signal(bool)
    """Whether it is zoomed now."""

    def __init__(self, plots: Sequence[LivePlot] = (), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._plots: list[LivePlot] = []
        self._shown = Shown(series={})
        self._look = Look()
        self._planned = 0
        self._cursor: float | None = None
        self._noticed = False
        self._round: list[LivePlot] = []
        self._turn = _SECONDS_A_TURN
        self._steps = (0.0, float(_FEWEST_STEPS))
        """What the plots of the round show."""
        self._zoom: tuple[float, float] | None = None
        self._clock = QTimer(self, interval=PAINT_INTERVAL_MS)
        self._clock.timeout.connect(self._on_clock_timeout)
        self._at_once = QTimer(self, singleShot=True, interval=0)
        self._at_once.timeout.connect(self._paint_round)
        for plot in plots:
            self.add(plot)

    def add(self, plot: LivePlot) -> None:
        self._plots.append(plot)
        plot.set_look(self._look)
        plot.show_all(self._shown)
        plot.exposed.connect(self.notice)
        plot.zoom_wanted.connect(self._on_plot_zoom_wanted)
        plot.move_wanted.connect(self._on_plot_move_wanted)
        plot.reset_wanted.connect(self.reset_zoom)
        plot.cursor_left.connect(self._on_plot_cursor_left)
        plot.cursor_wanted.connect(lambda x: self._move_cursor(plot, x))
        plot.cursor_stepped.connect(lambda how: self._step_cursor(plot, how))

    @property
    def is_ticking(self) -> bool:
        return self._clock.isActive() or self._at_once.isActive()

    @property
    def is_painting(self) -> bool:
        """In the midst of a picture that a person waits for."""
        return bool(self._round) or self._at_once.isActive()

    @property
    def zoomed(self) -> bool:
        return self._zoom is not None

    @property
    def look(self) -> Look:
        return self._look

    def show_series(self, series: Mapping[str, Series], planned_steps: int = 0) -> None:
        """Draw another run's series, zoomed out; the step axis is laid out for its planned steps."""
        self.show_all(Shown(series=series), planned_steps)

    def show_all(self, shown: Shown, planned_steps: int = 0) -> None:
        """The same with others beside. The same run with others beside it stays zoomed as it is."""
        another = shown.series is not self._shown.series
        self._shown, self._planned = shown, planned_steps
        if another:
            self._set_zoom(None)
            self._set_cursor(None)
        for plot in self._plots:
            plot.show_all(shown)
        self.notice()

    def set_look(self, look: Look) -> None:
        """Smoothing and axis of all plots."""
        self._look = look
        for plot in self._plots:
            plot.set_look(look)
        self._paint_soon()

    def set_planned_steps(self, steps: int) -> None:
        self._planned = steps
        self.notice()

    def notice(self) -> None:
        """Something changed (points came, a plot came into sight): paint at the next tick."""
        self._noticed = True
        if not self._clock.isActive():
            self._clock.start()

    def reset_zoom(self) -> None:
        """Show the whole curves, and follow them."""
        self._set_zoom(None)
        self._paint_soon()

    def paint(self) -> int:
        """Paint now all that is stale and in sight; how many plots that were."""
        self._begin_round()
        steps, self._round = self._steps, []
        return sum([_paint(plot, steps) for plot in self._plots])

    # --- painting -----------------------------------------------------------------------------------

    def _on_clock_timeout(self) -> None:
        if not (self._noticed or self._round):
            self._clock.stop()
        elif not self._round:
            self._noticed = False
            self._begin_round()
            self._paint_round()

    def _paint_soon(self) -> None:
        """A person waits: in the very next turn, all from the start."""
        self._begin_round()
        self._turn = _SECONDS_A_GESTURE
        self._at_once.start()
        self.notice()

    def _begin_round(self) -> None:
        self._steps = self._zoom or self._whole_range()
        self._turn = _SECONDS_A_TURN
        self._round = [plot for plot in self._plots if plot.can_be_seen()]

    def _paint_round(self) -> None:
        """Each plot once a round, however fast the points come; the window's other work has its turns."""
        start = time.perf_counter()
        while self._round and time.perf_counter() - start < self._turn:
            _paint(self._round.pop(0), self._steps)
        if self._round:
            self._at_once.start()

    def _whole_range(self) -> tuple[float, float]:
        """From 0 to a little beyond the last step. The end grows by doubling (or to what is planned), so
        that the axis stands still while points come."""
        last = max((point[0] for series in self._all_series() if (point := series.last)), default=0.0)
        wanted = max(last, float(_FEWEST_STEPS))
        end = _FEWEST_STEPS * 2 ** math.ceil(math.log2(wanted / _FEWEST_STEPS))
        if self._planned >= last > 0:
            end = min(end, max(self._planned, 1))
        return 0.0, float(end)

    def _all_series(self) -> Iterator[Series]:
        yield from self._shown.series.values()
        for overlay in self._shown.beside:
            yield from overlay.series.values()
        for run in self._shown.group:
            yield from run.values()

    # --- zoom and cursor ----------------------------------------------------------------------------

    def _on_plot_zoom_wanted(self, low: float, high: float) -> None:
        left, right = self._whole_range()
        low, high = max(left, low), min(right, high)
        if high - low >= _NARROWEST:
            self._set_zoom(None if (low, high) == (left, right) else (low, high))
            self._paint_soon()

    def _on_plot_move_wanted(self, steps: float) -> None:
        if self._zoom is not None:
            left, right = self._whole_range()
            low, high = self._zoom
            steps = min(max(steps, left - low), right - high)
            self._set_zoom((low + steps, high + steps))
            self._paint_soon()

    def _set_zoom(self, zoom: tuple[float, float] | None) -> None:
        before, self._zoom = self.zoomed, zoom
        if before != self.zoomed:
            self.zoom_changed.emit(self.zoomed)

    def _move_cursor(self, plot: LivePlot, x: float) -> None:
        points = [p for s in self._in_plot(plot) if (p := s.nearest(x)) is not None]
        self._set_cursor(min((p[0] for p in points), key=lambda step: abs(step - x), default=None))

    def _step_cursor(self, plot: LivePlot, how: str) -> None:
        shown = self._in_plot(plot)
        if not shown:
            return
        steps = max(shown, key=len).x
        at = len(steps) - 1 if self._cursor is None else int(steps.searchsorted(self._cursor))
        place = {"previous": at - 1, "next": at + 1, "first": 0, "last": len(steps) - 1}[how]
        self._set_cursor(float(steps[min(max(place, 0), len(steps) - 1)]))
        self._keep_in_view()

    def _keep_in_view(self) -> None:
        """Move what is zoomed so that the cursor, moved by key, can be seen."""
        if self._zoom is None or self._cursor is None:
            return
        low, high = self._zoom
        if not low <= self._cursor <= high:
            self._on_plot_move_wanted(self._cursor - (low + high) / 2)

    def _in_plot(self, plot: LivePlot) -> list[Series]:
        found = (self._shown.series.get(trace.key) for trace in plot.chart.traces)
        return [series for series in found if series is not None and len(series)]

    def _set_cursor(self, x: float | None) -> None:
        if x == self._cursor:
            return
        self._cursor = x
        for plot in self._plots:
            plot.show_cursor(x)

    def _on_plot_cursor_left(self) -> None:
        self._set_cursor(None)


def _paint(plot: LivePlot, steps: tuple[float, float]) -> bool:
    """Range and curves in one go, so that what is drawn on the screen was never half of it."""
    plot.set_steps(*steps)
    return plot.paint_if_stale()
