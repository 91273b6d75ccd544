"""Marks under the words that only one of two texts has, without touching the texts.

Both sides have the same colour on purpose, since red and green would judge them; the line under the words
is another one on each side, so that nothing is said by colour alone.
"""

from bisect import bisect_right
from collections.abc import Sequence

from PySide6.QtGui import QColor, QSyntaxHighlighter, QTextCharFormat, QTextDocument

_LINES = {
    "left": QTextCharFormat.UnderlineStyle.DashUnderline,
    "right": QTextCharFormat.UnderlineStyle.SingleUnderline,
}


class DifferenceMarks(QSyntaxHighlighter):
    """Lives as long as its document or until `setDocument(None)`."""

    def __init__(
        self,
        document: QTextDocument,
        side: str,
        stretches: Sequence[tuple[int, int]],
        tint: QColor,
        line: QColor,
    ) -> None:
        """`stretches`: start and end in UTF-16 units of the document's plain text, ascending."""
        self._stretches = list(stretches)
        self._starts = [start for start, _ in self._stretches]
        self._form = QTextCharFormat()
        self._form.setBackground(tint)
        self._form.setUnderlineStyle(_LINES[side])
        self._form.setUnderlineColor(line)
        super().__init__(document)

    def highlightBlock(self, text: str) -> None:  # noqa: ARG002 (Qt's signature)
        begin = self.currentBlock().position()
        end = begin + self.currentBlock().length() - 1
        at = max(0, bisect_right(self._starts, begin) - 1)
        while at < len(self._stretches) and self._stretches[at][0] < end:
            start, stop = (min(max(place, begin), end) for place in self._stretches[at])
            if stop > start:
                self.setFormat(start - begin, stop - start, self._form)
            at += 1


def in_units(text: str, stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Places counted in characters as places in UTF-16 units, as Qt counts."""
    if text.isascii():
        return list(stretches)
    units, done, count = [], 0, 0
    for place in (place for stretch in stretches for place in stretch):
        count += len(text[done:place].encode("utf-16-le", "surrogatepass")) // 2
        done = place
        units.append(count)
    return list(zip(units[::2], units[1::2], strict=True))
