"""A conversation as it is read: a person's words to the letter, a model's rendered."""

import pytest
from PySide6.QtGui import QTextTable
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.widgets.conversation import ConversationText
from dpo_engine.preferences import Message

_ANSWER = "Some **bold** words\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```"


@pytest.fixture
def conversation(qapp: QApplication, qtbot: QtBot) -> ConversationText:
    widget = ConversationText(Theme(qapp, "light"))
    qtbot.addWidget(widget)
    widget.resize(500, 300)
    widget.show()
    widget.show_messages(
        [Message("user", "Be **bold**"), Message("assistant", _ANSWER), Message("user", "- and *now*?")]
    )
    widget.view.finish()
    return widget


def test_a_models_turn_is_rendered_and_a_persons_is_not(conversation: ConversationText) -> None:
    lines = [line for line in conversation.view.toPlainText().split("\n") if line]
    spoken = ["You", "Be **bold**", "Assistant", "Some bold words", "a", "b", "1", "2", "x = 1"]
    assert lines == [*spoken, "You", "- and *now*?"]
    frames = conversation.view.document().rootFrame().childFrames()
    assert [isinstance(frame, QTextTable) for frame in frames] == [True, False], "a table, then code"


def test_what_follows_a_frame_or_a_list_is_outside_of_it(conversation: ConversationText) -> None:
    document = conversation.view.document()
    assert document.lastBlock().begin() != document.lastBlock().end()
    assert document.rootFrame().lastCursorPosition().block() == document.lastBlock()
    turns = [Message("user", "a"), Message("assistant", "- one\n- two"), Message("user", "b")]
    conversation.show_messages(turns)
    last = conversation.view.document().lastBlock()
    assert (last.text(), last.textList(), last.previous().textList()) == ("b", None, None)
    assert last.previous().previous().textList() is not None


def test_raw_shows_a_models_turn_as_it_was_written(conversation: ConversationText) -> None:
    conversation.set_raw(True)
    assert _ANSWER in conversation.view.toPlainText()
    conversation.set_raw(False)
    assert _ANSWER not in conversation.view.toPlainText()


def test_no_line_of_a_long_prompt_is_cut_through(conversation: ConversationText) -> None:
    conversation.show_messages([Message("user", "word " * 600)])
    conversation.view.finish()
    layout = conversation.view.document().firstBlock().layout()
    lines = [layout.lineAt(number) for number in range(layout.lineCount())]
    top = conversation.view.document().documentMargin()
    ends = {int(top + line.y() + line.height()) for line in lines}
    for limit in (150, 161, 173):
        conversation.fit(limit)
        assert limit - 40 < conversation.view.height() <= limit
        assert conversation.view.height() in ends
