"""The panel by keyboard and mouse, with a real project and a played engine."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QMenu, QSpinBox, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.inspector.suspects.panel import SuspectsPanel
from app.inspector.suspects.presenter import SuspectsPresenter
from app.inspector.suspects.table_model import COLUMNS, OUTCOME_COLUMN
from app.shell.theme import Theme
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.records import Comparison
from dpo_engine.requests import Suspect
from tests.app.inspector.suspects.scenes import TURNED, answer_second_looks, do_folds, do_study, judged
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def panel(qtbot: QtBot, theme: Theme, suspects: SuspectsPresenter) -> SuspectsPanel:
    panel = SuspectsPanel(suspects, theme)
    panel.resize(1100, 700)
    qtbot.addWidget(panel)
    return panel


@pytest.fixture
def studied(
    qtbot: QtBot,
    compared: list[Comparison],
    panel: SuspectsPanel,
    suspects: SuspectsPresenter,
    engine: FakeEngine,
) -> SuspectsPanel:
    """In view, with what a whole study found."""
    with qtbot.waitExposed(panel):
        panel.show()
    panel.activateWindow()
    do_study(engine, suspects)
    return panel


def cells(panel: SuspectsPanel, column: int) -> list[str]:
    model = panel.model
    return [str(model.data(model.index(row, column))) for row in range(model.rowCount())]


def test_too_few_verdicts_lead_to_annotate(qtbot: QtBot, project: Project, panel: SuspectsPanel) -> None:
    judged(project, 5)
    panel.show()
    assert "There are 5 pairs. From 20 on" in panel.blank.words()
    with qtbot.waitSignal(panel.annotate_requested):
        panel.blank.button.click()


def test_one_button_begins_and_the_middle_tells_how_far_it_is(
    compared: list[Comparison], panel: SuspectsPanel, engine: FakeEngine
) -> None:
    panel.show()
    assert "Which verdicts do not fit the others?" in panel.blank.words()
    assert panel.bar.words.text() == "24 pairs, 5 trainings"
    panel.bar.folds.setValue(3)
    assert panel.bar.words.text() == "24 pairs, 3 trainings"
    panel.blank.button.click()
    assert engine.last(Suspect).study
    assert "Waiting for the engine" in panel.blank.words()
    do_folds(engine, [1])
    assert panel.bar.words.text() == "Training 1 of 3 · 1 min left"
    assert panel.table.isVisible()
    assert panel.summary.text().startswith("8 of 24 pairs looked at · ")
    assert panel.bar.stop.isVisible() and not panel.bar.start.isVisible()
    panel.bar.stop.click()
    assert panel.bar.go_on.isVisible()


def test_the_table_is_ranked_and_the_selected_verdict_is_read(studied: SuspectsPanel) -> None:
    assert cells(studied, 0) == [str(rank) for rank in range(1, 25)]
    assert set(cells(studied, 1)[:2]) == {f"Question {place}?" for place in TURNED}
    assert studied.summary.text() == "24 of 24 pairs looked at · 2 go against what the others taught"
    studied.table.choose_row(0)
    place = int(cells(studied, 1)[0].removeprefix("Question ").rstrip("?"))
    assert studied.reading.rejected.text.toPlainText() == f"Short {place}."
    assert studied.reading.chosen.text.toPlainText().startswith(f"Long {place}.")
    assert "holds the rejected response better" in studied.reading.sentence.text()
    QTest.keyClick(studied.table.view, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    assert "agrees with this one" in studied.reading.sentence.text()


def test_sorting_by_a_heading_keeps_the_selected_one(studied: SuspectsPanel) -> None:
    studied.table.choose_row(1)
    selected = studied.model.rows[1].row.comparison_id
    margin = [column.title for column in COLUMNS].index("Margin")
    studied.table.heading_clicked.emit(margin)
    margins = [one.found.margin for one in studied.model.rows]
    assert margins == sorted(margins)
    studied.table.heading_clicked.emit(margin)
    assert [one.found.margin for one in studied.model.rows] == sorted(margins, reverse=True)
    assert studied.model.rows[studied.table.current_row()].row.comparison_id == selected


def test_the_key_asks_the_selected_ones_again(qtbot: QtBot, project: Project, studied: SuspectsPanel) -> None:
    studied.table.setFocus()
    studied.table.choose_row(0)
    QTest.keyClick(studied.table.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(studied.table.view, Qt.Key.Key_A)
    assert cells(studied, OUTCOME_COLUMN)[:3] == ["Will be asked", "Will be asked", ""]
    assert studied.notice.text().startswith("2 verdicts come up again in Annotate")
    with qtbot.waitSignal(studied.annotate_requested):
        studied.to_annotate.click()
    answer_second_looks(project, ["tie", "skip"])
    studied.hide()
    studied.show()
    assert cells(studied, OUTCOME_COLUMN)[:2] == ["Tie", "Put off"]
    assert studied.summary.text().endswith("second looks: 1 put off, 1 tie")


def test_the_menu_offers_as_many_as_disagree(studied: SuspectsPanel) -> None:
    studied.ask_first.click()
    (menu,) = studied.findChildren(QMenu)
    assert [action.text() for action in menu.actions()] == ["All 2 that disagree"]
    menu.actions()[0].trigger()
    menu.close()
    assert cells(studied, OUTCOME_COLUMN)[:2] == ["Will be asked"] * 2
    assert not studied.ask_first.isEnabled()


def test_copied_rows_are_a_table(studied: SuspectsPanel) -> None:
    studied.table.setFocus()
    studied.table.choose_row(0)
    QTest.keyClick(studied.table.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:3] == ["comparison", "#", "Prompt"]
    assert lines[1].split("\t")[0] == str(studied.model.rows[0].row.comparison_id)
    assert len(lines) == 2


def test_what_cannot_be_read_is_said_and_tried_again(
    compared: list[Comparison], panel: SuspectsPanel, reader: DirectReader
) -> None:
    reader.fail_next(StoreFull("The disk is full."))
    panel.show()
    assert "The disk is full." in panel.blank.words()
    panel.blank.button.click()
    assert "Which verdicts do not fit the others?" in panel.blank.words()


def test_a_failed_study_says_why_above_what_it_found(
    compared: list[Comparison], panel: SuspectsPanel, suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    panel.show()
    suspects.start()
    do_folds(engine, [1])
    engine.fail(engine.last(Suspect).id, code="out_of_memory", message="There was too little memory.")
    assert panel.message.isVisible() and panel.message.text() == "There was too little memory."
    assert panel.table.isVisible() and panel.bar.go_on.isVisible()


def test_text_of_a_model_is_shown_as_text(project: Project, studied: SuspectsPanel) -> None:
    hostile = "<script>alert(1)</script> <img src='http://example.com/a.png'> **bold**"
    project.db.execute("UPDATE candidates SET text = ?", [hostile])
    project.db.commit()
    studied.table.choose_row(3)
    assert studied.reading.chosen.text.toPlainText() == hostile


def test_every_control_has_a_name(
    compared: list[Comparison], panel: SuspectsPanel, suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    panel.show()
    do_study(engine, suspects)
    kinds = (QAbstractButton, QComboBox, QSpinBox, QTableView)
    controls = [one for one in panel.findChildren(QWidget) if isinstance(one, kinds) and one.isVisible()]
    assert len(controls) > 5
    nameless = [
        one
        for one in controls
        if not one.accessibleName()
        and not (isinstance(one, QAbstractButton) and one.text())
        and one.focusPolicy() != Qt.FocusPolicy.NoFocus
    ]
    assert nameless == []
