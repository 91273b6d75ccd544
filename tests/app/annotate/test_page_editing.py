"""One's own words: editing a response, going on from the winner, verdicts while text streams."""

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.store.collecting import verdicts
from app.store.handle import Project
from tests.app.annotate.typist import Key, Modifier, button, given, press, texts
from tests.helpers.fake_engine import FakeEngine


def field() -> QPlainTextEdit:
    focused = QApplication.focusWidget()
    assert isinstance(focused, QPlainTextEdit)
    return focused


def type_instead(words: str) -> None:
    field().selectAll()
    QTest.keyClicks(field(), words)


def test_e_then_a_side_then_ctrl_enter_chooses_the_edited_text(
    ready_page: AnnotatePage, project: Project, engine: FakeEngine
) -> None:
    left, right = texts(ready_page)
    press(Key.Key_E)
    assert ready_page.header.notice.text() == "Edit which response? 1 or 2"
    press(Key.Key_2)
    assert given(project) == []
    assert field().toPlainText() == right
    assert ready_page.panes[1].text.isVisible()
    assert texts(ready_page) == (left, right), "the original stays in view"
    type_instead("In 2 words")
    press(Key.Key_Return, Modifier.ControlModifier)
    engine.deliver()
    assert [choice for _, choice, _ in given(project)] == ["right"]
    (pair,) = verdicts.training_pairs(project)
    assert (pair.chosen, pair.rejected) == ("In 2 words", left)
    assert ready_page.hasFocus()
    assert ready_page.reading.edited_side() is None


def test_e_edits_the_side_that_has_the_focus(ready_page: AnnotatePage, project: Project) -> None:
    ready_page.panes[0].text.setFocus()
    press(Key.Key_E)
    assert field() is ready_page.panes[0].editor.field
    type_instead("Better")
    press(Key.Key_Return, Modifier.ControlModifier | Modifier.ShiftModifier)
    assert [(choice, strength) for _, choice, strength in given(project)] == [("left", 2)]


def test_escape_leaves_a_response_and_keeps_what_was_typed(
    ready_page: AnnotatePage, project: Project
) -> None:
    press(Key.Key_E)
    press(Key.Key_1)
    type_instead("Half a thought")
    press(Key.Key_Escape)
    assert ready_page.hasFocus()
    assert not ready_page.panes[0].is_edited
    press(Key.Key_E)
    press(Key.Key_1)
    assert field().toPlainText() == "Half a thought"
    assert given(project) == []


def test_escape_ends_the_question_which_side(ready_page: AnnotatePage, project: Project) -> None:
    press(Key.Key_E)
    press(Key.Key_Escape)
    press(Key.Key_1)
    assert [choice for _, choice, _ in given(project)] == ["left"]


def test_an_empty_text_is_not_given(ready_page: AnnotatePage, project: Project) -> None:
    press(Key.Key_E)
    press(Key.Key_1)
    type_instead(" ")
    press(Key.Key_Return, Modifier.ControlModifier)
    assert given(project) == []
    assert ready_page.panes[0].is_edited


def test_another_verdict_puts_the_editor_away(ready_page: AnnotatePage, engine: FakeEngine) -> None:
    press(Key.Key_E)
    press(Key.Key_1)
    button(ready_page, "verdict-tie").click()
    engine.deliver()
    assert ready_page.reading.edited_side() is None
    assert ready_page.hasFocus()


def test_what_was_chosen_last_can_be_put_into_other_words(
    ready_page: AnnotatePage, project: Project, engine: FakeEngine
) -> None:
    left, right = texts(ready_page)
    press(Key.Key_1)
    engine.deliver()
    press(Key.Key_E, Modifier.ShiftModifier)
    assert field().toPlainText() == left
    type_instead("Said better")
    press(Key.Key_Return, Modifier.ControlModifier)
    engine.deliver()
    (pair,) = verdicts.training_pairs(project)
    assert (pair.chosen, pair.rejected) == ("Said better", right)
    assert not ready_page.cards.composer.isVisible()


def test_enter_goes_on_from_the_winner(
    ready_page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    press(Key.Key_Return)
    assert not ready_page.cards.composer.isVisible(), "nothing was chosen yet"
    assert "say first which one is better" in ready_page.header.notice.text()
    winner, _ = texts(ready_page)
    question = ready_page.prompt.text
    press(Key.Key_1)
    engine.deliver()
    press(Key.Key_Return)
    type_instead("And then?")
    press(Key.Key_Return, Modifier.ControlModifier)
    assert not ready_page.cards.composer.isVisible()
    engine.deliver()
    press(Key.Key_1)
    engine.deliver()
    turns = [(message.role, message.content) for message in ready_page.prompt.messages]
    assert turns == [("user", question), ("assistant", winner), ("user", "And then?")]


def test_a_verdict_is_taken_while_both_texts_stream(
    page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    engine.auto_generate(["one two three four five", "six seven eight nine ten"])
    presenter.start()
    while not presenter.state.can_judge_draft:
        engine.deliver(1)
    assert button(page, "verdict-left").isEnabled()
    before = texts(page)
    press(Key.Key_1)
    engine.deliver()
    (pair,) = verdicts.training_pairs(project)
    assert (pair.chosen, pair.rejected) == before


def test_panes_keep_their_size_and_place_while_text_comes_in(
    page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    words = " ".join(f"word{number}" for number in range(400))
    engine.auto_generate([words, words])
    presenter.start()
    while not any(texts(page)):
        engine.deliver(1)
    QApplication.processEvents()
    before = [pane.geometry() for pane in page.panes]
    for _ in range(100):
        engine.deliver(5)
        QApplication.processEvents()
        assert [pane.geometry() for pane in page.panes] == before
        assert page.panes[0].text.verticalScrollBar().value() == 0


def test_r_writes_one_side_again_and_keeps_the_other(
    ready_page: AnnotatePage, engine: FakeEngine, presenter: AnnotatePresenter
) -> None:
    left, right = texts(ready_page)
    engine.auto_generate(["third text"])
    press(Key.Key_R, Modifier.ShiftModifier)
    engine.deliver()
    assert texts(ready_page) == ("third text", right)
    press(Key.Key_R, Modifier.ShiftModifier | Modifier.ControlModifier)
    engine.deliver()
    assert texts(ready_page) == ("third text", "third text")
    assert left not in texts(ready_page)
