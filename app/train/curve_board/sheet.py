"""The sheet on which the charts lie: a grid that follows the width; one chart alone fills the view."""

from collections.abc import Iterable, Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from app.shell.palette import Space
from app.shell.theme import set_role
from app.widgets.plots.live_plot import LivePlot
from app.widgets.plots.rows import Cell, rows_of

_WIDTHS = (0, 560, 1300, 1900)
"""From these widths on there are one, two, three and four charts side by side."""
_LEAST_HEIGHT = 184
_FIRST_ROW = 5
_OTHER_ROWS = 4
"""How the rows share the height."""


class ChartSheet(QScrollArea):
    """Shows some of the plots that it was given."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plots: list[LivePlot] = []
        self._placed: tuple[object, ...] = ()
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(self.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.figure = Figure(self)
        self._grid = QGridLayout(self.figure)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(Space.M)
        self.setWidget(self.figure)

    def show_plots(self, plots: Sequence[LivePlot]) -> None:
        """These, in this order; those shown before and not now are hidden."""
        if plots == self._plots:
            return
        gone = [plot for plot in self._plots if plot not in plots]
        self._plots = list(plots)
        for plot in gone:
            self._grid.removeWidget(plot)
            plot.hide()
        self._arrange()
        for plot in plots:
            plot.show()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """The numbers of the curves that are shown, one column each."""
        return rows_of({name: series for plot in self._plots for name, series in plot.curves().items()})

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        columns = max(1, min(len(self._plots), sum(self.width() >= width for width in _WIDTHS)))
        placed = (columns, *self._plots)
        if placed == self._placed:
            return
        self._placed = placed
        for number, plot in enumerate(self._plots):
            self._grid.addWidget(plot, number // columns, number % columns)
            plot.setMinimumHeight(_LEAST_HEIGHT)
        for column in range(max(columns, self._grid.columnCount())):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        rows = -(-len(self._plots) // columns)
        for row in range(max(rows, self._grid.rowCount())):
            self._grid.setRowStretch(row, 0 if row >= rows else _FIRST_ROW if row == 0 else _OTHER_ROWS)


class Figure(QWidget):
    """The charts together, as what is saved when all are saved."""

    def __init__(self, sheet: ChartSheet) -> None:
        super().__init__()
        self._sheet = sheet
        set_role(self, "page")
        self.setAccessibleName("Curves")

    def csv_rows(self) -> Iterable[Sequence[Cell]]:
        """The curves of every chart that is shown."""
        return self._sheet.rows()
