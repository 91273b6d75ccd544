"""What a text for reading is written on: fonts, colours and measures, and a document that loads nothing.

Texts are written block by block through generators, so that a long one takes many short turns of the
event loop instead of one that is felt (see `reading_text`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTextBoundaryFinder
from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextOption,
)

from app.shell.palette import FontSize
from app.shell.theme import Theme

LINE_HEIGHT = 128
LINK = QTextFormat.Property.UserProperty.value + 1
"""The address of a link, on its words: shown and asked about, never followed by itself."""
_COSTLY = re.compile(r"[^\u0000-\u1fff\u2000-\u206f]")
"""Signs that are looked up in several fonts: emoji, Chinese, Japanese, Korean."""
_MOST_COSTLY, _MOST_SIGNS, _MOST_UNSPACED = 150, 12_000, 3000
_LINES_A_TURN = 2000
# What Qt's documents use inside for frames and objects would break them as text.
_INNER = {ord(sign): "\ufffd" for sign in "\x00\ufdd0\ufdd1\ufffc"}


@dataclass(frozen=True)
class Look:
    """Fonts and colours of a rendered text."""

    text: QFont
    mono: QFont
    ink: QColor
    quiet: QColor
    well: QColor
    line: QColor
    scale: float
    code: dict[str, QColor]
    """By what a word of code is: keyword, string, number, name, comment."""

    @classmethod
    def of(cls, theme: Theme) -> "Look":
        mono = theme.font(FontSize.BODY, mono=True)
        mono.setFeature(QFont.Tag("calt"), 0)  # code is shown sign by sign, without ligatures
        kinds = ("keyword", "string", "number", "name", "comment")
        return cls(
            text=theme.font(FontSize.READING),
            mono=mono,
            ink=theme.colour("text"),
            quiet=theme.colour("secondary"),
            well=theme.colour("sunken"),
            line=theme.colour("border_strong"),
            scale=theme.scale,
            code={kind: theme.colour(f"code_{kind}") for kind in kinds},
        )


class InertDocument(QTextDocument):
    """A document that loads nothing: no picture, no style sheet, from no file and no network."""

    def loadResource(self, kind: int, name: object) -> None:  # noqa: ARG002 (Qt's signature)
        return None


def new_document(look: Look, *, mono: bool = False) -> InertDocument:
    document = InertDocument()
    document.setDocumentMargin(0)
    document.setDefaultFont(look.mono if mono else look.text)
    document.setIndentWidth(round(22 * look.scale))
    document.setUndoRedoEnabled(False)
    option = QTextOption()
    # Each paragraph runs in the direction of its own first letter.
    option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    document.setDefaultTextOption(option)
    return document


def shown_as_text(text: str) -> str:
    """The text with the few characters replaced that a document cannot hold."""
    return text.replace("\r\n", "\n").translate(_INNER)


def spacing(line_height: int, *, above: int = 0, below: int = 0) -> QTextBlockFormat:
    """Line height in percent, margins in pixels."""
    form = QTextBlockFormat()
    form.setLineHeight(line_height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    form.setTopMargin(above)
    form.setBottomMargin(below)
    return form


def plain_document(text: str, look: Look, *, mono: bool = False) -> InertDocument:
    """The text as it is, at once."""
    document = new_document(look, mono=mono)
    for _ in write_plain(document, text):
        pass
    return document


def write_plain(document: QTextDocument, text: str, *, line_height: int = LINE_HEIGHT) -> Iterator[None]:
    """Write the text as it is into the document's last block, which is empty, some lines a step."""
    cursor = QTextCursor(document)
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.setBlockFormat(spacing(line_height))
    for step in portions(shown_as_text(text)):
        cursor.insertText(step, QTextCharFormat())
        yield


def portions(text: str) -> Iterator[str]:
    """The text in pieces that are each laid out in a few milliseconds; together they are the text.

    Pieces end with a line where lines are short. One line that is costly to lay out (thousands of joined
    emoji) is broken, between two signs, into lines of its own: Qt lays out a line's block as a whole.
    """
    gathered = ""
    for line in text.splitlines(keepends=True) if "\n" in text else [text]:
        if len(line) > _longest(line) or len(_COSTLY.findall(line)) > _MOST_COSTLY:
            if gathered:
                yield gathered
                gathered = ""
            yield from _broken(line)
            continue
        gathered += line
        if len(gathered) > _LINES_A_TURN:
            yield gathered
            gathered = ""
    if gathered:
        yield gathered


def _longest(line: str) -> int:
    return _MOST_SIGNS if " " in line[:_MOST_UNSPACED] else _MOST_UNSPACED


def _broken(line: str) -> Iterator[str]:
    """A long line in pieces of bounded cost, each but the last ending with a line break."""
    units = line.encode("utf-16-le", "surrogatepass")
    finder = QTextBoundaryFinder(QTextBoundaryFinder.BoundaryType.Grapheme, line)
    start, most = 0, _longest(line)
    while start < len(units) // 2:
        finder.setPosition(_end_of_piece(units, start, most))
        end = finder.position() if finder.isAtBoundary() else finder.toNextBoundary()
        end = end if end > start else len(units) // 2
        piece = units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        yield piece if end == len(units) // 2 else f"{piece}\n"
        start = end


def _end_of_piece(units: bytes, start: int, most: int) -> int:
    """Where, in UTF-16 units, the piece that begins at `start` should end."""
    step = 3 * _MOST_COSTLY
    while 2 * (start + step) < len(units) and 2 * step <= most:
        piece = units[2 * start : 2 * (start + 2 * step)].decode("utf-16-le", "replace")
        if len(_COSTLY.findall(piece)) > _MOST_COSTLY:
            break
        step *= 2
    end = min(start + step, len(units) // 2)
    # Between two words rather than in one, where there is a space not far before.
    before = units[2 * max(start + 1, end - 300) : 2 * end].decode("utf-16-le", "replace")
    space = before.rfind(" ")
    return (
        end if space < 0 or end == len(units) // 2 else end - len(before.encode("utf-16-le")) // 2 + space + 1
    )
