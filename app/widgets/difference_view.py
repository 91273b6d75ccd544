"""Differences on or off: the words that only one of two texts side by side has are marked."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from shiboken6 import isValid

from app.shell.theme import Theme
from app.widgets.difference_marks import DifferenceMarks, in_units
from app.widgets.reading_text import ReadingText
from app.widgets.text_differences import MOST_WORDS, differences


class DifferenceView(QObject):
    """Follows what the two panes show; each part of the work is a turn of the event loop of its own."""

    said = Signal(str)
    """How alike the responses are, or why nothing is marked; empty when differences are off."""

    def __init__(self, left: ReadingText, right: ReadingText, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._sides = (left, right)
        self._theme = theme
        self._on = False
        self._marks: list[DifferenceMarks] = []
        self._parts: list[Callable[[], None]] = []
        self._next_part = QTimer(self, interval=0)
        self._next_part.timeout.connect(self._go_on)
        for side in self._sides:
            side.written.connect(self._begin)
        theme.changed.connect(self._begin)

    @property
    def is_on(self) -> bool:
        return self._on

    def toggle(self) -> None:
        self._on = not self._on
        if self._on:
            self._begin()
        else:
            self._end()
            self.said.emit("")

    def _begin(self) -> None:
        self._end()
        done = all(side.is_written and not side.is_live and side.text for side in self._sides)
        if self._on and done:
            self._parts = [self._compare]
            self._next_part.start()

    def _go_on(self) -> None:
        if self._parts:
            self._parts.pop(0)()
        if not self._parts:
            self._next_part.stop()

    def _compare(self) -> None:
        left, right = (side.toPlainText() for side in self._sides)
        found = differences(left, right)
        if found is None:
            self.said.emit(f"Longer than {MOST_WORDS:,} words: differences are not marked")
            return
        for side, name, text, stretches in (
            (self._sides[0], "left", left, found.left),
            (self._sides[1], "right", right, found.right),
        ):
            places = in_units(text, stretches)
            self._parts.append(partial(self._mark, side, name, places))
        self.said.emit(f"{100 * found.shared:.0f} % of the words in both")

    def _mark(self, side: ReadingText, name: str, places: list[tuple[int, int]]) -> None:
        tint, line = self._theme.colour("accent_soft"), self._theme.colour("accent")
        marks = DifferenceMarks(side.document(), name, places, tint, line)
        marks.rehighlight()
        self._marks.append(marks)

    def _end(self) -> None:
        self._parts.clear()
        self._next_part.stop()
        for marks in self._marks:
            if isValid(marks):  # they go with their document when another text is shown
                marks.setDocument(None)
                marks.deleteLater()
        self._marks.clear()
