"""One live plot: a card with a title, a legend that carries the values, and the curves.

Data and paint have separate rates: points go into `Series` as they come, and `paint_if_stale` draws only
what changed, only while the plot can be seen, called by a `PlotGroup` a few times a second.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.widgets.plots.canvas import PlotCanvas
from app.widgets.plots.chart import Chart, Look, Shown
from app.widgets.plots.height import fitted
from app.widgets.plots.legend import Legend
from app.widgets.plots.lines import Band, Extent, Line, Sight
from app.widgets.plots.rows import Cell, rows_of
from app.widgets.plots.series import Series
from app.widgets.plots.smoothing import Smoothed
from app.widgets.plots.spread import Spread
from app.widgets.plots.words_place import PLACES, free_place

_NOTHING = Shown(series={})


class LivePlot(QFrame):
    """A `Chart` drawn from named series. The range of steps is given from outside (see `PlotGroup`)."""

    cursor_wanted = Signal(float)
    cursor_stepped = Signal(str)
    cursor_left = Signal()
    zoom_wanted = Signal(float, float)
    move_wanted = Signal(float)
    reset_wanted = Signal()
    enlarge_wanted = Signal()
    back_wanted = Signal()
    menu_wanted = Signal(QPoint)
    """At a point of the screen."""
    exposed = Signal()
    """Came into sight with old curves on it."""

    def __init__(self, chart: Chart, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = chart
        self.paints = 0
        """How often the curves were drawn."""
        self._theme = theme
        self._shown, self._look = _NOTHING, Look()
        self._painted: object = None
        self._fits = False
        """Whether the height in view was fitted to curves of this kind of axis."""
        self._cursor: float | None = None
        self._smoothed: dict[Series, Smoothed] = {}
        self._spreads: dict[str, Spread] = {}
        self._canvas = PlotCanvas(theme)
        self._level = self._canvas.add_level(chart.level[1]) if chart.level else None
        self._words_at = PLACES[0]
        self._lines = {trace.key: Line(self._canvas, trace, theme) for trace in chart.traces}
        self._beside: list[dict[str, Line]] = []
        self._bands: dict[str, Band] = {}
        self._legend = Legend(chart, theme)
        self._title, self._place = QLabel(chart.title), QLabel()
        self._build()
        self._connect()
        self._place_level()
        self.restyle()
        self._write_values()

    @property
    def canvas(self) -> PlotCanvas:
        return self._canvas

    @property
    def is_log(self) -> bool:
        return self._look.log and self.chart.positive

    def has_points(self) -> bool:
        """Whether there is anything to draw."""
        return any(len(series) for _, series in self._all_series())

    def show_series(self, series: Mapping[str, Series]) -> None:
        """Draw from these series from now on; traces without one are left out."""
        self.show_all(Shown(series=series))

    def show_all(self, shown: Shown) -> None:
        """Draw this run, others beside it, and a band, from now on."""
        self._shown = shown
        self._painted = None
        self._smoothed.clear()
        self._make_spreads()
        self._make_others()
        self._write_values()
        self.exposed.emit()

    def set_look(self, look: Look) -> None:
        if look != self._look:
            self._fits = self._fits and look.log == self._look.log
            self._look = look
            self._smoothed.clear()
            self._make_spreads()
            self._canvas.set_log(self.is_log)
            self._place_level()
            self._write_values()
            self.exposed.emit()

    def set_steps(self, low: float, high: float) -> None:
        """The range of steps in view; the height follows at the next paint."""
        if (low, high) != self._canvas.view():
            self._canvas.getPlotItem().setXRange(low, high, padding=0)

    def is_stale(self) -> bool:
        return self._painted != self._state()

    def can_be_seen(self) -> bool:
        return self.isVisible() and not self.visibleRegion().isEmpty()

    def paint_if_stale(self) -> bool:
        """Draw the curves when they changed and can be seen; whether it was needed."""
        if not (self.can_be_seen() and self.is_stale()):
            return False
        state = self._state()
        all_smoothed = self._catch_up()
        low, high = self._canvas.view()
        buckets = self._canvas.pixels_wide() // 2
        sight = Sight(low=low, high=high, buckets=buckets, scale=self.chart.scale, log=self.is_log)
        extents = [extent for extent in self._draw(sight) if extent is not None]
        self._fit_height(extents)
        self._place_words()
        self._write_values()
        self._canvas.settle()
        # Its height may be another one now, which changes nothing of what is to be drawn.
        self._painted = state if all_smoothed else None
        self.paints += 1
        return True

    def show_cursor(self, x: float | None) -> None:
        """Mark a step in the plot and write its values into the legend; None: the latest values."""
        self._cursor = x
        self._canvas.show_cursor(x)
        self._write_values()

    def values(self) -> dict[str, tuple[float, float]]:
        """(step, value) of each trace at the cursor, or the latest; of the smoothed line, if any."""
        return self._values_of(self._shown.series)

    def drawn(self, key: str) -> tuple[list[float], list[float]]:
        """The points of a trace's line that are in the picture."""
        return self._lines[key].drawn()

    def curves(self) -> Mapping[str, Series]:
        """All that it draws, by metric name; `run: metric` those of the runs beside."""
        return dict(self._all_series())

    def csv_rows(self) -> Iterator[Sequence[Cell]]:
        """All its curves, as they came."""
        return rows_of(self.curves())

    def restyle(self) -> None:
        self._title.setFont(self._theme.font(FontSize.BODY, weight=600))
        self._canvas.restyle()
        if self._level is not None:
            self._canvas.style_level(self._level)
        for lines in (self._lines, *self._beside):
            for line in lines.values():
                line.restyle()
        for band in self._bands.values():
            band.restyle()
        self._legend.restyle()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.is_stale():
            self.exposed.emit()

    # --- building -----------------------------------------------------------------------------------

    def _build(self) -> None:
        set_role(self, "card")
        set_role(self._place, "caption")
        self.setAccessibleName(self.chart.title)
        self._canvas.setAccessibleName(self.chart.title)
        for part in (self._canvas, self._title):
            part.setToolTip(self.chart.help)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._place)
        self._layout = QVBoxLayout(self)
        self._layout.setSpacing(Space.XS)
        self._layout.addLayout(head)
        self._layout.addWidget(self._legend)
        self._layout.addWidget(self._canvas, 1)
        self._set_margins(0)

    def _connect(self) -> None:
        for name in (
            *("cursor_wanted", "cursor_stepped", "cursor_left", "zoom_wanted", "move_wanted"),
            *("reset_wanted", "enlarge_wanted", "back_wanted"),
        ):
            getattr(self._canvas, name).connect(getattr(self, name))
        self._canvas.focus_changed.connect(self._on_canvas_focus_changed)
        self._canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._canvas.customContextMenuRequested.connect(
            lambda at: self.menu_wanted.emit(self._canvas.mapToGlobal(at))
        )
        self._theme.changed.connect(self.restyle)

    def _make_spreads(self) -> None:
        """Of the group's curves as they are drawn: smoothed, where lines are."""
        self._spreads = {
            key: Spread([self._line_of(key, run[key]) for run in self._shown.group if key in run])
            for key in self._lines
            if self._shown.group
        }

    def _make_others(self) -> None:
        """Lines for the runs beside and the band, none more than there are."""
        for lines in self._beside:
            for line in lines.values():
                line.remove()
        for band in self._bands.values():
            band.remove()
        self._beside = [
            {trace.key: Line(self._canvas, trace, self._theme, overlay.dash) for trace in self.chart.traces}
            for overlay in self._shown.beside
        ]
        self._bands = {
            trace.key: Band(self._canvas, trace, self._theme)
            for trace in self.chart.traces
            if self._shown.group and not trace.marker
        }

    # --- drawing ------------------------------------------------------------------------------------

    def _draw(self, sight: Sight) -> Iterator[Extent | None]:
        for key, line in self._lines.items():
            series = self._shown.series.get(key)
            yield line.draw(series, self._smooth_of(key, series), sight)
        for overlay, lines in zip(self._shown.beside, self._beside, strict=True):
            for key, line in lines.items():
                series = overlay.series.get(key)
                yield line.draw(series, self._smooth_of(key, series), sight)
        for key, band in self._bands.items():
            self._spreads[key].refresh()
            yield band.draw(self._spreads[key], sight)

    def _smooth_of(self, key: str, series: Series | None) -> Series | None:
        """The smoothed line of a trace; None where none is drawn, as for points that are few."""
        if series is None or self._look.window < 2 or self._lines[key].trace.exact:
            return None
        if series not in self._smoothed:
            self._smoothed[series] = Smoothed(series, self._look.window)
        return self._smoothed[series].line

    def _line_of(self, key: str, series: Series) -> Series:
        smooth = self._smooth_of(key, series)
        return series if smooth is None else smooth

    def _catch_up(self) -> bool:
        """Smooth what came; whether no more is left to smooth."""
        for key in self._lines:
            for series in (self._shown.series.get(key), *(one.series.get(key) for one in self._shown.beside)):
                self._smooth_of(key, series)
        return all(smoothed.caught_up or smoothed.catch_up() for smoothed in self._smoothed.values())

    def _state(self) -> object:
        versions = tuple((id(series), series.version) for _, series in self._all_series())
        group = tuple(run[key].version for run in self._shown.group for key in self._lines if key in run)
        return versions, group, self._look, self._canvas.view(), self._canvas.pixels_wide()

    def _all_series(self) -> Iterator[tuple[str, Series]]:
        """Name -> series: by metric name, and `run: metric` of those beside."""
        for trace in self.chart.traces:
            if trace.key in self._shown.series:
                yield trace.key, self._shown.series[trace.key]
        for overlay in self._shown.beside:
            for trace in self.chart.traces:
                if trace.key in overlay.series:
                    yield f"{overlay.name}: {trace.key}", overlay.series[trace.key]

    def _fit_height(self, extents: Sequence[Extent]) -> None:
        level = self._height_of_level()
        heights = fitted(
            extents,
            level=level,
            limits=self.chart.limits,
            present=self._canvas.heights() if self._fits else None,
            words=self._canvas.words_height() if self.chart.level and self.chart.level[1] else 0.0,
        )
        self._fits = bool(extents)
        if heights is not None:
            self._canvas.getPlotItem().setYRange(*heights, padding=0)

    def _height_of_level(self) -> float | None:
        if self.chart.level is None:
            return None
        level = self.chart.level[0] * self.chart.scale
        if not self.is_log:
            return level
        return math.log10(level) if level > 0 else None

    def _place_level(self) -> None:
        if self._level is not None:
            height = self._height_of_level()
            self._level.setVisible(height is not None)
            self._level.setPos(height or 0.0)

    def _place_words(self) -> None:
        """Those of the level, off the curves."""
        height = self._height_of_level()
        if self._level is None or height is None:
            return
        lines = [line for lines in (self._lines, *self._beside) for line in lines.values()]
        place = free_place(
            [line.points() for line in lines],
            level=height,
            view=self._canvas.view(),
            heights=self._canvas.heights(),
            share=self._canvas.share_of(self._level),
            present=self._words_at,
        )
        if place != self._words_at:
            self._words_at = place
            self._canvas.put_words(self._level, place)

    # --- words --------------------------------------------------------------------------------------

    def _values_of(self, all_series: Mapping[str, Series]) -> dict[str, tuple[float, float]]:
        found = {key: all_series[key] for key in self._lines if key in all_series}
        smooth = {key: self._smooth_of(key, series) for key, series in found.items()}
        return self._at_cursor({key: smooth[key] or series for key, series in found.items()})

    def _at_cursor(self, all_series: Mapping[str, Series]) -> dict[str, tuple[float, float]]:
        found = {
            key: series.last if self._cursor is None else series.nearest(self._cursor)
            for key, series in all_series.items()
        }
        return {key: point for key, point in found.items() if point is not None}

    def _write_values(self) -> None:
        points = self.values()
        values = {key: value for key, (_, value) in points.items()}
        others = {one.name: _only_values(self._values_of(one.series)) for one in self._shown.beside}
        names: dict[str, int | None] = {one.name: one.dash for one in self._shown.beside}
        band = f"mean of {len(self._shown.group)} runs"
        if self._shown.group:
            names[band] = None
            others[band] = _only_values(
                self._at_cursor({key: one.mean for key, one in self._spreads.items()})
            )
        self._legend.show_others(names)
        self._legend.show_values(values, others)
        step = max((point[0] for point in points.values()), default=None)
        if step is not None and self._cursor is not None:
            step = self._cursor
        smoothed = " · smoothed" if self._look.window > 1 and not self._is_exact() else ""
        self._place.setText("" if step is None else f"step {step:,.0f}{smoothed}")
        self._canvas.setAccessibleDescription(
            f"Step {step:.0f}: {self._legend.words(values)}" if step is not None else "No points yet"
        )

    def _is_exact(self) -> bool:
        return all(trace.exact for trace in self.chart.traces)

    def _set_margins(self, border: int) -> None:
        side = Space.M - border
        self._layout.setContentsMargins(side, side, side, Space.S - border)

    def _on_canvas_focus_changed(self, focused: bool) -> None:
        set_role(self, "card-active" if focused else "card")
        self._set_margins(1 if focused else 0)


def _only_values(points: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    return {key: value for key, (_, value) in points.items()}
