"""A prompt as a person reads it: a single question, or the turns of a conversation."""

from collections.abc import Sequence

from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme
from app.widgets.reading_text import ReadingText
from dpo_engine.preferences import Message

_SPEAKER = {"system": "Instructions", "user": "You", "assistant": "Response"}


class ConversationText(ReadingText):
    """Plain text throughout: what a person asked is shown to the letter."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._messages: tuple[Message, ...] = ()
        super().__init__(theme, parent)
        self.setAccessibleName("Prompt")

    def show_messages(self, messages: Sequence[Message]) -> None:
        if tuple(messages) != self._messages:
            self._messages = tuple(messages)
            self._render()
            self.verticalScrollBar().setValue(0)

    @property
    def text(self) -> str:
        return "\n\n".join(message.content for message in self._messages)

    def wanted_height(self) -> int:
        """Pixels that the whole text takes at the present width."""
        return round(self.document().size().height()) + Space.XS

    def _render(self) -> None:
        self.clear()
        cursor = QTextCursor(self.document())
        paragraph = QTextBlockFormat()
        paragraph.setLineHeight(135, 1)  # proportional
        alone = len(self._messages) == 1
        for number, message in enumerate(self._messages):
            paragraph.setTopMargin(Space.M if number else 0)
            if not alone:
                _insert(cursor, paragraph, _SPEAKER[message.role], self._caption(), first=number == 0)
                paragraph.setTopMargin(0)
            _insert(cursor, paragraph, message.content, self._body(message.role), first=alone and number == 0)
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def _caption(self) -> QTextCharFormat:
        form = QTextCharFormat()
        form.setFont(self._theme.font(FontSize.CAPTION, weight=500))
        form.setForeground(self._theme.colour("faint"))
        return form

    def _body(self, role: str) -> QTextCharFormat:
        form = QTextCharFormat()
        form.setFont(self._theme.font(FontSize.READING, weight=400 if role == "system" else 500))
        form.setForeground(self._theme.colour("secondary" if role != "user" else "text"))
        return form


def _insert(
    cursor: QTextCursor, paragraph: QTextBlockFormat, text: str, form: QTextCharFormat, *, first: bool
) -> None:
    if first:
        cursor.setBlockFormat(paragraph)
    else:
        cursor.insertBlock(paragraph)
    cursor.insertText(text, form)
