"""The live plots of the Train page, in a grid that follows the width. Imports pyqtgraph: load it late."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.charts import CHARTS, KEYS
from app.train.curves import Columns
from app.widgets.live_plot import LivePlot
from app.widgets.plot_group import PlotGroup
from app.widgets.series import Series

_THREE_COLUMNS_FROM = 1300
_LARGE, _USUAL = 260, 200
"""Least heights in pixels of the first two plots and of the others."""

_TWO_COLUMNS = {
    0: (0, 0, 1, 1),
    1: (0, 1, 1, 1),
    2: (1, 0, 1, 1),
    3: (1, 1, 1, 1),
    4: (2, 0, 1, 1),
    5: (2, 1, 1, 1),
}
_THREE_COLUMNS = {
    0: (0, 0, 2, 1),
    1: (0, 1, 2, 1),
    2: (0, 2, 1, 1),
    3: (2, 0, 1, 1),
    4: (2, 1, 1, 2),
    5: (1, 2, 1, 1),
}
"""Plot -> row, column, rows, columns."""


class CurveBoard(QScrollArea):
    """A `CurveView`: keeps the curves of the runs it has heard of and shows those of one."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: dict[int, dict[str, Series]] = {}
        self._planned: dict[int, int] = {}
        self._shown: int | None = None
        self._columns = 0
        self._theme = theme
        self.plots: list[LivePlot] = []
        self.group = PlotGroup(parent=self)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(self.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        set_role(inside, "page")
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(Space.M)
        self.setWidget(inside)

    def build_one(self) -> bool:
        """Make the next plot (20 ms); whether all are there now."""
        plot = LivePlot(CHARTS[len(self.plots)], self._theme)
        self.plots.append(plot)
        self.group.add(plot)
        self._columns = 0
        self._arrange(self._columns_for(self.width()))
        return len(self.plots) == len(CHARTS)

    def series(self, run_id: int) -> Mapping[str, Series]:
        """The curves of a run, by metric name."""
        return self._series(run_id)

    @property
    def shown_run(self) -> int | None:
        return self._shown

    def show_run(self, run_id: int | None) -> None:
        if run_id != self._shown:
            self._shown = run_id
            self._show_series()

    def curves_loaded(self, run_id: int, columns: Columns, planned_steps: int) -> None:
        for name, series in self._series(run_id).items():
            if name in columns:
                steps, values = columns[name]
                series.put_before(steps, values)
        self._plan(run_id, planned_steps)

    def points_added(self, run_id: int, step: int, metrics: Mapping[str, float], planned_steps: int) -> None:
        for name, series in self._series(run_id).items():
            if name in metrics:
                series.append(step, metrics[name])
        self._plan(run_id, planned_steps)

    def curves_cut(self, run_id: int, after_step: int) -> None:
        for series in self._series(run_id).values():
            series.drop_after(after_step)
        self._plan(run_id, self._planned.get(run_id, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self._columns_for(event.size().width()))

    def _columns_for(self, width: int) -> int:
        return 3 if width >= _THREE_COLUMNS_FROM else 2

    def _series(self, run_id: int) -> dict[str, Series]:
        if run_id not in self._runs:
            self._runs[run_id] = {key: Series() for key in KEYS}
        return self._runs[run_id]

    def _plan(self, run_id: int, steps: int) -> None:
        self._planned[run_id] = steps
        if run_id == self._shown:
            self.group.set_planned_steps(steps)

    def _show_series(self) -> None:
        run_id = self._shown
        if run_id is None:
            self.group.show_series({})
        else:
            self.group.show_series(self._series(run_id), self._planned.get(run_id, 0))

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        places = _THREE_COLUMNS if columns == 3 else _TWO_COLUMNS
        for number, plot in enumerate(self.plots):
            self._grid.addWidget(plot, *places[number])
            plot.setMinimumHeight(_LARGE if number < 2 else _USUAL)
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        for row in range(3):
            self._grid.setRowStretch(row, 5 if columns == 2 and row == 0 else 4)
