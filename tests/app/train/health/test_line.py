"""The health line: one sentence, the rest below a fold, and a button that does what it says."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.train.health.finding import Figure, Finding, KeepStep, ShowCheck, StartAgain, StopAndKeep
from app.train.health.line import HealthLine, health_line
from app.train.panels import Means
from dpo_engine.events import StepDone
from dpo_engine.requests import StopAndKeep as StopRequest
from tests.app.train.conftest import Room
from tests.app.train.playing import begin

FAR = Finding(
    kind="distance",
    level="warning",
    sentence="The policy went far.",
    cause="Too many steps.",
    figures=(Figure(name="KL", value="0.3 nats a token"),),
    action=KeepStep(step=40, stops=True),
)
FALLING = Finding(
    kind="both_fall",
    level="quiet",
    sentence="Both log-probs fall: normal so far.",
    cause="As it must be.",
    figures=(),
)
STUCK = Finding(
    kind="stuck",
    level="warning",
    sentence="Stuck.",
    cause="The learning rate.",
    figures=(),
    action=StartAgain(changes={"learning_rate": 2e-4}),
)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def line(qtbot: QtBot, theme: Theme) -> HealthLine:
    made = HealthLine(theme)
    qtbot.addWidget(made)
    made.resize(700, 40)
    return made


def words(line: HealthLine) -> list[str]:
    return [label.text() for label in line.findChildren(QLabel) if label.isVisible() and label.text()]


def test_it_is_hidden_while_there_is_nothing_to_say(line: HealthLine) -> None:
    assert line.isHidden()
    line.show_findings((FALLING,))
    assert line.isVisible() and line.button.isHidden()
    line.show_findings(())
    assert line.isHidden()


def test_one_finding_is_in_the_line_and_the_rest_below_the_fold(line: HealthLine) -> None:
    line.show_findings((FAR, FALLING))
    assert words(line) == ["The policy went far."]
    assert line.fold.text() == "Details, 1 more"
    line.fold.setFocus()
    QTest.keyClick(line.fold, Qt.Key.Key_Space)
    assert words(line) == [
        "The policy went far.",
        "Too many steps.",
        "KL",
        "0.3 nats a token",
        "Both log-probs fall: normal so far.",
        "As it must be.",
    ]
    QTest.keyClick(line.fold, Qt.Key.Key_Space)
    assert words(line) == ["The policy went far."]


def test_the_buttons_words_say_what_it_does() -> None:
    assert KeepStep(step=1200, stops=True).words == "Stop and keep step 1,200"
    assert KeepStep(step=40, stops=False).words == "Keep step 40 instead"
    assert StartAgain(changes={"learning_rate": 2e-4}).words == "Start again with learning rate 2e-4"
    assert StopAndKeep().words == "Stop and keep the policy"


def test_the_level_is_said_in_words_too(line: HealthLine) -> None:
    line.show_findings((FAR,))
    assert "Warning" in [label.accessibleName() for label in line.findChildren(QLabel)]
    assert line.fold.accessibleName() and line.accessibleName()


def test_a_button_below_the_fold_acts_too(qtbot: QtBot, line: HealthLine) -> None:
    line.show_findings((FAR, STUCK))
    line.fold.setChecked(True)
    (button,) = [one for one in line.findChildren(QPushButton) if one.text().startswith("Start again")]
    with qtbot.waitSignal(line.action_wanted) as told:
        button.click()
    assert told.args == [STUCK.action]


@pytest.fixture
def hung(qtbot: QtBot, theme: Theme, ready: Room) -> HealthLine:
    """The page's own, on a presenter whose run trains."""
    settings = SettingsFile(ready.project.path.with_name("settings.json"))
    made = health_line(Means(presenter=ready.presenter, theme=theme, settings=settings))
    qtbot.addWidget(made)
    return made


def test_its_actions_reach_the_presenter(qtbot: QtBot, ready: Room, hung: HealthLine) -> None:
    ready.presenter.start()
    request = begin(ready)
    hung.action_wanted.emit(StopAndKeep())
    assert ready.engine.controls == [StopRequest(target=request)]
    with qtbot.waitSignal(hung.panel_wanted) as told:
        hung.action_wanted.emit(ShowCheck())
    assert told.args == ["check"]


def test_starting_again_makes_a_run_with_the_changed_setting(ready: Room, hung: HealthLine) -> None:
    ready.engine.auto_train(steps=2)
    ready.presenter.start()
    ready.engine.deliver()
    hung.action_wanted.emit(StartAgain(changes={"learning_rate": 3e-4}))
    newest, first = ready.runs()
    assert newest.config["learning_rate"] == 3e-4 != first.config["learning_rate"]
    assert newest.policy == first.policy


def test_a_run_that_does_not_move_is_said_so_while_it_trains(
    qtbot: QtBot, ready: Room, hung: HealthLine
) -> None:
    """From the engine's events to the sentence."""
    ready.presenter.start()
    request = begin(ready)
    for number in range(1, 6):
        metrics = {"loss": 0.6931, "rewards/chosen": 0.0, "rewards/rejected": 0.0, "rewards/margins": 0.0}
        more = {"logps/chosen": -20.0, "logps/rejected": -30.0, "grad_norm": 1.0, "learning_rate": 1e-9}
        ready.engine.emit(_step(request, number, metrics | more))
    qtbot.waitUntil(hung.isVisible)
    assert "does not learn" in hung.words()


def _step(request: str, number: int, metrics: dict[str, float]) -> StepDone:
    return StepDone(request=request, step=number, total_steps=5, metrics=metrics, seconds_left=1.0)
