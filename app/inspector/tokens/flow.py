"""Tokens laid out as flowing text of a given width, a few milliseconds at a time.

Each block is one `QTextLayout`, so that words wrap, letters join and right-to-left runs run as in any text.
Cells are rectangles behind the letters: no room is added between tokens, which would break joined letters.
"""

import re
import time
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QTextCharFormat, QTextLayout, QTextLine, QTextOption

from app.inspector.tokens.blocks import Block, Span

_LINE_HEIGHT = 1.5
"""Of the font's: room for the bars above and below."""
_RIGHT_TO_LEFT = re.compile(
    r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)

Stretch = tuple[float, float, bool]
"""Left edge, width, and whether it runs from right to left."""


@dataclass(frozen=True)
class Cell:
    """A token's place on one line, in the flow's coordinates."""

    rect: QRectF
    token: int
    special: bool = False


@dataclass(frozen=True)
class Fonts:
    text: QFont
    quiet: QTextCharFormat
    """Of signs for what cannot be seen."""
    special: QTextCharFormat
    """Of tokens of the template."""


@dataclass(eq=False)
class LaidBlock:
    layout: QTextLayout
    spans: list[Span]
    starts: list[int]
    top: float
    line_height: float
    cell_height: float
    both_ways: bool
    """Some of it runs from right to left."""
    _cells: dict[int, list[Cell]] = field(default_factory=dict)
    """Of each line, worked out when it is first seen."""

    @property
    def lines(self) -> int:
        return self.layout.lineCount()

    @property
    def bottom(self) -> float:
        return self.top + self.lines * self.line_height

    def cells(self, line: int) -> list[Cell]:
        if line not in self._cells:
            self._cells[line] = list(self._work_out(line))
        return self._cells[line]

    def cells_between(self, top: float, bottom: float) -> Iterator[Cell]:
        """Those on lines that are seen between two heights."""
        first = max(0, int((top - self.top) // self.line_height))
        last = min(self.lines - 1, int((bottom - self.top) // self.line_height))
        for line in range(first, last + 1):
            yield from self.cells(line)

    def cells_of(self, token: int) -> Iterator[Cell]:
        for span in self.spans:
            if span.first <= token < span.first + span.count:
                first = self.layout.lineForTextPosition(span.start).lineNumber()
                last = self.layout.lineForTextPosition(span.end - 1).lineNumber()
                for line in range(first, last + 1):
                    yield from (cell for cell in self.cells(line) if cell.token == token)

    def _work_out(self, number: int) -> Iterator[Cell]:
        line = self.layout.lineAt(number)
        start, end = line.textStart(), line.textStart() + line.textLength()
        top = self.top + number * self.line_height + (self.line_height - self.cell_height) / 2
        first = max(0, bisect_right(self.starts, start) - 1)
        for span in self.spans[first : bisect_left(self.starts, end)]:
            if span.end <= start or _hangs(span, end):
                continue
            for left, width, backwards in self._stretches(line, max(start, span.start), min(end, span.end)):
                for part in range(span.count):
                    place = span.count - 1 - part if backwards else part
                    rect = QRectF(
                        left + width * place / span.count, top, width / span.count, self.cell_height
                    )
                    yield Cell(rect, span.first + part, span.special)

    def _stretches(self, line: QTextLine, start: int, end: int) -> list[Stretch]:
        """Left edge, width and direction of each part of the line that this part of the text takes."""
        if self.both_ways:
            runs = [(run.boundingRect(), run.isRightToLeft()) for run in line.glyphRuns(start, end - start)]
            return _joined([(rect.left(), rect.width(), backwards) for rect, backwards in runs])
        left = _x(line, start, QTextLine.Edge.Leading)
        # Amid a character there is no edge; the one after it is that of its end.
        amid = not self.layout.isValidCursorPosition(end - 1)
        right = _x(line, end, QTextLine.Edge.Leading) if amid else _x(line, end - 1, QTextLine.Edge.Trailing)
        return [(left, right - left, False)]


@dataclass(eq=False)
class Flow:
    """Blocks come from an iterator; `lay_out` takes as many as there is time for."""

    blocks: Iterator[Block]
    fonts: Fonts
    width: float
    laid: list[LaidBlock] = field(default_factory=list)
    finished: bool = False
    height: float = 0.0
    """Of what is laid out."""

    def __post_init__(self) -> None:
        metrics = QFontMetricsF(self.fonts.text)
        self.line_height = round(metrics.height() * _LINE_HEIGHT)
        self._above = (self.line_height - metrics.height()) / 2
        self._cell_height = min(self.line_height - 2.0, metrics.height() + 6.0)
        self._tops: list[float] = []

    def lay_out(self, seconds: float = float("inf"), *, at_least: float = 0.0) -> None:
        """Go on for so long, and in any case down to `at_least` pixels."""
        end = time.perf_counter() + seconds
        while not self.finished and (self.height < at_least or time.perf_counter() < end):
            block = next(self.blocks, None)
            if block is None:
                self.finished = True
            else:
                self._add(block)

    def between(self, top: float, bottom: float) -> list[LaidBlock]:
        """The blocks that are seen between two heights."""
        first = max(0, bisect_right(self._tops, top) - 1)
        return self.laid[first : bisect_right(self._tops, bottom)]

    def cells_at(self, height: float) -> list[Cell]:
        """All on the line at this height."""
        return [
            cell for block in self.between(height, height) for cell in block.cells_between(height, height)
        ]

    def token_at(self, point: QPointF) -> int:
        """−1 where there is none."""
        return next((cell.token for cell in self.cells_at(point.y()) if cell.rect.contains(point)), -1)

    def cells_of(self, token: int) -> list[Cell]:
        """Where a token is; empty while it is not laid out."""
        return [
            cell
            for block in self.laid
            if block.spans[0].first <= token < block.spans[-1].first + block.spans[-1].count
            for cell in block.cells_of(token)
        ]

    def _add(self, block: Block) -> None:
        layout = QTextLayout(block.text, self.fonts.text)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        if begins_at_the_right(block.text):
            option.setAlignment(Qt.AlignmentFlag.AlignRight)
        option.setFlags(QTextOption.Flag.IncludeTrailingSpaces)
        layout.setTextOption(option)
        layout.setCacheEnabled(True)
        layout.setFormats(self._formats(block))
        layout.beginLayout()
        lines = 0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(self.width)
            line.setPosition(QPointF(0, lines * self.line_height + self._above))
            lines += 1
        layout.endLayout()
        spans = _whole_characters(layout, block.spans)
        laid = LaidBlock(
            layout,
            spans,
            [span.start for span in spans],
            self.height,
            self.line_height,
            self._cell_height,
            _RIGHT_TO_LEFT.search(block.text) is not None,
        )
        self.laid.append(laid)
        self._tops.append(self.height)
        self.height = laid.bottom

    def _formats(self, block: Block) -> list[QTextLayout.FormatRange]:
        ranges = []
        for span in block.spans:
            if span.sign or span.special:
                one = QTextLayout.FormatRange()
                one.start, one.length = span.start, span.end - span.start
                one.format = self.fonts.special if span.special else self.fonts.quiet
                ranges.append(one)
        return ranges


def begins_at_the_right(text: str) -> bool:
    """Is the first letter with a direction one of a script that runs from right to left?"""
    directions = (unicodedata.bidirectional(sign) for sign in text)
    return next((one for one in directions if one in ("L", "R", "AL")), "L") != "L"


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Those that touch (glyphs of several fonts) as one."""
    joined: list[Stretch] = []
    for left, width, backwards in sorted(stretches):
        if joined and left - sum(joined[-1][:2]) < 1.0:
            before = joined.pop()
            left, width = before[0], max(sum(before[:2]), left + width) - before[0]  # noqa: PLW2901
        joined.append((left, width, backwards))
    return joined


def _whole_characters(layout: QTextLayout, spans: list[Span]) -> list[Span]:
    """Spans that begin amid what is seen as one character (a joined emoji) share its place."""
    whole: list[Span] = []
    for span in spans:
        if whole and not layout.isValidCursorPosition(span.start):
            before = whole.pop()
            span = replace(before, end=span.end, count=before.count + span.count)  # noqa: PLW2901
        whole.append(span)
    return whole


def _hangs(span: Span, end: int) -> bool:
    """Is nothing of the span on the line that ends here but the space before its word?"""
    return span.spaced and span.start == end - 1 and span.end > end


def _x(line: QTextLine, place: int, edge: QTextLine.Edge) -> float:
    found: Any = line.cursorToX(place, edge)
    return float(found[0])
