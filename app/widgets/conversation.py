"""A prompt as a person reads it: a single question, or the turns of a conversation."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.widgets.markdown import write_markdown
from app.widgets.paper import InertDocument, Look, new_document, portions, shown_as_text, spacing, write_plain
from app.widgets.reading_text import ReadingText, effort_of
from dpo_engine.preferences import Message

_SPEAKERS = {"system": "Instructions", "user": "You", "assistant": "Assistant"}
_LINE_HEIGHT = 125
_LEAST_HEIGHT = 24
_SHORT = 240


class ConversationText(QWidget):
    """What a person asked is shown to the letter; what a model answered is rendered as responses are.

    As high as its text up to `fit`'s limit, above which it scrolls. Instructions for the model (a system
    message) are folded away behind a quiet button.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._messages: tuple[Message, ...] = ()
        self._limit = 260
        self.fold = QToolButton()
        self.fold.setObjectName("prompt-instructions")
        self.fold.setCheckable(True)
        self.fold.setText("Instructions for the model")
        self.fold.setAccessibleName("Show the instructions for the model")
        self.fold.setToolTip("Show the instructions for the model")
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.fold.setIconSize(QSize(14, 14))
        set_role(self.fold, "fold")
        self.fold.toggled.connect(self._on_folded)
        self.view = _Turns(theme)
        self.view.setAccessibleName("Prompt")
        self.view.written.connect(lambda: self.fit(self._limit))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.XS)
        layout.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.view)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.show_messages(())

    @property
    def messages(self) -> tuple[Message, ...]:
        return self._messages

    @property
    def text(self) -> str:
        return "\n\n".join(message.content for message in self._messages)

    def show_messages(self, messages: Sequence[Message]) -> None:
        if tuple(messages) == self._messages and messages:
            return
        self._messages = tuple(messages)
        self.fold.setVisible(any(message.role == "system" for message in self._messages))
        self.fold.setChecked(False)
        self._on_folded()

    def set_raw(self, raw: bool) -> None:
        """The model's turns as they were written, or with their Markdown rendered."""
        self.view.set_raw(raw)

    def fit(self, limit: int) -> None:
        """Take at most `limit` pixels of height for the text."""
        self._limit = limit
        wanted = round(self.view.document().size().height()) + 2
        self.view.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if wanted > limit else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        height = wanted if wanted <= limit else whole_lines(self.view.document(), limit)
        self.view.setFixedHeight(max(_LEAST_HEIGHT, height))
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.setFixedHeight(layout.sizeHint().height())

    def _on_folded(self) -> None:
        open_ = self.fold.isChecked()
        self.fold.setIcon(self._theme.icon("chevron-down" if open_ else "chevron-right", "faint"))
        self.view.show_turns([m for m in self._messages if open_ or m.role != "system"])
        self.fit(self._limit)

    def _on_theme_changed(self) -> None:
        self.fold.setFont(self._theme.font(FontSize.CAPTION))
        self._on_folded()


def whole_lines(document: QTextDocument, limit: int) -> int:
    """The height, at most `limit` pixels, below which no line is cut through; `limit` where none fits."""
    layout, block, height = document.documentLayout(), document.firstBlock(), 0.0
    while block.isValid():
        top = layout.blockBoundingRect(block).top()
        for number in range(block.layout().lineCount()):
            line = block.layout().lineAt(number)
            bottom = top + line.y() + line.height()
            if bottom > limit:
                return int(height) or limit
            height = max(height, bottom)
        block = block.next()
    return limit


class _Turns(ReadingText):
    """Several messages in one text, each under the name of who speaks."""

    def __init__(self, theme: Theme) -> None:
        self._turns: list[Message] = []
        self._at_end = False
        super().__init__(theme)
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)

    def show_turns(self, turns: list[Message]) -> None:
        """Of several, the last is in view: it is what the responses answer."""
        self._turns = turns
        self._at_end = len(turns) > 1 and turns[0].role != "system"
        self._render(0)

    def _on_range_changed(self, _low: int, high: int) -> None:
        if self._at_end:
            self.verticalScrollBar().setValue(high)

    def _on_scrolled_by_hand(self) -> None:
        self._at_end = False
        super()._on_scrolled_by_hand()

    def effort(self) -> int:
        return sum(effort_of(turn.content) for turn in self._turns)

    def new_paper(self, look: Look) -> InertDocument:
        if len(self._turns) == 1 and len(self._turns[0].content) <= _SHORT:
            # A short question stands above the responses like a title.
            look = replace(look, text=self._theme.font(FontSize.READING, weight=500))
        return new_document(look)

    def write_on(self, paper: InertDocument, look: Look) -> Iterator[None]:
        if len(self._turns) == 1:
            yield from write_plain(paper, self._turns[0].content, line_height=_LINE_HEIGHT)
            return
        cursor = QTextCursor(paper)
        for number, message in enumerate(self._turns):
            cursor.movePosition(QTextCursor.MoveOperation.End)
            head = spacing(_LINE_HEIGHT, above=Space.M if number else 0)
            if number:
                cursor.insertBlock(head, QTextCharFormat())
            else:
                cursor.setBlockFormat(head)
            cursor.insertText(_SPEAKERS[message.role], self._form("faint", FontSize.CAPTION, 500))
            cursor.insertBlock(spacing(_LINE_HEIGHT), QTextCharFormat())
            if message.role == "assistant" and not self._raw:
                yield from write_markdown(paper, message.content, look, line_height=_LINE_HEIGHT)
                continue
            form = self._form("secondary" if message.role == "system" else "text", FontSize.READING, 400)
            for portion in portions(shown_as_text(message.content)):
                cursor.insertText(portion, form)
                yield

    def _form(self, colour: str, size: int, weight: int) -> QTextCharFormat:
        form = QTextCharFormat()
        form.setFont(self._theme.font(size, weight=weight))
        form.setForeground(self._theme.colour(colour))
        return form
