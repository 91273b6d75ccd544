"""The legend of a live plot, which carries the values: of the curves, of runs beside, of a band.

Nothing in it moves while values change: a value's place is as wide as the widest that stood there.
"""

from collections.abc import Mapping

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.widgets.plots.chart import Chart, Trace
from app.widgets.plots.pens import POINT_SIZE, faint_pen, trace_pen


class Legend(QWidget):
    """A row of entries for each row of traces; below it one for each run beside, and one for a band."""

    def __init__(self, chart: Chart, theme: Theme) -> None:
        super().__init__()
        self._chart, self._theme = chart, theme
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(Space.M)
        self._grid.setVerticalSpacing(0)
        self._entries: dict[str, Entry] = {}
        self._others: list[OtherRow] = []
        self._columns: dict[str, tuple[int, int]] = {}
        taken: dict[int, int] = {}
        for trace in chart.traces:
            column = taken.get(trace.row, 0)
            taken[trace.row] = column + 1
            entry = self._entries[trace.key] = Entry(trace, theme)
            self._grid.addWidget(entry, trace.row, column, Qt.AlignmentFlag.AlignLeft)
        self._rows = max(taken) + 1
        self._grid.setColumnStretch(max(taken.values()), 1)
        self.restyle()

    def show_others(self, names: Mapping[str, int | None]) -> None:
        """Rows for what is drawn beside: name -> its dash pattern, None for a band."""
        if [(row.name, row.dash) for row in self._others] == list(names.items()):
            return
        for row in self._others:
            self._grid.removeWidget(row)
            row.deleteLater()
        self._others = [OtherRow(name, dash, self._chart, self._theme) for name, dash in names.items()]
        for number, row in enumerate(self._others):
            self._grid.addWidget(row, self._rows + number, 0, 1, -1)

    def show_values(self, values: Mapping[str, float], others: Mapping[str, Mapping[str, float]]) -> None:
        """Trace key -> value of the run shown; name -> the same of another."""
        for key, entry in self._entries.items():
            entry.setVisible(key in values)
            if key in values:
                entry.set_value(self._chart.figure(values[key]))
        for row in self._others:
            row.show_values(others.get(row.name, {}))

    def words(self, values: Mapping[str, float]) -> str:
        """The same for a screen reader."""
        return ", ".join(
            f"{self._entries[key].words} {self._chart.figure(value)}" for key, value in values.items()
        )

    def restyle(self) -> None:
        for entry in self._entries.values():
            entry.restyle()
        for row in self._others:
            row.restyle()


class Entry(QWidget):
    """A sample of the line, its word, and its value."""

    def __init__(self, trace: Trace, theme: Theme) -> None:
        super().__init__()
        self.words = trace.words
        self._word = QLabel(trace.legend or trace.words)
        self._value = Value(theme)
        self._sample = Sample(trace, theme)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.XS)
        layout.addWidget(self._sample)
        layout.addWidget(self._word)
        layout.addWidget(self._value)
        set_role(self._word, "caption")

    def set_value(self, text: str) -> None:
        self._value.show_text(text)

    def restyle(self) -> None:
        self._value.restyle()
        self._sample.update()


class OtherRow(QWidget):
    """A run beside, or a band: how it is drawn, its name, and a value for each line of the chart."""

    def __init__(self, name: str, dash: int | None, chart: Chart, theme: Theme) -> None:
        super().__init__()
        self.name, self.dash = name, dash
        self._chart, self._theme = chart, theme
        self._word = QLabel(name)
        set_role(self._word, "caption")
        self._values = {trace.key: Value(theme) for trace in chart.traces}
        self._sample = OtherSample(dash, chart.traces[0], theme)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.XS)
        layout.addWidget(self._sample)
        layout.addWidget(self._word)
        for value in self._values.values():
            layout.addSpacing(Space.XS)
            layout.addWidget(value)
        layout.addStretch(1)
        self.restyle()

    def show_values(self, values: Mapping[str, float]) -> None:
        self.setVisible(bool(values))
        for trace in self._chart.traces:
            value = self._values[trace.key]
            value.setVisible(trace.key in values)
            if trace.key in values:
                value.show_text(self._chart.figure(values[trace.key]))
                value.setToolTip(f"{self.name}, {trace.words}")

    def restyle(self) -> None:
        for trace in self._chart.traces:
            self._values[trace.key].restyle(trace.colour)
        self._sample.update()


class Value(QLabel):
    """A number in figures of one width. Grows, never shrinks."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def show_text(self, text: str) -> None:
        if text != self.text():
            self.setText(text)
            self.setMinimumWidth(max(self.minimumWidth(), self.fontMetrics().horizontalAdvance(text) + 1))

    def restyle(self, colour: str = "text") -> None:
        self.setFont(self._theme.figures(FontSize.CAPTION, weight=500))
        self.setStyleSheet(f"color: {self._theme.colour(colour).name()}")
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance(self.text()) + 1)


class Sample(QWidget):
    """The piece of line that stands in the legend, drawn as in the plot."""

    def __init__(self, trace: Trace, theme: Theme) -> None:
        super().__init__()
        self._trace, self._theme = trace, theme
        self.setFixedSize(18, 12)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _line(painter, self, trace_pen(self._trace, self._theme))
        if self._trace.marker:
            symbol = pg.graphicsItems.ScatterPlotItem.Symbols[self._trace.marker]
            painter.translate(self.width() / 2, self.height() / 2)
            painter.scale(POINT_SIZE, POINT_SIZE)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour(self._trace.colour))
            painter.drawPath(symbol)
        painter.end()


class OtherSample(QWidget):
    """A run beside by its dashes; a band as a strip with a line in it."""

    def __init__(self, dash: int | None, trace: Trace, theme: Theme) -> None:
        super().__init__()
        self._dash, self._trace, self._theme = dash, trace, theme
        self.setFixedSize(18, 12)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._dash is None:
            tint = self._theme.colour(self._trace.colour)
            tint.setAlphaF(0.2)
            painter.fillRect(self.rect().adjusted(1, 1, -1, -1), tint)
        _line(painter, self, faint_pen(self._trace, self._dash, self._theme))
        painter.end()


def _line(painter: QPainter, place: QWidget, pen: QPen) -> None:
    painter.setPen(pen)
    middle = place.height() / 2
    painter.drawLine(QPointF(1, middle), QPointF(place.width() - 1, middle))
