"""Marks under the words that were searched for, in the texts that are read."""

import re
import time
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QTextCharFormat, QTextDocument, QTextLayout

from app.library.found_words import finder, folded
from app.shell.theme import Theme
from app.widgets.difference_marks import in_units
from app.widgets.reading_text import ReadingText

_TURN = 0.005
"""Seconds of marking at a time, so that no key waits: a marked paragraph is laid out again."""


class FoundMarks(QObject):
    """Follows the texts of some views, whatever they show; the texts themselves are not touched."""

    def __init__(self, views: Sequence[ReadingText], theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme, self._views = theme, views
        self._pattern: re.Pattern[str] | None = None
        self._rest: dict[ReadingText, tuple[QTextDocument, Iterator[None]]] = {}
        self._turns = QTimer(self)
        self._turns.timeout.connect(self._go_on)
        for view in views:
            view.written.connect(lambda view=view: self._mark(view))

    def look_for(self, typed: str) -> None:
        """Mark these words, or none."""
        pattern = finder(typed)
        if pattern != self._pattern:
            self._pattern = pattern
            for view in self._views:
                if view.is_written:
                    self._mark(view)

    def _mark(self, view: ReadingText) -> None:
        document = view.document()
        self._rest[view] = document, self._paragraphs(document)
        self._go_on()

    def _go_on(self) -> None:
        end = time.perf_counter() + _TURN
        while self._rest and time.perf_counter() < end:
            view, (document, rest) = next(iter(self._rest.items()))
            # A view that shows another text by now says when that one is written.
            if view.document() is not document or next(rest, _END) is _END:
                del self._rest[view]
        self._turns.start() if self._rest else self._turns.stop()

    def _paragraphs(self, document: QTextDocument) -> Iterator[None]:
        form = QTextCharFormat()
        form.setBackground(self._theme.colour("accent_soft"))
        form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        form.setUnderlineColor(self._theme.colour("accent"))
        block = document.firstBlock()
        while block.isValid():
            marks = [_range(*place, form) for place in self._places(block.text())]
            if marks or block.layout().formats():
                block.layout().setFormats(marks)
                document.markContentsDirty(block.position(), block.length())
            yield
            block = block.next()

    def _places(self, text: str) -> list[tuple[int, int]]:
        """In UTF-16 units, as Qt counts."""
        if self._pattern is None:
            return []
        return in_units(text, [found.span() for found in self._pattern.finditer(folded(text))])


def _range(start: int, end: int, form: QTextCharFormat) -> QTextLayout.FormatRange:
    place = QTextLayout.FormatRange()
    place.start, place.length, place.format = start, end - start, form
    return place


_END = object()
