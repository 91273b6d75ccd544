"""What a person reads on the page: responses, prompts, and where they stand."""

from pathlib import Path

import pytest
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.shell.theme import Theme
from app.store.handle import Project
from dpo_engine.preferences import Message
from tests.app.annotate.scenes import add_comparison, new_presenter
from tests.app.annotate.typist import Key, button, given, press, shown, texts
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

# --- responses and prompts ---


def test_responses_stream_in_and_are_rendered_when_done(
    page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    engine.auto_generate(["some **bold** text", "other"])
    presenter.start()
    engine.deliver(4)
    assert sorted(texts(page)) == ["other", "some **bold**"]
    live = next(pane for pane in page.panes if "bold" in pane.text.text)
    assert live.text.is_live
    assert live.note == "Writing…"
    assert live.text.toPlainText() == "some **bold**"
    engine.deliver()
    assert not live.text.is_live
    assert live.text.toPlainText() == "some bold text"
    assert live.note == ""


def test_m_shows_the_text_as_written(ready_page: AnnotatePage, engine: FakeEngine, project: Project) -> None:
    pane = ready_page.panes[0]
    pane.text.show_text("some **bold** text")
    press(Key.Key_M)
    assert pane.text.toPlainText() == "some **bold** text"
    press(Key.Key_M)
    assert pane.text.toPlainText() == "some bold text"


def test_which_model_wrote_is_nowhere_on_the_page(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    add_comparison(project, "a", "b", model="secret-otter")
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    assert texts(page) == ("a", "b")
    for widget in page.findChildren(QWidget):
        words = [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
        words.append(widget.text() if isinstance(widget, QLabel) else "")
        assert not any("otter" in word for word in words)


def test_a_response_that_was_cut_says_so(
    ready_page: AnnotatePage,
) -> None:
    ready_page.panes[1].show_done("and then", cut=True)
    assert ready_page.panes[1].note == "Cut at the longest length"


@pytest.mark.parametrize("language", ["latin", "arabic"])
def test_long_responses_do_not_keep_a_key_waiting(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project, language: str
) -> None:
    sentence = "Many words in one paragraph. " if language == "latin" else "أعتذر عن الضوضاء ليلة أمس. "
    long = "\n\n".join([sentence * 7] * 100)[:20_000]
    for number in range(3):
        add_comparison(project, long, long[::-1], prompt=f"P{number}")
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    press(Key.Key_1)
    press(Key.Key_2)
    assert [choice for _, choice, _ in given(project)] == ["left", "right"]
    assert len(page.panes[0].text.text) == len(long) >= 19_000
    assert page.panes[0].height() == page.panes[1].height()


def test_the_prompt_takes_at_most_a_good_third_and_scrolls(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    add_comparison(project, "a", "b", prompt="A long story.\n" * 200)
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    QApplication.processEvents()
    assert 200 < page.prompt.height() <= 0.35 * page.height() + 4
    assert page.prompt.view.verticalScrollBar().maximum() > 0


def test_instructions_are_folded_away_until_asked_for(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    turns = (
        Message("system", "Be kind."),
        Message("user", "A question"),
        Message("assistant", "Yes?"),
        Message("user", "More"),
    )
    add_comparison(project, "a", "b", prompt=turns)
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    assert page.prompt.view.toPlainText() == "You\nA question\nAssistant\nYes?\nYou\nMore"
    page.prompt.fold.click()
    assert page.prompt.view.toPlainText().startswith("Instructions\nBe kind.\nYou\nA question")


def test_panes_stand_side_by_side_or_one_above_the_other(ready_page: AnnotatePage) -> None:
    QApplication.processEvents()
    left, right = ready_page.panes
    assert left.y() == right.y()
    assert left.width() == pytest.approx(right.width(), abs=1)
    ready_page.resize(760, 768)
    QApplication.processEvents()
    assert left.x() == right.x()
    assert left.height() == pytest.approx(right.height(), abs=1)
    assert button(ready_page, "verdict-left").accessibleName() == "Upper is better"
    ready_page.resize(1072, 768)
    assert button(ready_page, "verdict-left").accessibleName() == "Left is better"


def test_screen_readers_get_names_and_the_responses(ready_page: AnnotatePage) -> None:
    for number, pane in enumerate(ready_page.panes, start=1):
        interface = QAccessible.queryAccessibleInterface(pane.text)
        assert interface.text(QAccessible.Text.Name) == f"Response {number}"
        assert interface.text(QAccessible.Text.Value) == pane.text.text != ""
    for child in ready_page.findChildren(QPushButton):
        assert child.accessibleName() or child.text(), child.objectName()


def test_tab_goes_from_the_prompt_over_the_responses_to_the_verdicts(ready_page: AnnotatePage) -> None:
    ready_page.prompt.view.setFocus()
    visited = []
    for _ in range(8):
        press(Key.Key_Tab)
        focus = QApplication.focusWidget()
        assert focus is not None
        visited.append(focus.objectName() or focus.accessibleName())
    assert visited[:3] == ["Response 1", "Response 2", "verdict-left"]
    assert visited[3:7] == ["verdict-tie", "verdict-both_bad", "verdict-skip", "verdict-right"]


def test_the_layout_of_the_next_prompt_is_there_at_once(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    """No frame is painted with the next texts in the last one's places."""
    for prompt in ("A line\n" * 10, "Short", (Message("system", "Be kind."), Message("user", "Hello"))):
        add_comparison(project, "a", "b", prompt=prompt)
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    tops = []
    for _ in range(3):
        tops.append(page.panes[0].y())
        before = (page.prompt.geometry(), page.panes[0].geometry())
        for _ in range(4):
            QApplication.processEvents()
        assert (page.prompt.geometry(), page.panes[0].geometry()) == before
        press(Key.Key_1)
    assert len(set(tops)) == 3
