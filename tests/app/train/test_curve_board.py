"""The curves of the Train page: which charts are there, how they are looked at, and what leaves the app."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.shell.settings import PlotSettings, SettingsFile
from app.shell.theme import Theme
from app.train.curve_board.board import CurveBoard
from app.train.curve_board.charts import CHARTS, USUAL
from app.train.curve_board.tool_row import WINDOWS
from app.train.curves import Columns
from app.widgets.plot_export import export_plot
from tests.helpers.fake_engine import training_metrics

MakeBoard = Callable[[], CurveBoard]
TRAIN = ["loss", "margin", "accuracy", "rewards", "log-probs", "gradient", "learning-rate", "speed"]
"""The charts of what the fake engine measures."""


@pytest.fixture
def settings(tmp_path: Path) -> SettingsFile:
    return SettingsFile(tmp_path / "settings.json")


@pytest.fixture
def make(qtbot: QtBot, qapp: QApplication, settings: SettingsFile) -> MakeBoard:
    theme = Theme(qapp, "light")

    def build() -> CurveBoard:
        board = CurveBoard(theme, settings)
        qtbot.addWidget(board)
        while not board.build_one():
            pass
        board.resize(720, 600)
        with qtbot.waitExposed(board):
            board.show()
        return board

    return build


@pytest.fixture
def board(make: MakeBoard) -> CurveBoard:
    """With a run of 20 steps."""
    board = make()
    board.curves_loaded(1, columns(), 20)
    board.show_runs(1, names={1: "Run 1"})
    return board


def columns(steps: int = 20, shift: float = 0.0) -> Columns:
    rows = [training_metrics(step, steps) for step in range(1, steps + 1)]
    x = np.arange(1.0, steps + 1)
    return {name: (x, np.array([row[name] for row in rows]) + shift) for name in rows[0]}


def keys(board: CurveBoard) -> list[str]:
    """The charts that can be seen, in their order."""
    assert {plot for plot in board.plots if not plot.isHidden()} == set(board.shown_plots())
    return [plot.chart.key for plot in board.shown_plots()]


def rest(qtbot: QtBot, board: CurveBoard) -> None:
    qtbot.waitUntil(lambda: not board.group.is_ticking)


def test_the_usual_charts_stand_ready_before_the_first_step(make: MakeBoard) -> None:
    board = make()
    board.show_run(1)
    assert keys(board) == [chart.key for chart in USUAL]


def test_a_chart_without_data_is_not_shown_and_comes_with_its_first_point(board: CurveBoard) -> None:
    assert keys(board) == TRAIN
    board.points_added(1, 20, {"samples/kl": 0.02, "eval_loss": 0.6}, 20)
    assert keys(board) == [*TRAIN[:5], "kl", *TRAIN[5:]]
    board.points_added(1, 20, {"memory": 1.5e9}, 20)
    assert keys(board)[-1] == "memory"
    board.show_run(2)
    assert keys(board) == [chart.key for chart in USUAL]


def test_every_metric_of_the_engine_that_a_curve_can_show_has_one(board: CurveBoard) -> None:
    drawn = {trace.key for chart in CHARTS for trace in chart.traces}
    assert set(training_metrics(1, 2)) - drawn == {"num_tokens", "epoch", "step_seconds"}


def test_charts_are_chosen_and_remembered(board: CurveBoard, make: MakeBoard, settings: SettingsFile) -> None:
    actions = {action.text(): action for action in board.tools.charts.menu().actions()}
    actions["Accuracy"].trigger()
    actions["Learning rate"].trigger()
    wanted = [key for key in TRAIN if key not in ("accuracy", "learning-rate")]
    assert keys(board) == wanted
    assert settings.current.plots.hidden == ("accuracy", "learning-rate")
    again = make()
    again.curves_loaded(1, columns(), 20)
    again.show_run(1)
    assert keys(again) == wanted
    {action.text(): action for action in again.tools.charts.menu().actions()}["Accuracy"].trigger()
    assert keys(again) == [key for key in TRAIN if key != "learning-rate"]


def test_the_look_is_for_all_charts_and_remembered(
    qtbot: QtBot, board: CurveBoard, make: MakeBoard, settings: SettingsFile, tmp_path: Path
) -> None:
    board.tools.smoothing.setFocus()
    QTest.keyClick(board.tools.smoothing, Qt.Key.Key_Right)
    QTest.keyClick(board.tools.smoothing, Qt.Key.Key_Right)
    QTest.keyClick(board.tools.log, Qt.Key.Key_Space)
    assert board.group.look.window == WINDOWS[2]
    assert settings.current.plots == PlotSettings(window=WINDOWS[2], log=True)
    assert SettingsFile(tmp_path / "settings.json").current.plots == settings.current.plots, "on the disk"
    assert [plot.chart.key for plot in board.plots if plot.is_log] == [
        chart.key for chart in CHARTS if chart.positive
    ]
    again = make()
    assert again.tools.smoothing.accessibleDescription() == "3 steps"
    assert again.tools.log.isChecked()
    assert again.group.look == board.group.look


def test_a_window_that_is_not_offered_becomes_the_next_smaller_one(
    make: MakeBoard, settings: SettingsFile
) -> None:
    settings.change(plots=PlotSettings(window=70, hidden=("no such chart",)))
    assert make().group.look.window == 50


def test_one_chart_large_by_double_click_and_by_key(qtbot: QtBot, board: CurveBoard) -> None:
    margin = board.plots[1]
    QTest.mouseDClick(margin.canvas.viewport(), Qt.MouseButton.LeftButton)
    assert keys(board) == ["margin"]
    qtbot.waitUntil(lambda: margin.height() > 500)
    assert board.tools.all.isVisible()
    assert margin.canvas.hasFocus() or board.focusWidget() is margin
    margin.canvas.setFocus()
    QTest.keyClick(margin.canvas, Qt.Key.Key_Escape)
    assert keys(board) == TRAIN
    QTest.keyClick(margin.canvas, Qt.Key.Key_Return)
    assert keys(board) == ["margin"]
    board.tools.all.click()
    assert keys(board) == TRAIN


def test_the_zoom_stays_while_points_come_and_can_be_let_go(qtbot: QtBot, board: CurveBoard) -> None:
    assert not board.tools.whole.isVisible()
    board.plots[0].zoom_wanted.emit(5.0, 10.0)
    rest(qtbot, board)
    assert board.tools.whole.isVisible()
    for step in range(21, 60):
        board.points_added(1, step, training_metrics(step, 80), 80)
    rest(qtbot, board)
    assert board.plots[1].canvas.view() == (5.0, 10.0)
    board.tools.whole.click()
    rest(qtbot, board)
    assert board.plots[1].canvas.view() == (0.0, 80.0)
    assert not board.tools.whole.isVisible()


def test_runs_beside_have_names_and_keep_coming(qtbot: QtBot, board: CurveBoard) -> None:
    board.curves_loaded(2, columns(30, shift=0.1), 30)
    board.show_runs(1, [2, 1], {1: "Run 1", 2: "Run 2"})
    rest(qtbot, board)
    loss = board.plots[0]
    assert [overlay.name for overlay in loss._shown.beside] == ["Run 2"], "not the run itself"
    assert loss.canvas.view() == (0.0, 40.0), "as far as the longest"
    board.points_added(2, 31, training_metrics(31, 31), 31)
    rest(qtbot, board)
    assert loss._beside[0]["loss"].drawn()[0][-1] == 31.0
    board.show_run(2)
    assert [overlay.name for overlay in loss._shown.beside] == ["Run 1"], "which was to be beside, too"
    board.show_runs(1)
    assert not loss._beside


def test_a_chart_that_only_a_run_beside_has_is_there(board: CurveBoard) -> None:
    board.points_added(2, 1, {"samples/kl": 0.1}, 20)
    assert "kl" not in keys(board)
    board.show_runs(1, [2])
    assert "kl" in keys(board)


def test_a_group_is_a_band(qtbot: QtBot, board: CurveBoard) -> None:
    board.curves_loaded(2, columns(shift=0.5), 20)
    board.show_band([1, 2])
    rest(qtbot, board)
    spread = board.plots[0]._spreads["loss"]
    assert (spread.high.y - spread.low.y).tolist() == pytest.approx([0.5] * 20)
    board.show_band(())
    assert not board.plots[0]._bands


def test_what_is_shown_is_what_is_saved(board: CurveBoard, tmp_path: Path) -> None:
    board.curves_loaded(2, columns(4), 4)
    board.show_runs(1, [2], {1: "Run 1", 2: "Run 2"})
    export_plot(board.sheet.figure, tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    assert names[:3] == ["step", "loss", "Run 2: loss"]
    assert "grad_norm" in names
    assert lines[1].split(",")[1] == repr(training_metrics(1, 20)["loss"])
    assert len(lines) == 21
    assert lines[20].split(",")[2] == ""
    board.enlarge(board.plots[3])
    export_plot(board.sheet.figure, tmp_path / "one.csv")
    names = (tmp_path / "one.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert names[1:] == [
        "rewards/chosen",
        "rewards/rejected",
        "Run 2: rewards/chosen",
        "Run 2: rewards/rejected",
    ]
    for ending in ("png", "svg"):
        export_plot(board.sheet.figure, tmp_path / f"one.{ending}")
        assert (tmp_path / f"one.{ending}").stat().st_size > 1000


def test_a_charts_menu_hides_and_enlarges_it(qtbot: QtBot, board: CurveBoard) -> None:
    accuracy = board.plots[2]
    accuracy.menu_wanted.emit(accuracy.mapToGlobal(accuracy.rect().center()))
    (menu,) = accuracy.findChildren(QMenu)
    named = {action.text(): action for action in menu.actions()}
    assert {"Enlarge", "Hide this chart", "Save as CSV…"} <= set(named)
    named["Enlarge"].trigger()
    assert keys(board) == ["accuracy"]
    named["Hide this chart"].trigger()
    assert keys(board) == [key for key in TRAIN if key != "accuracy"]
    menu.close()


@pytest.mark.parametrize(("width", "columns"), [(500, 1), (720, 2), (1400, 3), (2060, 4)])
def test_the_grid_follows_the_width(qtbot: QtBot, board: CurveBoard, width: int, columns: int) -> None:
    board.resize(width, 600)
    qtbot.waitUntil(lambda: board.sheet.width() == width)
    QApplication.processEvents()
    tops = {plot.geometry().top() for plot in board.shown_plots()}
    assert len(tops) == -(-len(TRAIN) // columns)


def test_every_control_has_a_name(board: CurveBoard) -> None:
    controls = [*board.tools.findChildren(QAbstractButton), board.tools.smoothing]
    assert all(control.accessibleName() and control.toolTip() for control in controls)
    assert all(plot.canvas.accessibleName() == plot.chart.title for plot in board.plots)
