"""One live plot: a card with a title, a legend that carries the values, and the curves.

Data and paint have separate rates: points go into `Series` as they come, and `paint_if_stale` draws only
what changed, only while the plot can be seen, called by a `PlotGroup` a few times a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.widgets.plot_canvas import PlotCanvas
from app.widgets.series import Series

Style = Literal["line", "dashes"]
Marker = Literal["", "o", "s", "d", "t"]

_LINE_WIDTH = 1.6
_POINT_SIZE = 7
_ROOM = 0.08
"""Share of the height left free above and below the curves."""
_SLACK = 0.45
"""The height is fitted again only once the curves leave it or fill less than this share of it."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One curve: which series, its word in the legend, and how it is drawn."""

    key: str
    words: str
    colour: str
    """A palette token."""
    style: Style = "line"
    marker: Marker = ""
    """Points are marked, with a thin line between them: for curves of few points."""
    row: int = 0
    """The row of the legend in which it stands."""
    legend: str = ""
    """A shorter word for the legend, where its place there says the rest."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One plot: its curves, a level marked by a dashed line, and how numbers are written."""

    title: str
    help: str
    traces: tuple[Trace, ...]
    level: tuple[float, str] | None = None
    limits: tuple[float, float] | None = None
    """A fixed height, for what has natural limits."""
    number: str = "{:.3f}"


class LivePlot(QFrame):
    """A `Chart` drawn from named series. The range of steps is given from outside (see `PlotGroup`)."""

    cursor_wanted = Signal(float)
    cursor_stepped = Signal(str)
    cursor_left = Signal()
    zoom_wanted = Signal(float, float)
    reset_wanted = Signal()
    exposed = Signal()
    """Came into sight with old curves on it."""

    def __init__(self, chart: Chart, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = chart
        self.paints = 0
        """How often the curves were drawn."""
        self._theme = theme
        self._series: Mapping[str, Series] = {}
        self._painted: object = None
        self._cursor: float | None = None
        self._canvas = PlotCanvas(theme)
        self._canvas.setAccessibleName(chart.title)
        self._canvas.setToolTip(chart.help)
        self._level = self._canvas.add_level(*chart.level) if chart.level else None
        self._curves = {trace.key: self._new_curve(trace) for trace in chart.traces}
        self._entries = {trace.key: _LegendEntry(trace, theme) for trace in chart.traces}
        self._place = QLabel()
        set_role(self._place, "caption")
        self._build()
        for name in ("cursor_wanted", "cursor_stepped", "cursor_left", "zoom_wanted", "reset_wanted"):
            getattr(self._canvas, name).connect(getattr(self, name))
        self._canvas.focus_changed.connect(self._on_canvas_focus_changed)
        theme.changed.connect(self._on_theme_changed)
        self.restyle()
        self._write_values()

    @property
    def canvas(self) -> PlotCanvas:
        return self._canvas

    def show_series(self, series: Mapping[str, Series]) -> None:
        """Draw from these series from now on; traces without one are left out."""
        self._series = series
        self._painted = None
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
        low, high = self._canvas.view()
        drawn: list[float] = []
        for trace in self.chart.traces:
            series = self._series.get(trace.key)
            if series is None or not len(series):
                self._curves[trace.key].clear()
                continue
            x, y = series.envelope(low, high, self._canvas.pixels_wide() // 2)
            self._curves[trace.key].setData(x, y)
            drawn += [float(y.min()), float(y.max())] if len(y) else []
        self._fit_height(drawn)
        self._write_values()
        self._painted = self._state()
        self.paints += 1
        return True

    def show_cursor(self, x: float | None) -> None:
        """Mark a step in the plot and write its values into the legend; None: the latest values."""
        self._cursor = x
        self._canvas.show_cursor(x)
        self._write_values()

    def values(self) -> dict[str, tuple[float, float]]:
        """(step, value) of each trace at the cursor, or the latest."""
        points: dict[str, tuple[float, float]] = {}
        for trace in self.chart.traces:
            series = self._series.get(trace.key)
            if series is None or not len(series):
                continue
            point = series.last if self._cursor is None else series.nearest(self._cursor)
            if point is not None:
                points[trace.key] = point
        return points

    def restyle(self) -> None:
        self._canvas.restyle()
        if self._level is not None:
            self._canvas.style_level(self._level)
        for trace in self.chart.traces:
            _style_curve(self._curves[trace.key], trace, self._theme)
            self._entries[trace.key].restyle()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.is_stale():
            self.exposed.emit()

    def _build(self) -> None:
        set_role(self, "card")
        title = QLabel(self.chart.title)
        title.setFont(self._theme.font(FontSize.BODY, weight=600))
        title.setToolTip(self.chart.help)
        self._title = title
        legend = QGridLayout()
        legend.setHorizontalSpacing(Space.M)
        legend.setVerticalSpacing(0)
        columns: dict[int, int] = {}
        for trace in self.chart.traces:
            column = columns.get(trace.row, 0)
            columns[trace.row] = column + 1
            legend.addWidget(self._entries[trace.key], trace.row, column, Qt.AlignmentFlag.AlignLeft)
        legend.setColumnStretch(max(columns.values()), 1)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self._place)
        self._layout = QVBoxLayout(self)
        self._layout.setSpacing(Space.XS)
        self._layout.addLayout(head)
        self._layout.addLayout(legend)
        self._layout.addWidget(self._canvas, 1)
        self._set_margins(0)

    def _new_curve(self, trace: Trace) -> pg.PlotDataItem:
        curve = pg.PlotDataItem(antialias=True, skipFiniteCheck=True)
        self._canvas.addItem(curve, ignoreBounds=True)
        curve.setZValue(10 if trace.marker else 5)
        return curve

    def _state(self) -> object:
        versions = tuple(
            (id(series), series.version)
            for trace in self.chart.traces
            if (series := self._series.get(trace.key)) is not None
        )
        return versions, self._canvas.view(), self._canvas.pixels_wide()

    def _fit_height(self, drawn: list[float]) -> None:
        if self.chart.limits is not None:
            low, high = self.chart.limits
            room = _ROOM * (high - low)
        else:
            points = [*drawn, *([self.chart.level[0]] if self.chart.level else [])]
            low, high = (min(points), max(points)) if points else (0.0, 1.0)
            if self._height_still_fits(low, high):
                return
            room = _ROOM * (high - low) or max(abs(high) * 0.1, 0.01)
            low, high = self._with_room_for_words(low - room, high + room)
            room = 0.0
        self._canvas.getPlotItem().setYRange(low - room, high + room, padding=0)

    def _with_room_for_words(self, low: float, high: float) -> tuple[float, float]:
        """Lift the top until the level's words fit above its line."""
        if self.chart.level is None or not self.chart.level[1]:
            return low, high
        share = self._canvas.words_height()
        level = self.chart.level[0]
        return low, max(high, level + share * (level - low) / (1 - share)) if share < 1 else high

    def _height_still_fits(self, low: float, high: float) -> bool:
        """A curve that wriggles inside its plot must not make the axis wriggle."""
        bottom, top = self._canvas.getPlotItem().viewRange()[1]
        return bool(bottom <= low and high <= top and high - low >= _SLACK * (top - bottom))

    def _write_values(self) -> None:
        points = self.values()
        for key, entry in self._entries.items():
            series = self._series.get(key)
            entry.setVisible(series is not None and len(series) > 0)
            if key in points:
                entry.set_value(self._figure(points[key][1]))
        step = max((point[0] for point in points.values()), default=None)
        self._place.setText("" if step is None else f"step {step:,.0f}")
        said = ", ".join(
            f"{self._entries[key].words} {self._figure(value)}" for key, (_, value) in points.items()
        )
        self._canvas.setAccessibleDescription(
            f"Step {step:.0f}: {said}" if step is not None else "No points yet"
        )

    def _figure(self, value: float) -> str:
        return self.chart.number.format(value).replace("-", "−")

    def _set_margins(self, border: int) -> None:
        side = Space.M - border
        self._layout.setContentsMargins(side, side, side, Space.S - border)

    def _on_canvas_focus_changed(self, focused: bool) -> None:
        set_role(self, "card-active" if focused else "card")
        self._set_margins(1 if focused else 0)

    def _on_theme_changed(self) -> None:
        self._title.setFont(self._theme.font(FontSize.BODY, weight=600))
        self.restyle()


class _LegendEntry(QWidget):
    """A sample of the line, its word, and its value in figures of one width."""

    def __init__(self, trace: Trace, theme: Theme) -> None:
        super().__init__()
        self.words = trace.words
        self._theme = theme
        self._word = QLabel(trace.legend or trace.words)
        self._value = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.XS)
        layout.addWidget(_Sample(trace, theme))
        layout.addWidget(self._word)
        layout.addWidget(self._value)
        set_role(self._word, "caption")

    def set_value(self, text: str) -> None:
        if text != self._value.text():
            self._value.setText(text)

    def restyle(self) -> None:
        self._value.setFont(self._theme.figures(FontSize.CAPTION, weight=500))
        self.findChild(_Sample).update()  # type: ignore[union-attr]


class _Sample(QWidget):
    """The piece of line that stands in the legend, drawn as in the plot."""

    def __init__(self, trace: Trace, theme: Theme) -> None:
        super().__init__()
        self._trace = trace
        self._theme = theme
        self.setFixedSize(18, 12)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        painter.setPen(_pen(self._trace, self._theme))
        painter.drawLine(1, round(middle), self.width() - 1, round(middle))
        if self._trace.marker:
            symbol = pg.graphicsItems.ScatterPlotItem.Symbols[self._trace.marker]
            painter.translate(self.width() / 2, middle)
            painter.scale(_POINT_SIZE, _POINT_SIZE)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour(self._trace.colour))
            painter.drawPath(symbol)
        painter.end()


def _pen(trace: Trace, theme: Theme) -> QPen:
    colour: QColor = theme.colour(trace.colour)
    pen = pg.mkPen(colour, width=1 if trace.marker else _LINE_WIDTH)
    if trace.style == "dashes":
        pen.setDashPattern([4, 3])
    return pen  # type: ignore[no-any-return]


def _style_curve(curve: pg.PlotDataItem, trace: Trace, theme: Theme) -> None:
    curve.setPen(_pen(trace, theme))
    if trace.marker:
        curve.setSymbol(trace.marker)
        curve.setSymbolSize(_POINT_SIZE)
        curve.setSymbolPen(pg.mkPen(theme.colour("surface"), width=1))
        curve.setSymbolBrush(theme.colour(trace.colour))
