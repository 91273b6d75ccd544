"""A text for reading: plain while it is written, Markdown when it is done; nothing in it ever acts.

Texts come from models and files and are not to be trusted: HTML is shown as text, pictures are never
fetched, links lead nowhere (see `markdown`). Each paragraph runs in the direction of its own script.
"""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QResizeEvent, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app.shell.palette import READING_WIDTH, Space
from app.shell.theme import Theme, set_role
from app.widgets.markdown import InertDocument, Look, markdown_document, plain_document, shown_as_text

MOST_MARKDOWN = 50_000
"""Characters above which a text is shown as it is: rendering would be felt."""
_CARET_WIDTH = 2


class ReadingText(QTextEdit):
    """Read-only and selectable. `show_text` for a finished text, `show_live` for one being written."""

    focused = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "prose")
        self._theme = theme
        self._text = ""
        self._raw = False
        self._live = False
        self._shown: InertDocument | None = None
        self.setReadOnly(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        theme.changed.connect(self.render_again)
        self.render_again()

    @property
    def text(self) -> str:
        """What is shown, as it was given."""
        return self._text

    @property
    def is_live(self) -> bool:
        return self._live

    def show_text(self, text: str) -> None:
        """A finished text."""
        if text == self._text and not self._live:
            return
        # What was read while it came in stays where it is.
        position = self.verticalScrollBar().value() if self._live and text.startswith(self._text) else 0
        self._text, self._live = text, False
        self.render_again()
        self.verticalScrollBar().setValue(position)

    def show_live(self, text: str) -> None:
        """A text that is still being written; only what is new is added."""
        if self._live and text.startswith(self._text):
            self._append(text[len(self._text) :])
            self._text = text
        else:
            self._text, self._live = text, True
            self.render_again()

    def set_raw(self, raw: bool) -> None:
        """The text as it was written, or with its Markdown rendered."""
        if raw != self._raw:
            self._raw = raw
            if not self._live:
                self.render_again()

    def render_again(self) -> None:
        """Lay the text out anew, with the theme's fonts and colours as they are now."""
        old, self._shown = self._shown, self.make_document(Look.of(self._theme))
        self._shown.setParent(self)
        self.setDocument(self._shown)
        self.setCursorWidth(0)
        if old is not None:
            old.deleteLater()

    def make_document(self, look: Look) -> InertDocument:
        if self._raw and not self._live:
            return plain_document(self._text, look, mono=True)
        if self._live or len(self._text) > MOST_MARKDOWN:
            return plain_document(self._text, look)
        return markdown_document(self._text, look)

    def resizeEvent(self, event: QResizeEvent) -> None:
        margin = self.viewportMargins().right()
        spare = max(Space.S, event.size().width() + margin - self._theme.px(READING_WIDTH))
        if spare != margin:
            self.setViewportMargins(0, 0, spare, 0)
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._live and self._text:
            end = QTextCursor(self.document())
            end.movePosition(QTextCursor.MoveOperation.End)
            place = self.cursorRect(end)
            caret = QRect(place.left() + 1, place.top() + 1, _CARET_WIDTH, place.height() - 2)
            QPainter(self.viewport()).fillRect(caret, self._theme.colour("accent"))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focused.emit(False)

    def _append(self, piece: str) -> None:
        if not piece:
            return
        bar = self.verticalScrollBar()
        follows = bar.maximum() > 0 and bar.value() == bar.maximum()
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(shown_as_text(piece))
        if follows:
            bar.setValue(bar.maximum())
        self.viewport().update()
