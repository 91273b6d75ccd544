"""How long one frame of the live plots takes: `python -m tests.benchmarks.live_plot [POINTS …]`.

Six plots as on the Train page at 1280 × 800, every curve that long. Printed for each length: appending a
point, painting the curves of all six into their scenes, and drawing the scenes to pixels (milliseconds).
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from app.shell.theme import Theme
from app.train.charts import CHARTS
from app.widgets.live_plot import LivePlot
from app.widgets.plot_group import PlotGroup
from app.widgets.series import Series

FRAMES = 20


def main(lengths: list[int]) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    theme = Theme(app, "light")
    print(f"   points  append µs  curves ms  pixels ms   (medians of {FRAMES} frames, 6 plots)")
    for length in lengths:
        window, group, series = _window(theme, length)
        window.show()
        app.processEvents()
        times = [_frame(window, group, series, float(length + frame)) for frame in range(FRAMES)]
        append, curves, pixels = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{length:>9,}  {append * 1e6:>9.2f}  {curves * 1e3:>9.2f}  {pixels * 1e3:>9.2f}")
        window.close()


def _window(theme: Theme, length: int) -> tuple[QWidget, PlotGroup, dict[str, Series]]:
    generator = np.random.default_rng(0)
    plots = [LivePlot(chart, theme) for chart in CHARTS]
    window = QWidget()
    layout = QGridLayout(window)
    for number, plot in enumerate(plots):
        layout.addWidget(plot, number // 2, number % 2)
    window.resize(732, 720)
    series = {}
    for chart in CHARTS:
        for trace in chart.traces:
            points = length if not trace.marker else length // 100
            series[trace.key] = Series()
            steps = np.linspace(1, length - 1, points)
            series[trace.key].replace(steps, generator.normal(0.5, 0.1, points).cumsum())
    group = PlotGroup(plots, window)
    group.show_series(series, planned_steps=2 * length)
    return window, group, series


def _frame(
    window: QWidget, group: PlotGroup, series: dict[str, Series], x: float
) -> tuple[float, float, float]:
    """Seconds to append a point to one curve, to paint the curves, and to draw them to pixels."""
    append = _timed(lambda: [one.append(x, 0.5) for one in series.values()]) / len(series)
    return append, _timed(group.paint), _timed(window.grab)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [1_000, 100_000, 1_000_000])
