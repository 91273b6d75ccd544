"""The pane of one response, and the prompt above it."""

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.widgets.conversation import ConversationText
from app.widgets.response_pane import ResponsePane
from dpo_engine.preferences import Message


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def pane(qtbot: QtBot, theme: Theme) -> ResponsePane:
    widget = ResponsePane("Response 1", "1", theme)
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.fixture
def conversation(qtbot: QtBot, theme: Theme) -> ConversationText:
    widget = ConversationText(theme)
    widget.resize(500, 200)
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_heading_and_key_are_on_the_pane(pane: ResponsePane) -> None:
    assert {"Response 1", "1"} <= {label.text() for label in pane.findChildren(QLabel)}
    assert pane.text.accessibleName() == "Response 1"


def test_the_note_says_what_state_the_response_is_in(pane: ResponsePane) -> None:
    pane.show_nothing()
    assert pane.note == "Waiting for the model…"
    pane.show_live("Some")
    assert pane.note == "Writing…"
    pane.show_done("Some words", cut=False)
    assert pane.note == ""
    pane.show_done("Some words", cut=True)
    assert pane.note == "Cut at the longest length"
    pane.show_done(" \n", cut=False)
    assert pane.note == "Empty response"


def test_the_border_shows_the_mark_and_the_focus(qtbot: QtBot, pane: ResponsePane) -> None:
    pane.text.clearFocus()
    assert pane.property("role") == "pane"
    pane.activateWindow()
    pane.text.setFocus()
    qtbot.waitUntil(lambda: pane.property("role") == "pane-focus")
    pane.set_marked(True)
    assert pane.property("role") == "pane-chosen"
    pane.set_marked(False)
    assert pane.property("role") == "pane-focus"


def test_marking_does_not_move_the_text(pane: ResponsePane) -> None:
    pane.resize(400, 300)
    pane.show_done("Some words", cut=False)
    QApplication.processEvents()
    before = pane.text.geometry()
    pane.set_marked(True)
    QApplication.processEvents()
    assert pane.text.geometry() == before


def test_a_single_question_is_plain_text(conversation: ConversationText) -> None:
    conversation.show_messages([Message("user", "What is **this**?\n<b>Really</b>")])
    assert conversation.view.toPlainText() == "What is **this**?\n<b>Really</b>"
    assert conversation.text == "What is **this**?\n<b>Really</b>"
    assert conversation.fold.isHidden()


def test_turns_stand_under_their_speakers(conversation: ConversationText) -> None:
    conversation.show_messages([Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "More")])
    assert conversation.view.toPlainText() == "You\nHi\nAssistant\nYes?\nYou\nMore"


def test_instructions_are_folded_again_for_the_next_prompt(conversation: ConversationText) -> None:
    conversation.show_messages([Message("system", "Be kind."), Message("user", "Hi")])
    assert not conversation.fold.isHidden()
    assert conversation.view.toPlainText() == "Hi"
    conversation.fold.setChecked(True)
    assert conversation.view.toPlainText() == "Instructions\nBe kind.\nYou\nHi"
    conversation.show_messages([Message("system", "Be brief."), Message("user", "Hi again")])
    assert conversation.view.toPlainText() == "Hi again"


def test_it_is_as_high_as_its_text_up_to_the_limit(conversation: ConversationText) -> None:
    conversation.show_messages([Message("user", "Short")])
    conversation.fit(200)
    short = conversation.view.height()
    assert 20 <= short < 40
    conversation.show_messages([Message("user", "A line\n" * 100)])
    conversation.fit(200)
    assert 170 < conversation.view.height() <= 200
    assert conversation.view.verticalScrollBar().maximum() > 0
    conversation.show_messages([Message("user", "Short")])
    conversation.fit(200)
    assert conversation.view.height() == short


def test_right_to_left_turns_run_right_to_left(conversation: ConversationText) -> None:
    conversation.show_messages(
        [Message("user", "مرحباً"), Message("assistant", "Hello"), Message("user", "شكراً")]
    )
    document = conversation.view.document()
    directions = [document.findBlockByNumber(place).textDirection().name for place in (1, 3, 5)]
    assert directions == ["RightToLeft", "LeftToRight", "RightToLeft"]


def test_of_a_long_conversation_the_last_turn_is_in_view(conversation: ConversationText) -> None:
    turns = [Message("user", "First?"), Message("assistant", "So. " * 200), Message("user", "And then?")]
    conversation.show_messages(turns)
    conversation.fit(80)
    bar = conversation.view.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.triggerAction(bar.SliderAction.SliderToMinimum)
    conversation.fit(70)
    assert bar.value() == 0, "a person scrolled"
    conversation.show_messages([Message("user", "So. " * 400)])
    conversation.fit(80)
    assert bar.value() == 0 < bar.maximum()
