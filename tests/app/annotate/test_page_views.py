"""How the page is shown: differences, layout, panels, who judges, who writes, other keys."""

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.shell.keymap import Keymap
from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.store.collecting import annotators
from app.store.handle import Project
from app.widgets.difference_marks import DifferenceMarks
from tests.app.annotate.scenes import add_comparison, new_presenter
from tests.app.annotate.typist import Key, button, given, press, shown, texts
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


def marks_of(page: AnnotatePage) -> list[int]:
    """How many stretches are marked on each side."""
    found = []
    for pane in page.panes:
        block = pane.text.document().firstBlock()
        number = 0
        while block.isValid():
            number += len(block.layout().formats())
            block = block.next()
        found.append(number)
    return found


def test_d_marks_the_differences_and_takes_the_marks_away(
    qtbot: QtBot, ready_page: AnnotatePage, engine: FakeEngine
) -> None:
    press(Key.Key_D)
    qtbot.waitUntil(lambda: marks_of(ready_page) == [1, 1])
    assert "of the words in both" in ready_page.header.notice.text()
    press(Key.Key_1)
    engine.deliver()
    qtbot.waitUntil(lambda: marks_of(ready_page) == [1, 1])  # the next pair's too
    press(Key.Key_D)
    assert marks_of(ready_page) == [0, 0]
    documents = [pane.text.document() for pane in ready_page.panes]
    qtbot.waitUntil(lambda: not any(document.findChildren(DifferenceMarks) for document in documents))


def test_v_stacks_and_is_kept(
    qtbot: QtBot, theme: Theme, presenter: AnnotatePresenter, engine: FakeEngine, tmp_path: Path
) -> None:
    settings = SettingsFile(tmp_path / "settings.json")
    page = shown(qtbot, AnnotatePage(presenter, theme, Keymap(), settings))
    presenter.start()
    engine.deliver()
    press(Key.Key_V)
    QApplication.processEvents()
    left, right = page.panes
    assert left.x() == right.x()
    assert left.y() < right.y()
    assert SettingsFile(tmp_path / "settings.json").current.stacked is True
    press(Key.Key_V)
    QApplication.processEvents()
    assert left.y() == right.y()


def test_in_a_small_window_an_editor_has_room_for_some_lines(ready_page: AnnotatePage) -> None:
    ready_page.resize(752, 568)
    press(Key.Key_E)
    press(Key.Key_2)
    for _ in range(3):
        QApplication.processEvents()
    assert ready_page.height() == 568
    assert ready_page.panes[0].y() < ready_page.panes[1].y()
    assert ready_page.panes[1].editor.field.height() >= 72
    press(Key.Key_Escape)
    for _ in range(3):
        QApplication.processEvents()
    assert abs(ready_page.panes[0].height() - ready_page.panes[1].height()) <= 1


def test_q_opens_the_panel_and_its_fields_are_taken_over(
    ready_page: AnnotatePage, presenter: AnnotatePresenter
) -> None:
    panel = ready_page.quality
    assert not panel.isVisible()
    press(Key.Key_Q)
    assert panel.isVisible()
    panel.goal.setFocus()
    panel.goal.selectAll()
    QTest.keyClicks(panel.goal, "40")
    QTest.keyClick(panel.goal, Qt.Key.Key_Return)
    assert presenter.state.goal == 40
    assert ready_page.header.counts.text() == "0 of 40 today · 0 verdicts"
    panel.order.setCurrentIndex(panel.order.findData("random"))
    panel.order.activated.emit(panel.order.currentIndex())
    assert presenter.state.order == "random"
    panel.share.setCurrentIndex(panel.share.findData(0.2))
    panel.share.activated.emit(panel.share.currentIndex())
    assert presenter.state.random_share == 0.2
    button_of_panel = panel.close_button
    button_of_panel.click()
    assert not panel.isVisible()
    assert ready_page.hasFocus()


def test_the_panel_stands_beside_the_page_or_over_its_edge(ready_page: AnnotatePage) -> None:
    QApplication.processEvents()
    wide = ready_page.reading.width()
    press(Key.Key_Q)
    QApplication.processEvents()
    assert ready_page.reading.width() < wide - 200
    ready_page.resize(752, 568)
    QApplication.processEvents()
    assert ready_page.width() == 752, "the window does not grow"
    left = ready_page.quality.mapTo(ready_page, QPoint(0, 0)).x()
    assert left < ready_page.reading.mapTo(ready_page, QPoint(ready_page.reading.width(), 0)).x()
    assert left + ready_page.quality.width() <= 752


def test_figures_come_with_their_interval(ready_page: AnnotatePage, engine: FakeEngine) -> None:
    press(Key.Key_Q)
    assert ready_page.quality.left.text() == "Not known yet"
    for _ in range(4):
        press(Key.Key_1)
        engine.deliver()
    assert ready_page.quality.left.text() == "100% left"
    assert ready_page.quality.left_note.text() == "51% to 100% · leaning left"


def test_ten_times_left_in_a_row_is_asked_about_once(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    for number in range(14):
        add_comparison(project, f"a {number}", f"b {number}", prompt=f"P{number}")
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    for _ in range(9):
        press(Key.Key_1)
    assert not page.nudge.isVisible()
    press(Key.Key_1)
    assert page.nudge.isVisible()
    assert page.hasFocus(), "it takes nothing away from the keys"
    page.nudge.hide()
    press(Key.Key_1)
    assert not page.nudge.isVisible()
    press(Key.Key_2)
    assert not page.nudge.isVisible()


def test_with_several_people_a_name_is_chosen_before_anything_is_judged(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    add_comparison(project, "a", "b")
    for name in ("Ada", "Grace"):
        annotators.add_annotator(project, name)
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    assert page.who.isVisible()
    assert not page.who.back.isVisible()
    names = [page.who.list.item(row).text() for row in range(page.who.list.count())]
    page.who.list.setCurrentRow(names.index("Grace"))
    press(Key.Key_Return)
    assert not page.who.isVisible()
    assert page.header.annotator.text() == "Grace"
    press(Key.Key_1)
    (signed,) = project.db.execute("SELECT annotator FROM verdicts").fetchall()
    assert signed[0] == "Grace"


def test_somebody_new_sits_down_on_a_key(
    ready_page: AnnotatePage, presenter: AnnotatePresenter, project: Project
) -> None:
    press(Key.Key_A)
    assert ready_page.who.isVisible()
    press(Key.Key_Escape)
    assert not ready_page.who.isVisible()
    press(Key.Key_A)
    ready_page.who.field.setFocus()
    QTest.keyClicks(ready_page.who.field, "  Ada  1 ")
    press(Key.Key_Return)
    assert presenter.state.annotator == "Ada 1"
    assert not ready_page.who.isVisible()
    assert ready_page.hasFocus()
    assert given(project) == []


def test_two_different_writers_are_chosen_in_a_panel(
    ready_page: AnnotatePage, presenter: AnnotatePresenter
) -> None:
    press(Key.Key_W)
    panel = ready_page.cards.writers
    assert panel.one.isChecked()
    panel.two.setChecked(True)
    panel.form.field("temperature").set_value(0.3)
    panel.close()
    opponent = presenter.state.opponent
    assert opponent is not None
    assert (opponent.policy, opponent.sampling.temperature) == (presenter.state.policy, 0.3)
    press(Key.Key_W)
    assert panel.two.isChecked()
    panel.one.setChecked(True)
    panel.close()
    assert presenter.state.opponent is None


def test_another_key_acts_and_is_shown_everywhere(
    qtbot: QtBot, theme: Theme, presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    keymap = Keymap()
    page = shown(qtbot, AnnotatePage(presenter, theme, keymap))
    presenter.start()
    engine.deliver()
    keymap.change("annotate.left", ["J"])
    assert button(page, "verdict-left").accessibleDescription() == "Key J"
    assert page.panes[0].text.accessibleDescription() == "Key J says that this one is better"
    press(Key.Key_1)
    assert given(project) == []
    press(Key.Key_J)
    assert [choice for _, choice, _ in given(project)] == ["left"]
    assert texts(page) != ("", "")
