"""The curves of the Train page: live plots with one look, one cursor and one zoom. Imports pyqtgraph: load
it late."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.settings import PlotSettings, SettingsFile
from app.shell.theme import Theme
from app.train.curve_board.charts import CHARTS, KEYS, USUAL
from app.train.curve_board.sheet import ChartSheet
from app.train.curve_board.tool_row import ToolRow
from app.train.curves import Columns
from app.widgets.plot_export import add_export_actions
from app.widgets.plots.chart import Look, Overlay, Shown
from app.widgets.plots.group import PlotGroup
from app.widgets.plots.live_plot import LivePlot
from app.widgets.plots.series import Series


class CurveBoard(QWidget):
    """A `CurveView`: keeps the curves of the runs it has heard of and shows those of one, with others beside
    it and a group of runs as a band."""

    def __init__(
        self, theme: Theme, settings: SettingsFile | None = None, parent: QWidget | None = None
    ) -> None:
        """`settings` keeps how the curves are looked at; without it they begin as usual."""
        super().__init__(parent)
        self._theme, self._settings = theme, settings
        self._runs: dict[int, dict[str, Series]] = {}
        self._planned: dict[int, int] = {}
        self._shown: int | None = None
        self._beside: tuple[int, ...] = ()
        self._band: tuple[int, ...] = ()
        self._names: Mapping[int, str] = {}
        self._look_settings = settings.current.plots if settings is not None else PlotSettings()
        self._large: LivePlot | None = None
        self._filled: frozenset[str] = frozenset()
        self.plots: list[LivePlot] = []
        self.group = PlotGroup(parent=self)
        self.sheet = ChartSheet()
        self.tools = ToolRow(theme, CHARTS, figure=lambda: self.sheet.figure, name=self._file_name)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addWidget(self.tools)
        column.addWidget(self.sheet, 1)
        self._begin_look()
        self._connect()

    def build_one(self) -> bool:
        """Make the next plot (20 ms); whether all are there now."""
        plot = LivePlot(CHARTS[len(self.plots)], self._theme, self.sheet.figure)
        plot.hide()
        plot.enlarge_wanted.connect(lambda: self.enlarge(None if self._large is plot else plot))
        plot.back_wanted.connect(lambda: self.enlarge(None))
        plot.menu_wanted.connect(lambda at: self._offer(plot, at))
        self.plots.append(plot)
        self.group.add(plot)
        self._show_plots()
        return len(self.plots) == len(CHARTS)

    def series(self, run_id: int) -> Mapping[str, Series]:
        """The curves of a run, by metric name."""
        return self._series(run_id)

    @property
    def shown_run(self) -> int | None:
        return self._shown

    def shown_plots(self) -> list[LivePlot]:
        """The charts that are wanted and have something to show."""
        if self._large is not None:
            return [self._large]
        wanted = [plot for plot in self.plots if plot.chart.key not in self._look_settings.hidden]
        if any(plot.has_points() for plot in self.plots):
            return [plot for plot in wanted if plot.has_points()]
        return [plot for plot in wanted if plot.chart in USUAL]

    # --- what is shown --------------------------------------------------------------------------------

    def show_run(self, run_id: int | None) -> None:
        """This run, with those beside it that were there."""
        self.show_runs(run_id, self._beside, self._names)

    def show_runs(
        self, shown: int | None, beside: Sequence[int] = (), names: Mapping[int, str] | None = None
    ) -> None:
        """One run strongly and others faintly beside it; `names` stand in the legends."""
        self._shown, self._beside = shown, tuple(beside)
        self._names = dict(names or {})
        self._show_all()

    def show_band(self, runs: Sequence[int]) -> None:
        """Draw these runs (the seeds of one setting) as a band with their mean; none: no band."""
        if tuple(runs) != self._band:
            self._band = tuple(runs)
            self._show_all()

    def enlarge(self, plot: LivePlot | None) -> None:
        """One plot over the whole board; None: all again."""
        if plot is not self._large:
            before, self._large = self._large, plot
            self._show_plots()
            self.tools.show_place(zoomed=self.group.zoomed, large=plot is not None)
            (plot or before or self).setFocus()

    # --- the runs' points -----------------------------------------------------------------------------

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

    # --- inside ---------------------------------------------------------------------------------------

    def _series(self, run_id: int) -> dict[str, Series]:
        if run_id not in self._runs:
            self._runs[run_id] = {key: Series() for key in KEYS}
        return self._runs[run_id]

    def _plan(self, run_id: int, steps: int) -> None:
        self._planned[run_id] = steps
        if run_id == self._shown:
            self.group.set_planned_steps(steps)
        elif run_id in (*self._beside, *self._band):
            self.group.notice()
        if self._keys_with_points() != self._filled:
            self._show_plots()

    def _show_all(self) -> None:
        nothing = self._shown is None
        beside = () if nothing else [run for run in self._beside if run != self._shown]
        self.group.show_all(
            Shown(
                series=self._series(self._shown) if self._shown is not None else {},
                beside=[
                    Overlay(name=self._name(run), series=self._series(run), dash=number)
                    for number, run in enumerate(beside)
                ],
                group=() if nothing else [self._series(run) for run in self._band],
            ),
            self._planned.get(self._shown, 0) if self._shown is not None else 0,
        )
        self._show_plots()

    def _show_plots(self) -> None:
        self._filled = self._keys_with_points()
        self.sheet.show_plots(self.shown_plots())

    def _keys_with_points(self) -> frozenset[str]:
        """What any of the runs in view has."""
        runs = [run for run in (self._shown, *self._beside) if run is not None]
        return frozenset(key for run in runs for key, one in self._series(run).items() if len(one))

    def _name(self, run_id: int) -> str:
        return self._names.get(run_id, f"run {run_id}")

    def _file_name(self, plot: LivePlot | None = None) -> str:
        plot = plot or self._large
        what = plot.chart.key if plot is not None else "curves"
        return what if self._shown is None else f"{what} {self._name(self._shown)}"

    # --- looks ----------------------------------------------------------------------------------------

    def _begin_look(self) -> None:
        kept = self._look_settings
        self.tools.show_look(Look(window=kept.window, log=kept.log))
        self.tools.show_hidden(kept.hidden)
        self.group.set_look(self.tools.look())

    def _connect(self) -> None:
        self.tools.look_chosen.connect(self._on_tools_look_chosen)
        self.tools.hidden_chosen.connect(self._on_tools_hidden_chosen)
        self.tools.whole_wanted.connect(self.group.reset_zoom)
        self.tools.all_wanted.connect(lambda: self.enlarge(None))
        self.group.zoom_changed.connect(
            lambda zoomed: self.tools.show_place(zoomed=zoomed, large=self._large is not None)
        )

    def _on_tools_look_chosen(self, look: Look) -> None:
        self.group.set_look(look)
        self._keep(PlotSettings(hidden=self._look_settings.hidden, window=look.window, log=look.log))

    def _on_tools_hidden_chosen(self, hidden: tuple[str, ...]) -> None:
        look = self.group.look
        self._keep(PlotSettings(hidden=hidden, window=look.window, log=look.log))
        self._show_plots()

    def _keep(self, look: PlotSettings) -> None:
        self._look_settings = look
        if self._settings is not None:
            self._settings.change(plots=look)

    def _hide(self, plot: LivePlot) -> None:
        hidden = (*self._look_settings.hidden, plot.chart.key)
        self.tools.show_hidden(hidden)
        self.enlarge(None)
        self._on_tools_hidden_chosen(hidden)

    def _offer(self, plot: LivePlot, at: QPoint) -> None:
        """What can be done with one plot."""
        menu = QMenu(plot)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        large = self._large is plot
        menu.addAction("All charts" if large else "Enlarge").triggered.connect(
            lambda: self.enlarge(None if large else plot)
        )
        if self.group.zoomed:
            menu.addAction("Show the whole curves").triggered.connect(self.group.reset_zoom)
        menu.addAction("Hide this chart").triggered.connect(lambda: self._hide(plot))
        menu.addSeparator()
        add_export_actions(menu, lambda: plot, lambda: self._file_name(plot), self.tools.show_problem)
        menu.popup(at)
