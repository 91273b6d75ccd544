"""Live plots: what is drawn is what came in, and painting keeps its own pace."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.widgets.plots.chart import Chart, Trace
from app.widgets.plots.group import PlotGroup
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
)
ACCURACY = Chart(
    key="accuracy",
    title="Accuracy",
    help="The accuracy.",
    traces=(Trace(key="accuracy", words="train", colour="accent"),),
    limits=(0.0, 1.0),
    number="{:.2f}",
)


class Scene:
    """Two linked plots in a window."""

    def __init__(self, theme: Theme) -> None:
        self.window = QWidget()
        self.plots = [LivePlot(LOSS, theme), LivePlot(ACCURACY, theme)]
        layout = QHBoxLayout(self.window)
        for plot in self.plots:
            layout.addWidget(plot)
        self.group = PlotGroup(self.plots, self.window)
        self.series = {"loss": Series(), "eval_loss": Series(), "accuracy": Series()}
        self.group.show_series(self.series)
        self.window.resize(700, 260)

    def add(self, steps: int) -> None:
        start = len(self.series["loss"])
        for step in range(start + 1, start + steps + 1):
            self.series["loss"].append(step, 0.7 - step / 1000)
            self.series["accuracy"].append(step, 0.5)
        self.group.notice()

    @property
    def paints(self) -> int:
        return sum(plot.paints for plot in self.plots)

    def drawn(self, plot: int, key: str) -> tuple[list[float], list[float]]:
        return self.plots[plot].drawn(key)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def scene(qtbot: QtBot, theme: Theme) -> Scene:
    scene = Scene(theme)
    qtbot.addWidget(scene.window)
    return scene


@pytest.fixture
def shown(qtbot: QtBot, scene: Scene) -> Scene:
    """In sight, and at rest."""
    with qtbot.waitExposed(scene.window):
        scene.window.show()
    rest(qtbot, scene)
    return scene


def rest(qtbot: QtBot, scene: Scene) -> None:
    qtbot.waitUntil(lambda: not scene.group.is_ticking)


def test_what_is_drawn_is_what_came_in(qtbot: QtBot, shown: Scene) -> None:
    shown.add(20)
    shown.series["eval_loss"].append(10, 0.65)
    rest(qtbot, shown)
    assert shown.drawn(0, "loss") == (shown.series["loss"].x.tolist(), shown.series["loss"].y.tolist())
    assert shown.drawn(0, "eval_loss") == ([10.0], [0.65])
    assert shown.drawn(1, "accuracy")[0] == shown.series["accuracy"].x.tolist()


def test_a_burst_of_points_is_painted_a_few_times(qtbot: QtBot, shown: Scene) -> None:
    before = shown.paints
    for _ in range(1000):
        shown.add(100)
    assert shown.paints == before, "points alone paint nothing"
    rest(qtbot, shown)
    assert len(shown.series["loss"]) == 100_000
    assert 2 <= shown.paints - before <= 6, "two plots, once or twice (their height follows) each"
    x, _ = shown.drawn(0, "loss")
    assert len(x) <= 2 * shown.plots[0].canvas.pixels_wide() + 8, "no more points than can be seen"
    assert x[-1] == 100_000.0


def test_nothing_is_painted_when_nothing_changed(qtbot: QtBot, shown: Scene) -> None:
    shown.add(10)
    rest(qtbot, shown)
    before = shown.paints
    shown.group.notice()
    rest(qtbot, shown)
    assert shown.group.paint() == 0
    assert shown.paints == before


def test_nothing_is_painted_out_of_sight(qtbot: QtBot, shown: Scene) -> None:
    shown.window.hide()
    before = shown.paints
    shown.add(50)
    rest(qtbot, shown)
    assert shown.paints == before
    with qtbot.waitExposed(shown.window):
        shown.window.show()
    qtbot.waitUntil(lambda: len(shown.drawn(0, "loss")[0]) == 50)
    assert shown.paints > before


def test_the_step_axis_grows_by_doubling_up_to_what_is_planned(qtbot: QtBot, shown: Scene) -> None:
    shown.group.set_planned_steps(35)
    ends = []
    for steps in (3, 8, 10, 14):
        shown.add(steps)
        rest(qtbot, shown)
        ends.append(shown.plots[0].canvas.view())
    assert ends == [(0.0, 10.0), (0.0, 20.0), (0.0, 35.0), (0.0, 35.0)]
    assert shown.plots[1].canvas.view() == (0.0, 35.0)


def test_a_zoom_stays_while_points_come_and_until_it_is_let_go(qtbot: QtBot, shown: Scene) -> None:
    shown.add(40)
    rest(qtbot, shown)
    canvas = shown.plots[0].canvas
    width = canvas.viewport().width()
    QTest.mousePress(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(width // 3, 60))
    QTest.mouseMove(canvas.viewport(), QPoint(width // 2, 60))
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(width * 2 // 3, 60))
    rest(qtbot, shown)
    low, high = canvas.view()
    assert 0 < low < high < 40
    assert shown.group.zoomed
    assert shown.plots[1].canvas.view() == (low, high), "all plots show the same steps"
    shown.add(100)
    rest(qtbot, shown)
    assert canvas.view() == (low, high)
    shown.group.reset_zoom()
    rest(qtbot, shown)
    assert canvas.view() == (0.0, 160.0)
    shown.add(100)
    rest(qtbot, shown)
    assert canvas.view() == (0.0, 320.0), "and follows again"


def test_zoom_by_key_and_back(qtbot: QtBot, shown: Scene) -> None:
    shown.add(40)
    rest(qtbot, shown)
    canvas = shown.plots[0].canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    rest(qtbot, shown)
    assert canvas.view() == pytest.approx((4.0, 36.0))
    QTest.keyClick(canvas, Qt.Key.Key_0)
    rest(qtbot, shown)
    assert canvas.view() == (0.0, 40.0)


@pytest.mark.parametrize("control", [True, False])
def test_the_wheel_zooms_with_control_and_else_belongs_to_the_page(
    qtbot: QtBot, shown: Scene, control: bool
) -> None:
    shown.add(40)
    rest(qtbot, shown)
    canvas = shown.plots[0].canvas
    keys = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        QPointF(150, 60),
        QPointF(canvas.mapToGlobal(QPoint(150, 60))),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    canvas.wheelEvent(event)
    rest(qtbot, shown)
    assert event.isAccepted() is control
    assert shown.group.zoomed is control


def test_the_cursor_is_linked_and_its_values_are_written(qtbot: QtBot, shown: Scene) -> None:
    shown.add(20)
    shown.series["eval_loss"].append(10, 0.65)
    rest(qtbot, shown)
    shown.plots[1].cursor_wanted.emit(7.3)
    assert shown.plots[0].values() == {"loss": (7.0, 0.7 - 7 / 1000), "eval_loss": (10.0, 0.65)}
    assert shown.plots[1].values() == {"accuracy": (7.0, 0.5)}
    description = shown.plots[0].canvas.accessibleDescription()
    assert "train 0.693" in description
    assert "held-out 0.650" in description
    shown.plots[0].cursor_left.emit()
    assert shown.plots[0].values()["loss"] == (20.0, 0.7 - 20 / 1000)


def test_the_cursor_walks_by_keys(qtbot: QtBot, shown: Scene) -> None:
    shown.add(20)
    rest(qtbot, shown)
    canvas = shown.plots[0].canvas
    canvas.setFocus()
    steps = []
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End):
        QTest.keyClick(canvas, key)
        steps.append(shown.plots[1].values()["accuracy"][0])
    assert steps == [19.0, 18.0, 19.0, 1.0, 20.0]


def test_the_height_shows_all_and_stands_still_for_small_changes(qtbot: QtBot, shown: Scene) -> None:
    rng = np.random.default_rng(1)
    shown.series["loss"].replace(np.arange(1, 101), 0.5 + 0.1 * rng.random(100))
    shown.group.notice()
    rest(qtbot, shown)
    item = shown.plots[0].canvas.getPlotItem()
    low, high = item.viewRange()[1]
    assert low < 0.5
    assert high > math.log(2), "the level is in view, with its words"
    shown.series["loss"].append(101, 0.55)
    shown.group.notice()
    rest(qtbot, shown)
    assert item.viewRange()[1] == [low, high]
    shown.series["loss"].append(102, 2.0)
    shown.group.notice()
    rest(qtbot, shown)
    assert item.viewRange()[1][1] > 2.0
    limits = shown.plots[1].canvas.getPlotItem().viewRange()[1]
    assert limits[0] < 0.0
    assert limits[1] > 1.0


def test_another_run_is_drawn_instead(qtbot: QtBot, shown: Scene) -> None:
    shown.add(20)
    rest(qtbot, shown)
    other = Series()
    other.extend([(1, 0.6), (2, 0.5)])
    shown.group.show_series({"loss": other}, planned_steps=2)
    rest(qtbot, shown)
    assert shown.drawn(0, "loss") == ([1.0, 2.0], [0.6, 0.5])
    assert shown.drawn(1, "accuracy") == ([], [])
    shown.group.show_series({})
    rest(qtbot, shown)
    assert shown.plots[0].canvas.accessibleDescription() == "No points yet"


def test_colours_follow_the_theme(qtbot: QtBot, shown: Scene, theme: Theme) -> None:
    curve = shown.plots[0]._lines["loss"]._raw
    before = curve.opts["pen"].color().name()
    theme.set_mode("dark")
    assert curve.opts["pen"].color().name() == theme.colour("accent").name() != before


def test_there_is_no_menu_on_the_plot(shown: Scene) -> None:
    item = shown.plots[0].canvas.getPlotItem()
    assert not item.menuEnabled()
    assert not item.getViewBox().menuEnabled()
