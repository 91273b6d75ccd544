"""The runs on the page, by keyboard: list, notes, comparing, queue, details, trash."""

from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.store.records import Run
from app.store.training import runs
from app.train.page import TrainPage
from app.train.runs.details_panel import DetailsPanel
from app.train.runs.model import NOTE, RUN, STATE
from app.train.runs.trash_question import ask_to_empty
from dpo_engine.config import TrainConfig
from tests.app.train.conftest import Room
from tests.app.train.playing import begin
from tests.app.train.test_page import board, press, settled, shown


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def filled(ready: Room) -> Room:
    ready.engine.auto_train(steps=2)
    for changes in ({"seed": 1}, {"seed": 2}, {"beta": 0.5}):
        ready.presenter.form.configure(changes)
        ready.presenter.start()
        ready.engine.deliver()
    return ready


@pytest.fixture
def three(filled: Room) -> list[Run]:
    """Oldest first."""
    return filled.runs()[::-1]


@pytest.fixture
def page(qtbot: QtBot, filled: Room, theme: Theme) -> TrainPage:
    return shown(qtbot, filled, theme)


def column(page: TrainPage, number: int) -> list[str]:
    model = page.runs.model
    return [str(model.index(row, number).data()) for row in range(model.rowCount())]


def select(qtbot: QtBot, page: TrainPage, run: Run) -> None:
    row = page.runs.model.row_of(run.id)
    assert row is not None
    page.runs.table.selectRow(row)
    page.runs.table.setFocus()
    settled(qtbot, page)


def action(page: TrainPage, name: str) -> QAction:
    return next(one for one in page.actions() if one.objectName() == f"train.{name}")


def short(run: Run) -> str:
    return run.name.split("-", 3)[3]


def test_a_note_is_written_in_its_place(
    qtbot: QtBot, filled: Room, page: TrainPage, three: list[Run]
) -> None:
    select(qtbot, page, three[0])
    press(qtbot, page, Qt.Key.Key_F2)
    field = page.runs.table.findChild(QLineEdit)
    assert isinstance(field, QLineEdit) and field.hasFocus()
    QTest.keyClicks(field, "too strong")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: column(page, NOTE) == ["", "", "too strong"])
    assert runs.get_run(filled.project, three[0].id).notes == "too strong"
    assert page.runs.notice.words() == f"Note kept: {short(three[0])}"
    page.runs.notice.undo.click()
    settled(qtbot, page)
    assert column(page, NOTE) == ["", "", ""]


def test_what_is_being_written_stays_while_the_run_goes_on(
    qtbot: QtBot, filled: Room, page: TrainPage, three: list[Run]
) -> None:
    filled.engine.auto_train(steps=50)
    filled.presenter.start()
    filled.engine.deliver(5)
    settled(qtbot, page)
    select(qtbot, page, three[0])
    press(qtbot, page, Qt.Key.Key_F2)
    field = page.runs.table.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    QTest.keyClicks(field, "half a no")
    filled.engine.deliver(10)
    settled(qtbot, page)
    assert field.text() == "half a no"
    assert page.runs.model.index(0, 5).data().startswith("13 /"), "the list went on meanwhile"


def test_space_draws_a_run_beside_the_selected_one(qtbot: QtBot, page: TrainPage, three: list[Run]) -> None:
    select(qtbot, page, three[0])
    press(qtbot, page, Qt.Key.Key_Space)
    state = Qt.ItemDataRole.CheckStateRole
    assert [page.runs.model.index(row, RUN).data(state) for row in range(3)] == [
        Qt.CheckState.Unchecked,
        Qt.CheckState.Unchecked,
        Qt.CheckState.Checked,
    ]
    select(qtbot, page, three[2])
    settled(qtbot, page)
    assert board(page).shown_run == three[2].id
    assert board(page).series(three[0].id)["loss"].x.tolist() == [1.0, 2.0]
    select(qtbot, page, three[0])
    press(qtbot, page, Qt.Key.Key_Space)
    assert page.runs.model.index(2, RUN).data(state) == Qt.CheckState.Unchecked


def test_searching_as_one_types(qtbot: QtBot, page: TrainPage, three: list[Run]) -> None:
    press(qtbot, page, Qt.Key.Key_F, control=True)
    assert page.focusWidget() is page.runs.search
    QTest.keyClicks(page.runs.search, "beta=0.5")
    settled(qtbot, page)
    assert column(page, RUN) == [short(three[2])]
    QTest.keyClick(page.runs.search, Qt.Key.Key_Escape)
    settled(qtbot, page)
    assert len(column(page, RUN)) == 3
    assert page.focusWidget() is page.runs.table


def test_delete_by_key_and_undo(qtbot: QtBot, page: TrainPage, three: list[Run]) -> None:
    assert not page.runs.trash.isVisible()
    select(qtbot, page, three[1])
    press(qtbot, page, Qt.Key.Key_Delete)
    assert column(page, RUN) == [short(three[2]), short(three[0])]
    assert page.runs.trash.isVisible()
    assert page.runs.notice.words() == f"Deleted {short(three[1])}"
    page.runs.notice.undo.click()
    settled(qtbot, page)
    assert len(column(page, RUN)) == 3
    assert not page.runs.trash.isVisible()


def test_the_trash_is_emptied_only_after_a_question(
    qtbot: QtBot, filled: Room, page: TrainPage, three: list[Run]
) -> None:
    select(qtbot, page, three[1])
    press(qtbot, page, Qt.Key.Key_Delete)
    box = ask_to_empty(page, filled.presenter)
    assert "1 run" in box.text()
    box.button(QMessageBox.StandardButton.Cancel).click()
    assert Path(three[1].folder).is_dir()
    box = ask_to_empty(page, filled.presenter)
    (for_good,) = [button for button in box.findChildren(QPushButton) if button.text() == "Delete for good"]
    assert box.defaultButton() is not for_good
    for_good.click()
    settled(qtbot, page)
    assert not Path(three[1].folder).exists()
    assert not page.runs.trash.isVisible()


def test_the_queue_on_the_page(qtbot: QtBot, filled: Room, page: TrainPage) -> None:
    filled.engine.script(type(filled.engine.requests[0]), lambda request: [])
    for _ in range(3):
        press(qtbot, page, Qt.Key.Key_Return, control=True)
        settled(qtbot, page)
    begin(filled)
    settled(qtbot, page)
    _first, second, third = filled.runs()[2::-1]
    assert column(page, STATE)[:3] == ["Training", "Next in queue", "No. 2 in queue"]
    assert page.foot.queue.words() == f"Then {short(second)} and 1 more"
    assert page.foot.start_box.button.text() == "Add to the queue"
    select(qtbot, page, third)
    QTest.keyClick(page.runs.table, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    settled(qtbot, page)
    assert page.foot.queue.words() == f"Then {short(third)} and 1 more"
    action(page, "leave").trigger()
    settled(qtbot, page)
    assert page.foot.queue.words() == f"Then {short(second)}"
    page.foot.queue.button.click()
    settled(qtbot, page)
    assert page.foot.queue.words() == f"{short(second)} waits until you say go on."
    assert page.foot.queue.button.text() == "Go on"


def test_details_of_a_run(qtbot: QtBot, filled: Room, page: TrainPage, three: list[Run]) -> None:
    select(qtbot, page, three[2])
    press(qtbot, page, Qt.Key.Key_D, control=True)
    panel = page.panels.panel("details")
    assert isinstance(panel, DetailsPanel) and panel.isVisible()
    qtbot.waitUntil(lambda: "The same 8 pairs." in panel.words())
    words = panel.words()
    assert short(three[2]) in words
    assert "8 pairs trained on. Judged by me (8)" in words
    assert panel.settings.words()[3:6] == ["β (strength)", "0.5", "0.1"]
    assert panel.other.currentData() == three[1].id, "the run before"
    select(qtbot, page, three[0])
    qtbot.waitUntil(lambda: "One of 2 runs that differ only in their seed." in panel.words())
    with qtbot.waitSignal(page.verdicts_wanted) as wanted:
        panel.verdicts.click()
    assert wanted.args == [three[0].id]


def test_alt_and_a_digit_bring_a_panel_into_view(qtbot: QtBot, page: TrainPage) -> None:
    page.runs.table.setFocus()
    keys = [page.panels.segments.button(number).toolTip() for number in range(2)]
    assert keys == ["Alt+1", "Alt+2"]
    QTest.keyClick(page.runs.table, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert page.panels.segments.choice() == 1
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert page.panels.current == "curves"


def test_what_happens_around_training_can_be_switched(qtbot: QtBot, page: TrainPage) -> None:
    assert action(page, "awake").text() == "Let the computer sleep while training"
    action(page, "awake").trigger()
    action(page, "notify").trigger()
    settled(qtbot, page)
    assert not page._settings.current.keep_awake
    assert not page._settings.current.notify
    assert action(page, "awake").text() == "Keep the computer awake while training"
    assert action(page, "notify").text() == "Notify me when a run ends"


def test_on_battery_a_sentence_stands_beside_the_button(qtbot: QtBot, filled: Room, page: TrainPage) -> None:
    assert page.foot.start_box.hint() == ""
    filled.on_battery = True
    filled.presenter.refresh()
    settled(qtbot, page)
    assert "On battery" in page.foot.start_box.hint()
    assert page.foot.start_box.button.isEnabled()


def test_hundreds_of_runs_stay_quick(qtbot: QtBot, filled: Room, page: TrainPage) -> None:
    for number in range(400):
        runs.add_run(
            filled.project,
            filled.project.runs_dir / f"run-{number}",
            policy="starter",
            method="lora",
            beta=0.1,
            config=asdict(TrainConfig(seed=number)),
        )
    filled.presenter.refresh()
    settled(qtbot, page)
    assert page.runs.model.rowCount() == 403
    filled.engine.auto_train(steps=60)
    filled.presenter.start()
    filled.engine.deliver(5)
    settled(qtbot, page)
    begun = perf_counter()
    for _ in range(50):
        filled.engine.deliver(1)
        page._show_state(filled.presenter.state)
    each = (perf_counter() - begun) / 50
    # Generous, as other tests run beside; what grew with the square of the runs took longer.
    assert each < 0.05
