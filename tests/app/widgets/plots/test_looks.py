"""Live plots by look: smoothed, logarithmic, with gaps, with other runs beside and a band behind."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.widgets.plots.chart import Chart, Look, Overlay, Shown, Trace
from app.widgets.plots.group import PlotGroup
from app.widgets.plots.legend import OtherRow, Value
from app.widgets.plots.live_plot import LivePlot
from app.widgets.plots.series import Series

LOSS = Chart(
    key="loss",
    title="Loss",
    help="The loss.",
    traces=(
        Trace(key="loss", words="train", colour="accent"),
        Trace(key="eval_loss", words="held-out", colour="good", marker="d"),
    ),
    level=(math.log(2), "ln 2"),
    positive=True,
)
MARGIN = Chart(
    key="margin",
    title="Margin",
    help="The margin.",
    traces=(Trace(key="margin", words="train", colour="accent"),),
    level=(0.0, "0"),
)


class Scene:
    def __init__(self, qtbot: QtBot, theme: Theme) -> None:
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self._qtbot = qtbot
        self.plot = LivePlot(LOSS, theme, self.window)
        self.margin = LivePlot(MARGIN, theme, self.window)
        self.group = PlotGroup([self.plot, self.margin], self.window)
        self.window.resize(800, 300)
        self.plot.setGeometry(0, 0, 400, 300)
        self.margin.setGeometry(400, 0, 400, 300)
        with qtbot.waitExposed(self.window):
            self.window.show()

    def show(self, shown: Shown, look: Look | None = None) -> None:
        self.group.show_all(shown, 40)
        if look is not None:
            self.group.set_look(look)
        self.rest()

    def rest(self) -> None:
        self._qtbot.waitUntil(lambda: not self.group.is_ticking)


@pytest.fixture
def scene(qtbot: QtBot, qapp: QApplication) -> Scene:
    return Scene(qtbot, Theme(qapp, "light"))


def run(seed: int, steps: int = 40) -> dict[str, Series]:
    generator = np.random.default_rng(seed)
    loss, held_out, margin = Series(), Series(), Series()
    x = np.arange(1, steps + 1)
    loss.replace(x, 0.69 - x / 100 + generator.uniform(-0.05, 0.05, steps))
    held_out.replace(x[9::10], 0.69 - x[9::10] / 110)
    margin.replace(x, x / 40 + generator.uniform(-0.1, 0.1, steps))
    return {"loss": loss, "eval_loss": held_out, "margin": margin}


def test_smoothed_lines_stand_before_what_came(scene: Scene) -> None:
    series = run(1)
    scene.show(Shown(series=series), Look(window=10))
    line = scene.plot._lines["loss"]
    assert line.drawn()[1] == series["loss"].y.tolist(), "the line as it came is there"
    x, smooth = line._smooth.getData()
    assert x.tolist() == series["loss"].x.tolist()
    assert np.ptp(np.diff(smooth)) < 0.3 * np.ptp(np.diff(series["loss"].y))
    assert line._smooth.opts["pen"].color().alphaF() == 1.0
    assert line._raw.opts["pen"].color().alphaF() < 0.5
    assert scene.plot.values()["loss"] == (40.0, pytest.approx(smooth[-1]))
    assert scene.plot.values()["eval_loss"][1] == series["eval_loss"].y[-1], "points are as they came"
    scene.group.set_look(Look())
    scene.rest()
    assert line._smooth.getData()[0] is None
    assert line._raw.opts["pen"].color().alphaF() == 1.0


def test_points_that_come_are_smoothed_too(scene: Scene) -> None:
    series = run(1)
    scene.show(Shown(series=series), Look(window=5))
    series["loss"].append(41, 0.1)
    scene.group.notice()
    scene.rest()
    assert scene.plot.values()["loss"][0] == 41.0
    assert not scene.plot.is_stale()


def test_a_logarithmic_axis_where_values_are_positive(scene: Scene) -> None:
    series = run(2)
    series["loss"].append(41, -0.5)
    series["loss"].append(42, 0.01)
    scene.show(Shown(series=series), Look(log=True))
    assert scene.plot.is_log
    assert not scene.margin.is_log, "a margin has both signs"
    x, y = scene.plot.drawn("loss")
    assert y[0] == pytest.approx(math.log10(series["loss"].y[0]))
    connected = scene.plot._lines["loss"]._raw.opts["connect"]
    assert not connected[list(x).index(41.0)], "a value that has no logarithm is a gap"
    assert not connected[list(x).index(40.0)]
    low, high = scene.plot.canvas.heights()
    assert low < math.log10(0.01) < math.log10(0.69) < high < 0.5
    assert scene.plot._level is not None
    assert scene.plot._level.value() == pytest.approx(math.log10(math.log(2)))
    assert scene.margin.drawn("margin")[1] == series["margin"].y.tolist()
    scene.group.set_look(Look(log=False))
    scene.rest()
    assert scene.plot.drawn("loss")[1][0] == series["loss"].y[0]
    assert scene.plot.canvas.heights()[0] < -0.5


def test_runs_beside_are_dashed_named_and_fainter(scene: Scene) -> None:
    shown, other, third = run(1), run(2), run(3)
    beside = [
        Overlay(name="Run 2", series=other, dash=0),
        Overlay(name="Run 3", series=third, dash=1),
    ]
    scene.show(Shown(series=shown, beside=beside))
    second, last = (lines["loss"] for lines in scene.plot._beside)
    assert second.drawn()[1] == other["loss"].y.tolist()
    pens = [line._raw.opts["pen"] for line in (second, last)]
    assert pens[0].dashPattern() != pens[1].dashPattern(), "told apart by more than colour"
    assert all(pen.color().alphaF() < 0.7 for pen in pens)
    assert scene.plot._lines["loss"]._raw.opts["pen"].dashPattern() == []
    rows = scene.plot.findChildren(OtherRow)
    assert [row.name for row in rows] == ["Run 2", "Run 3"]
    scene.plot.cursor_wanted.emit(20.2)
    texts = [value.text() for value in rows[0].findChildren(Value) if not value.isHidden()]
    assert texts == [f"{other['loss'].y[19]:.3f}", f"{other['eval_loss'].y[1]:.3f}"]
    scene.show(Shown(series=shown))
    assert not scene.plot._beside
    assert len(scene.plot.canvas.getPlotItem().items) == len(scene.margin.canvas.getPlotItem().items) + 3


def test_others_come_and_go_and_the_zoom_stays(scene: Scene) -> None:
    shown = run(1)
    scene.show(Shown(series=shown))
    scene.plot.zoom_wanted.emit(10.0, 20.0)
    scene.rest()
    scene.show(Shown(series=shown, beside=[Overlay(name="Run 2", series=run(2), dash=0)]))
    assert scene.plot.canvas.view() == (10.0, 20.0)
    scene.show(Shown(series=run(4)))
    assert scene.plot.canvas.view() == (0.0, 40.0), "another run is shown whole"


def test_a_band_reaches_from_the_lowest_to_the_highest_run(scene: Scene) -> None:
    runs = [run(1), run(2), run(3)]
    scene.show(Shown(series=runs[0], group=runs))
    values = np.array([one["margin"].y for one in runs])
    spread = scene.margin._spreads["margin"]
    assert spread.low.y == pytest.approx(values.min(axis=0))
    assert spread.high.y == pytest.approx(values.max(axis=0))
    area = scene.margin._bands["margin"]._area.path().boundingRect()
    assert (area.top(), area.bottom()) == pytest.approx((values.min(), values.max()))
    (row,) = scene.margin.findChildren(OtherRow)
    assert row.name == "mean of 3 runs"
    scene.margin.cursor_wanted.emit(7)
    assert scene.margin.values()["margin"][1] == runs[0]["margin"].y[6]
    texts = [value.text() for value in row.findChildren(Value)]
    assert texts == [f"{values.mean(axis=0)[6]:.3f}".replace("-", "−")]
    scene.group.set_look(Look(window=20))
    scene.rest()
    smooth = scene.margin._spreads["margin"]
    assert (smooth.high.y - smooth.low.y).max() < (spread.high.y - spread.low.y).max(), (
        "smoothed as lines are"
    )


def test_nothing_in_the_legend_moves_while_the_cursor_does(scene: Scene, qtbot: QtBot) -> None:
    shown = run(1)
    scene.show(Shown(series=shown, beside=[Overlay(name="Run 2", series=run(2), dash=0)]))
    for step in range(1, 41):
        scene.plot.cursor_wanted.emit(step)
    places = [value.geometry() for value in scene.plot.findChildren(Value)]
    canvas = scene.plot.canvas.geometry()
    for step in range(40, 0, -3):
        scene.plot.cursor_wanted.emit(step)
        QApplication.processEvents()
        assert [value.geometry() for value in scene.plot.findChildren(Value)] == places
        assert scene.plot.canvas.geometry() == canvas


def test_keys_move_what_is_zoomed_and_ask_for_a_larger_plot(scene: Scene, qtbot: QtBot) -> None:
    scene.show(Shown(series=run(1)))
    canvas = scene.plot.canvas
    canvas.setFocus()
    scene.plot.zoom_wanted.emit(10.0, 20.0)
    scene.rest()
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    scene.rest()
    assert canvas.view() == pytest.approx((11.5, 21.5))
    for _ in range(20):
        QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    scene.rest()
    assert canvas.view() == pytest.approx((30.0, 40.0)), "no further than the curves"
    QTest.keyClick(canvas, Qt.Key.Key_Home)
    scene.rest()
    assert canvas.view()[0] <= 1.0 <= canvas.view()[1], "the cursor, moved by key, can be seen"
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        with qtbot.waitSignal(scene.plot.enlarge_wanted):
            QTest.keyClick(canvas, key)
    with qtbot.waitSignal(scene.plot.cursor_left):
        QTest.keyClick(canvas, Qt.Key.Key_Escape)
    with qtbot.waitSignal(scene.plot.back_wanted):
        QTest.keyClick(canvas, Qt.Key.Key_Escape)
    with qtbot.waitSignal(scene.plot.enlarge_wanted):
        QTest.mouseDClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(150, 60))


def test_the_middle_button_moves_what_is_zoomed(scene: Scene) -> None:
    scene.show(Shown(series=run(1)))
    scene.plot.zoom_wanted.emit(10.0, 20.0)
    scene.rest()
    viewport = scene.plot.canvas.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.MiddleButton, pos=QPoint(200, 60))
    QTest.mouseMove(viewport, QPoint(150, 60))
    QTest.mouseRelease(viewport, Qt.MouseButton.MiddleButton, pos=QPoint(150, 60))
    scene.rest()
    low, high = scene.plot.canvas.view()
    assert low > 10.5
    assert high - low == pytest.approx(10.0)


def test_held_out_points_that_would_touch_are_thinned(scene: Scene) -> None:
    series = run(1)
    steps = np.arange(1, 5001)
    series["eval_loss"].replace(steps, np.full(5000, 0.5))
    scene.show(Shown(series=series))
    points = scene.plot._lines["eval_loss"]._points
    assert points is not None
    x, _ = points.getData()
    width = scene.plot.canvas.pixels_wide()
    assert width / 40 < len(x) < width / 5
    assert np.ptp(np.diff(x)) == 0
