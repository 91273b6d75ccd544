"""A text for reading: plain while it is written, Markdown when it is done; nothing in it ever acts.

Texts come from models and files and are not to be trusted: HTML is shown as text, pictures are never
fetched, links lead nowhere unless a person asks for one and sees its whole address (see `links`). Each
paragraph runs in the direction of its own script. A long text is written in short turns: the first are
there at once, and keys are heard between the others.
"""

import time
from collections.abc import Iterator

from PySide6.QtCore import QMargins, QMimeData, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app.shell.palette import READING_WIDTH, Space
from app.shell.theme import Theme, set_role
from app.widgets.links import add_link_actions
from app.widgets.markdown import write_markdown
from app.widgets.markdown_lines import without_isolates
from app.widgets.paper import InertDocument, Look, new_document, shown_as_text, write_plain

_CARET_WIDTH = 2
_FIRST_TURN, _TURN = 0.010, 0.008
"""Seconds for what is written at once, and for each turn after it."""
_WHOLE, _BEGUN = 2000, 8000
"""Effort up to which a text is written at once as a whole, and up to which it is begun at once: in a
longer one even finding the paragraphs would be felt."""
_LINE = 10
"""What the beginning of a line (maybe an item of a list) costs, in characters."""


class ReadingText(QTextEdit):
    """Read-only and selectable. `show_text` for a finished text, `show_live` for one being written."""

    focused = Signal(bool)
    written = Signal()
    """The whole of a finished text is in the document."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "prose")
        self._theme = theme
        self._text = ""
        self._raw = False
        self._live = False
        self._shown: InertDocument | None = None
        self._rest: Iterator[None] | None = None
        self._place = 0
        self._ticks = QTimer(self, interval=0)
        self._ticks.timeout.connect(lambda: self._write(_TURN))
        self.setReadOnly(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.verticalScrollBar().actionTriggered.connect(self._on_scrolled_by_hand)
        theme.changed.connect(self.render_again)
        self.render_again()

    @property
    def text(self) -> str:
        """What is shown, as it was given."""
        return self._text

    @property
    def is_live(self) -> bool:
        return self._live

    @property
    def is_written(self) -> bool:
        """Whether the whole text is in the document."""
        return self._rest is None

    def show_text(self, text: str) -> None:
        """A finished text."""
        if text == self._text and not self._live:
            return
        # What was read while it came in stays where it is.
        place = self.verticalScrollBar().value() if self._live and text.startswith(self._text) else 0
        self._text, self._live = text, False
        self._render(place)

    def show_live(self, text: str) -> None:
        """A text that is still being written; only what is new is added."""
        if self._live and text.startswith(self._text):
            self._append(text[len(self._text) :])
            self._text = text
        else:
            self._text, self._live = text, True
            self._render(0)

    def set_raw(self, raw: bool) -> None:
        """The text as it was written, or with its Markdown rendered."""
        if raw != self._raw:
            self._raw = raw
            if not self._live:
                self._render(0)

    def render_again(self) -> None:
        """Lay the text out anew, with the theme's fonts and colours as they are now."""
        self._render(self.verticalScrollBar().value())

    def finish(self) -> None:
        """Write at once what is still to be written."""
        self._write(float("inf"))

    def effort(self) -> int:
        """Of writing the whole, in characters."""
        return effort_of(self._text)

    def new_paper(self, look: Look) -> InertDocument:
        return new_document(look, mono=self._raw and not self._live)

    def write_on(self, paper: InertDocument, look: Look) -> Iterator[None]:
        """Write the text on the paper, a few milliseconds a step."""
        if self._raw or self._live:
            return write_plain(paper, self._text)
        return write_markdown(paper, self._text, look)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._set_column()
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        # Qt brings its cursor into view, which stands behind what was written last.
        place = self.verticalScrollBar().value()
        super().showEvent(event)
        self.verticalScrollBar().setValue(place)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._live and self._text:
            end = QTextCursor(self.document())
            end.movePosition(QTextCursor.MoveOperation.End)
            place = self.cursorRect(end)
            caret = QRect(place.left() + 1, place.top() + 1, _CARET_WIDTH, place.height() - 2)
            QPainter(self.viewport()).fillRect(caret, self._theme.colour("accent"))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu()
        menu.setParent(self, menu.windowFlags())
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        place = self.cursorForPosition(event.pos()) if event.reason() == event.Reason.Mouse else None
        add_link_actions(menu, self, place)
        menu.popup(event.globalPos())

    def createMimeDataFromSelection(self) -> QMimeData:
        data = super().createMimeDataFromSelection()
        data.setHtml(without_isolates(data.html()))
        data.setText(without_isolates(data.text()))
        return data

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focused.emit(False)

    def _render(self, place: int) -> None:
        look = Look.of(self._theme)
        old, self._shown = self._shown, self.new_paper(look)
        self._shown.setParent(self)
        # Written on paper that is in view, so that laying it out counts as part of each turn.
        self.setDocument(self._shown)
        self.setCursorWidth(0)
        self._rest = self.write_on(self._shown, look)
        self._place = place
        self._begin()
        if old is not None:
            old.deleteLater()

    def _begin(self) -> None:
        effort = self.effort()
        self._write(float("inf") if effort <= _WHOLE else _FIRST_TURN if effort <= _BEGUN else 0.0)
        while self._rest is not None and self._place:
            self._write(_FIRST_TURN)  # what was being read must not go out of sight, even for a moment

    def _write(self, seconds: float) -> None:
        """Go on writing for so long; the timer does the rest."""
        rest, end = self._rest, time.perf_counter() + seconds
        edit = QTextCursor(self.document())
        while rest is not None and time.perf_counter() < end:
            edit.beginEditBlock()
            if next(rest, _END) is _END:
                rest = None
            edit.endEditBlock()
        if rest is None and self._rest is not None:
            self._rest = None
            self._ticks.stop()
            self.written.emit()
        elif rest is not None and not self._ticks.isActive():
            self._ticks.start()
        self._set_column()
        self._return_to_place()

    def _set_column(self) -> None:
        """Lines no longer than can be read well, on the side where the text begins."""
        old = self.viewportMargins()
        width = self.viewport().width() + old.left() + old.right()
        spare = max(Space.S, width - self._theme.px(READING_WIDTH))
        from_right = self.document().firstBlock().textDirection() == Qt.LayoutDirection.RightToLeft
        new = QMargins(spare - Space.S, 0, Space.S, 0) if from_right else QMargins(0, 0, spare, 0)
        if new != old:
            self.setViewportMargins(new)

    def _return_to_place(self) -> None:
        bar = self.verticalScrollBar()
        if self._place and bar.value() != self._place:
            bar.setValue(self._place)
            if bar.value() == self._place or self._rest is None:
                self._place = 0

    def _on_scrolled_by_hand(self) -> None:
        self._place = 0

    def _append(self, piece: str) -> None:
        if not piece:
            return
        self.finish()
        bar = self.verticalScrollBar()
        follows = bar.maximum() > 0 and bar.value() == bar.maximum()
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(shown_as_text(piece))
        self._set_column()
        if follows:
            bar.setValue(bar.maximum())
        self.viewport().update()


def effort_of(text: str) -> int:
    return len(text) + _LINE * text.count("\n")


_END = object()
