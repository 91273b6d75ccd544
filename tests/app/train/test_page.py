"""The Train page by keyboard, with a real project and a fake engine."""

import gc
import subprocess
import sys

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.shell.keymap import Keymap
from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.store import settings
from app.train.curve_board.board import CurveBoard
from app.train.page import TrainPage
from app.train.runs.model import STATE
from dpo_engine import requests as ask
from dpo_engine.requests import Train
from tests.app.train.conftest import Room
from tests.app.train.playing import begin, step
from tests.helpers.fake_engine import training_metrics


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


def shown(qtbot: QtBot, room: Room, theme: Theme) -> TrainPage:
    page = TrainPage(room.presenter, theme, SettingsFile(room.project.path.with_name("settings.json")))
    qtbot.addWidget(page)
    page.resize(1072, 768)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    qtbot.waitUntil(lambda: page.curves.board is not None)
    settled(qtbot, page)
    return page


@pytest.fixture
def page(qtbot: QtBot, ready: Room, theme: Theme) -> TrainPage:
    return shown(qtbot, ready, theme)


def settled(qtbot: QtBot, page: TrainPage) -> None:
    """What the presenter said last is on the screen."""
    qtbot.waitUntil(lambda: not page._refresh.isActive())


def board(page: TrainPage) -> CurveBoard:
    assert page.curves.board is not None
    return page.curves.board


def press(qtbot: QtBot, page: TrainPage, key: Qt.Key, *, control: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    QTest.keyClick(page.focusWidget() or page, key, modifier)
    settled(qtbot, page)


def test_without_verdicts_the_page_says_what_to_do(qtbot: QtBot, room: Room, theme: Theme) -> None:
    page = shown(qtbot, room, theme)
    assert not page.foot.start_box.button.isEnabled()
    assert "at least one verdict" in page.foot.start_box.hint()
    assert not page.runs.isVisible()


def test_start_pause_go_on_and_stop_by_keyboard(qtbot: QtBot, ready: Room, page: TrainPage) -> None:
    page.foot.start_box.button.setFocus()
    press(qtbot, page, Qt.Key.Key_Space)
    assert page.focusWidget() is page.foot.progress, "not on Cancel while there is nothing to pause"
    request = begin(ready)
    step(ready, request, 1)
    settled(qtbot, page)
    assert page.foot.progress.isVisible()
    assert page.foot.start_box.button.text() == "Add to the queue"
    assert page.focusWidget() is page.foot.progress.pause, "the keyboard stays where it was"
    assert "Step 1 of 10" in page.foot.progress.words()
    assert "under a minute left" in page.foot.progress.words()
    press(qtbot, page, Qt.Key.Key_Space)
    assert ready.engine.controls == [ask.Pause(target=request)]
    assert page.foot.progress.pause.text() == "Go on"
    press(qtbot, page, Qt.Key.Key_Space)
    assert ready.engine.controls[-1] == ask.Resume(target=request)
    press(qtbot, page, Qt.Key.Key_Tab)
    assert page.focusWidget() is page.foot.progress.stop
    press(qtbot, page, Qt.Key.Key_Space)
    assert ready.engine.controls[-1] == ask.StopAndKeep(target=request)


def test_shortcuts_start_pause_and_stop(qtbot: QtBot, ready: Room, page: TrainPage) -> None:
    page.setup.main.field("beta").focus_field()
    press(qtbot, page, Qt.Key.Key_Return, control=True)
    request = begin(ready)
    step(ready, request, 1)
    settled(qtbot, page)
    press(qtbot, page, Qt.Key.Key_P, control=True)
    press(qtbot, page, Qt.Key.Key_P, control=True)
    press(qtbot, page, Qt.Key.Key_Period, control=True)
    assert ready.engine.controls == [
        ask.Pause(target=request),
        ask.Resume(target=request),
        ask.StopAndKeep(target=request),
    ]


def test_the_curves_are_the_events(qtbot: QtBot, ready: Room, page: TrainPage) -> None:
    ready.engine.auto_train(steps=12, evaluate_every=4)
    ready.presenter.start()
    ready.engine.deliver()
    (run,) = ready.runs()
    assert board(page).shown_run == run.id
    series = board(page).series(run.id)
    for key in ("loss", "rewards/margins", "rewards/chosen", "logps/rejected", "grad_norm"):
        expected = [training_metrics(n, 12)[key] for n in range(1, 13)]
        assert series[key].y.tolist() == expected
        assert series[key].x.tolist() == [float(n) for n in range(1, 13)]
    assert series["eval_loss"].x.tolist() == [4.0, 8.0, 12.0]
    loss = board(page).plots[0]
    qtbot.waitUntil(lambda: loss.paints > 0 and not loss.is_stale())
    x, y = loss.drawn("loss")
    assert (x, y) == (series["loss"].x.tolist(), series["loss"].y.tolist())


def test_a_resumed_runs_curves_go_back_to_its_checkpoint(qtbot: QtBot, ready: Room, page: TrainPage) -> None:
    ready.presenter.start()
    request = begin(ready)
    for number in (1, 2, 3, 4):
        step(ready, request, number)
    ready.engine.die()
    settled(qtbot, page)
    (run,) = ready.runs()
    assert board(page).series(run.id)["loss"].x.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert page.runs.resume.isEnabled()
    page.runs.resume.setFocus()
    press(qtbot, page, Qt.Key.Key_Space)
    begin(ready, first=2)
    assert board(page).series(run.id)["loss"].x.tolist() == [1.0, 2.0]
    step(ready, ready.engine.last(Train).id, 3)
    assert board(page).series(run.id)["loss"].x.tolist() == [1.0, 2.0, 3.0]


def test_use_this_policy_tells_the_shell(qtbot: QtBot, ready: Room, page: TrainPage) -> None:
    ready.engine.auto_train(steps=2)
    ready.presenter.start()
    ready.engine.deliver()
    settled(qtbot, page)
    (run,) = ready.runs()
    with qtbot.waitSignal(page.policy_chosen) as chosen:
        page.runs.table.setFocus()
        press(qtbot, page, Qt.Key.Key_U, control=True)
    assert chosen.args == [run.folder]
    assert settings.get_setting(ready.project, "policy") == run.folder
    settled(qtbot, page)
    assert page.runs.back.isVisible()
    with qtbot.waitSignal(page.policy_chosen) as chosen:
        page.runs.back.click()
    assert chosen.args == ["starter"]


def test_runs_are_chosen_by_arrow_keys(qtbot: QtBot, ready: Room, page: TrainPage) -> None:
    ready.engine.auto_train(steps=2)
    for _ in range(2):
        ready.presenter.start()
        ready.engine.deliver()
    settled(qtbot, page)
    newest, oldest = ready.runs()
    assert board(page).shown_run == newest.id
    page.runs.table.setFocus()
    press(qtbot, page, Qt.Key.Key_Down)
    assert board(page).shown_run == oldest.id
    assert board(page).series(oldest.id)["loss"].x.tolist() == [1.0, 2.0]


def test_a_wrong_value_is_said_beside_the_field_and_nothing_starts(
    qtbot: QtBot, ready: Room, page: TrainPage
) -> None:
    row = page.setup.main.field("beta")
    assert isinstance(row.field, QLineEdit)
    row.focus_field()
    row.field.selectAll()
    QTest.keyClicks(row.field, "-1")
    settled(qtbot, page)
    assert "above 0" in row.shown_error
    assert "above 0" in page.foot.start_box.hint()
    assert not page.foot.start_box.button.isEnabled()
    press(qtbot, page, Qt.Key.Key_Return, control=True)
    assert ready.runs() == []
    row.field.selectAll()
    QTest.keyClicks(row.field, "0.3")
    settled(qtbot, page)
    press(qtbot, page, Qt.Key.Key_Return, control=True)
    assert [run.beta for run in ready.runs()] == [0.3]


def test_the_method_changes_settings_and_recommendation(qtbot: QtBot, ready: Room, page: TrainPage) -> None:
    rate = page.setup.main.field("learning_rate").field
    assert isinstance(rate, QLineEdit)
    assert rate.placeholderText() == "2e-4"
    page.setup.more.click()
    assert page.setup.rest.field("lora_r").isVisible()
    page.setup.methods["full"].setFocus()
    press(qtbot, page, Qt.Key.Key_Space)
    assert rate.placeholderText() == "1e-5"
    assert not page.setup.rest.field("lora_r").isVisible()
    press(qtbot, page, Qt.Key.Key_Return, control=True)
    assert [run.method for run in ready.runs()] == ["full"]


def test_a_failed_run_says_its_sentence(qtbot: QtBot, ready: Room, page: TrainPage) -> None:
    ready.presenter.start()
    request = begin(ready)
    ready.engine.fail(request, code="disk_full", message="The disk is full. Free some space and resume.")
    settled(qtbot, page)
    assert page.foot.problem.sentence() == "The disk is full. Free some space and resume."
    page.foot.problem.close_button.setFocus()
    press(qtbot, page, Qt.Key.Key_Space)
    assert page.foot.problem.sentence() == ""
    assert page.runs.notice.words() == "The disk is full. Free some space and resume."
    index = page.runs.model.index(0, STATE)
    assert index.data() == "Failed"
    assert not index.data(Qt.ItemDataRole.DecorationRole).isNull()


def test_actions_are_named_and_enabled_as_fits(ready: Room, page: TrainPage, qtbot: QtBot) -> None:
    actions = {action.objectName(): action for action in page.actions()}
    assert all(action.text() and not action.icon().isNull() for action in actions.values())
    shortcuts = [
        action.shortcut().toString() for action in actions.values() if not action.shortcut().isEmpty()
    ]
    assert len(set(shortcuts)) == len(shortcuts)
    assert actions["train.start"].isEnabled()
    assert not actions["train.stop"].isEnabled()
    ready.presenter.start()
    begin(ready)
    settled(qtbot, page)
    assert actions["train.start"].text() == "Add a run to the queue"
    assert actions["train.stop"].isEnabled()


def test_a_key_of_ones_own_acts_and_is_told(qtbot: QtBot, ready: Room, theme: Theme) -> None:
    keymap = Keymap({"train.show-details": ["F6"]})
    settings = SettingsFile(ready.project.path.with_name("settings.json"))
    page = TrainPage(ready.presenter, theme, settings, keymap)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    page.foot.start_box.button.setFocus()
    qtbot.waitUntil(page.foot.start_box.button.hasFocus)
    assert page.foot.start_box.button.toolTip().endswith("(Ctrl+Enter)")
    keymap.change("train.start", ["F7"])
    assert page.foot.start_box.button.toolTip().endswith("now (F7)")
    QTest.keyClick(page.foot.start_box.button, Qt.Key.Key_F6)
    assert page.panels.current == "details"


def test_every_control_has_a_name_and_every_icon_a_tooltip(page: TrainPage) -> None:
    page.setup.more.click()
    for button in page.findChildren(QAbstractButton):
        if button.objectName().startswith("qt_") or type(button).__name__ == "QTableCornerButton":
            continue
        if isinstance(button.parent(), QLineEdit):
            continue  # the sign in a field, which no key reaches
        assert button.text() or button.accessibleName(), (button, button.parent(), button.toolTip())
        assert button.text() or button.toolTip(), button


def test_the_theme_can_change_at_any_time(page: TrainPage, ready: Room, theme: Theme) -> None:
    ready.engine.auto_train(steps=2)
    ready.presenter.start()
    ready.engine.deliver()
    theme.set_mode("dark")
    theme.set_scale(1.5)
    page.grab()
    assert page.setup.width() <= page.width()


def test_a_gone_page_is_told_nothing(qtbot: QtBot, ready: Room, theme: Theme) -> None:
    page = shown(qtbot, ready, theme)
    page.deleteLater()
    qtbot.waitUntil(lambda gone=page: not shiboken6.isValid(gone))
    del page
    gc.collect()
    theme.set_mode("dark")
    ready.presenter.form.refuse("x")
    assert ready.presenter.state.obstacle == "x"


def test_importing_the_page_loads_neither_plots_nor_torch() -> None:
    code = (
        "import sys, app.train.page; "
        "print([name for name in ('pyqtgraph', 'torch', 'datasets') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
