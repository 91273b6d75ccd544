"""How long the live plots take: `python -m tests.benchmarks.live_plot [POINTS …] [--large]`.

Six plots as on the Train page at 1280 × 800 (`--large`: on a screen of 2560 × 1440), every curve that long.
Printed for each length, in milliseconds unless it says otherwise: appending a point, painting the curves of
all six into their scenes, and drawing the scenes to pixels; then whole frames, from a person's wish to the
last pixel, while the steps in view are moved by a hundredth of the view, zoomed in and out, and while the
cursor goes along: the median, the slowest of a hundred, and the median of the processor time, which is what
is left of a frame when other work runs beside.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from app.shell.theme import Theme
from app.train.curve_board.charts import USUAL
from app.widgets.plots.chart import Look
from app.widgets.plots.group import PlotGroup
from app.widgets.plots.live_plot import LivePlot
from app.widgets.plots.series import Series

FRAMES = 20
GESTURES = 100
LIMIT_MS = 1000 / 30


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("points", type=int, nargs="*", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    theme = Theme(app, "light")
    print(f"   points  append µs  curves ms  pixels ms   (medians of {FRAMES} frames, 6 plots)")
    for length in options.points:
        bench = Bench(app, theme, length, (2010, 1200) if options.large else (732, 720))
        times = [bench.frame(float(length + frame)) for frame in range(FRAMES)]
        append, curves, pixels = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{length:>9,}  {append * 1e6:>9.2f}  {curves * 1e3:>9.2f}  {pixels * 1e3:>9.2f}")
        for name, gesture in bench.gestures():
            _print_frames(name, [_timed_twice(lambda n=n, do=gesture: do(n)) for n in range(GESTURES)])
        bench.window.close()


class Bench:
    """A window with six plots, all of their curves `length` points long."""

    def __init__(self, app: QApplication, theme: Theme, length: int, size: tuple[int, int]) -> None:
        self._app, self._length = app, length
        self._plots = [LivePlot(chart, theme) for chart in USUAL]
        self.window = QWidget()
        layout = QGridLayout(self.window)
        for number, plot in enumerate(self._plots):
            layout.addWidget(plot, number // 2, number % 2)
        self.window.resize(*size)
        self._series = _walks(length)
        self._group = PlotGroup(self._plots, self.window)
        self._group.show_series(self._series, planned_steps=2 * length)
        self.window.show()
        app.processEvents()

    def frame(self, x: float) -> tuple[float, float, float]:
        """Seconds to append a point to one curve, to paint the curves, and to draw them to pixels."""
        append = _timed(lambda: [one.append(x, 0.5) for one in self._series.values()]) / len(self._series)
        return append, _timed(self._group.paint), _timed(self.window.grab)

    def gestures(self) -> list[tuple[str, Callable[[int], None]]]:
        return [
            ("move, half in view", self._move(0.5)),
            ("move, 1 % in view", self._move(0.01)),
            ("zoom", self._zoom),
            ("cursor", self._point),
            ("move, smoothed", self._move_smoothed),
        ]

    def _move(self, share: float) -> Callable[[int], None]:
        def move(number: int) -> None:
            if number == 0:
                self._plots[0].zoom_wanted.emit(0.0, share * self._length)
            self._plots[0].move_wanted.emit(share * self._length / 100)
            self._finish()

        return move

    def _move_smoothed(self, number: int) -> None:
        if number == 0:
            self._group.set_look(Look(window=20))
        self._move(0.5)(number)

    def _zoom(self, number: int) -> None:
        middle, reach = 0.5 * self._length, 0.45 * self._length * 0.9 ** (number % 50)
        self._plots[0].zoom_wanted.emit(middle - reach, middle + reach)
        self._finish()

    def _point(self, number: int) -> None:
        low, high = self._plots[0].canvas.view()
        self._plots[0].cursor_wanted.emit(low + (high - low) * number / GESTURES)
        self._finish()

    def _finish(self) -> None:
        while self._group.is_painting:
            self._app.processEvents()
        self._app.processEvents()


def _walks(length: int) -> dict[str, Series]:
    generator = np.random.default_rng(0)
    series = {}
    for chart in USUAL:
        for trace in chart.traces:
            points = length if not trace.marker else length // 100
            series[trace.key] = Series()
            steps = np.arange(1, points + 1) * (length // points)
            series[trace.key].replace(steps, generator.normal(0.5, 0.1, points).cumsum())
    return series


def _print_frames(name: str, times: list[tuple[float, float]]) -> None:
    """`times`: seconds, and seconds of the processor."""
    wall, computing = zip(*times, strict=True)
    median, slowest = statistics.median(wall) * 1000, max(wall) * 1000
    print(
        f"           {name:20} median {median:6.1f} ms  slowest {slowest:6.1f} ms  limit {LIMIT_MS:.1f} ms  "
        f"median / limit {median / LIMIT_MS:.2f}  computing {statistics.median(computing) * 1000:6.1f} ms"
    )


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _timed_twice(work: Callable[[], object]) -> tuple[float, float]:
    start = time.process_time()
    wall = _timed(work)
    return wall, time.process_time() - start


if __name__ == "__main__":
    main()
