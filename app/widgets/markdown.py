"""Markdown from elsewhere as a document to read: no HTML, no pictures, no links to follow, nothing fetched.

What a reader would miss in the rendered form is shown as plain text instead: a text that Markdown would
swallow (a bare link definition, twenty thousand backticks), and one whose layout would take long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrame,
    QTextFrameFormat,
    QTextOption,
    QTextTable,
)

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme

FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
_MOST_CELLS = 300
_MOST_MARKS = 1500
_MOST_BLOCKS = 1500
_MOST_MISSING = 8
"""Letters that may be in the text and not in its rendered form."""
_LEAST_KEPT = 0.05
_LINE_HEIGHT = 128
_HEADINGS = {1: 19, 2: 17}
_QUOTE = QTextFormat.Property.BlockQuoteLevel.value
_FENCE = QTextFormat.Property.BlockCodeFence.value
_LANGUAGE = QTextFormat.Property.BlockCodeLanguage.value
_RULE = QTextFormat.Property.BlockTrailingHorizontalRulerWidth.value
_MARKS = re.compile(r"[*_~`\[]")
_WORDS = re.compile(r"\w")
_LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_MARKUP = re.compile(
    r"""
      ^[ \t>]*(?:```|~~~)\w*[ \t]*$                    # the language of a code block
    | ^[ \t>]*(?:\d+[.)]|[-*+])[ \t](?:\[[xX]\][ \t])?  # the number of an item, the cross of a task
    | &\#?\w+;                                         # a sign by its name
    """,
    re.MULTILINE | re.VERBOSE,
)
"""What may go from the text without a reader missing a word."""
# What Qt's documents use inside for frames and objects would break them as text.
_INNER = {ord(sign): "\ufffd" for sign in "\x00\ufdd0\ufdd1\ufffc"}


@dataclass(frozen=True)
class Look:
    """Fonts and colours of a rendered text."""

    text: QFont
    mono: QFont
    quiet: QColor
    well: QColor
    line: QColor
    scale: float

    @classmethod
    def of(cls, theme: Theme) -> "Look":
        mono = theme.font(FontSize.BODY, mono=True)
        mono.setFeature(QFont.Tag("calt"), 0)  # code is shown sign by sign, without ligatures
        return cls(
            text=theme.font(FontSize.READING),
            mono=mono,
            quiet=theme.colour("secondary"),
            well=theme.colour("sunken"),
            line=theme.colour("border_strong"),
            scale=theme.scale,
        )


class InertDocument(QTextDocument):
    """A document that loads nothing: no picture, no style sheet, from no file and no network."""

    def loadResource(self, kind: int, name: object) -> None:  # noqa: ARG002 (Qt's signature)
        return None


def shown_as_text(text: str) -> str:
    """The text with the few characters replaced that a document cannot hold."""
    return text.replace("\r\n", "\n").translate(_INNER)


def plain_document(text: str, look: Look, *, mono: bool = False) -> InertDocument:
    """The text as it is."""
    document = _new_document(look)
    if mono:
        document.setDefaultFont(look.mono)
    document.setPlainText(shown_as_text(text))
    cursor = QTextCursor(document)
    cursor.select(QTextCursor.SelectionType.Document)
    cursor.mergeBlockFormat(_spacing(_LINE_HEIGHT))
    return document


def markdown_document(text: str, look: Look) -> InertDocument:
    """The text rendered, or as it is where rendering would lose words or take long."""
    if _too_much(text):
        return plain_document(text, look)
    document = _new_document(look)
    document.setMarkdown(shown_as_text(text), FEATURES)
    if document.blockCount() > _MOST_BLOCKS:
        return plain_document(text, look)
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    cursor.select(QTextCursor.SelectionType.Document)
    cursor.mergeBlockFormat(_spacing(_LINE_HEIGHT, below=Space.M))
    _style_fragments(document, look)
    if _loses_words(text, document):
        cursor.endEditBlock()
        return plain_document(text, look)
    for start, end in reversed(_code_runs(document)):
        _style_code(_selected(document, start, end).insertFrame(_well(look)), look)
    root = document.rootFrame()
    for block in _blocks(document):
        if QTextCursor(block).currentFrame() == root:
            _style_block(block, look)
    for child in root.childFrames():
        if isinstance(child, QTextTable):
            _style_table(child, look)
    cursor.endEditBlock()
    return document


def _new_document(look: Look) -> InertDocument:
    document = InertDocument()
    document.setDocumentMargin(0)
    document.setDefaultFont(look.text)
    document.setIndentWidth(round(22 * look.scale))
    document.setUndoRedoEnabled(False)
    option = QTextOption()
    # Each paragraph runs in the direction of its own first letter.
    option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    document.setDefaultTextOption(option)
    return document


def _too_much(text: str) -> bool:
    return text.count("|") > _MOST_CELLS or len(_MARKS.findall(text)) > _MOST_MARKS


def _loses_words(text: str, document: QTextDocument) -> bool:
    wanted, shown = _MARKUP.sub("", _LINK.sub(r"\1", text)), document.toPlainText()
    missing = len(_WORDS.findall(wanted)) - len(_WORDS.findall(shown))
    return missing > _MOST_MISSING or len(shown) < _LEAST_KEPT * len(wanted)


def _spacing(line_height: int, *, above: int = 0, below: int = 0) -> QTextBlockFormat:
    """Line height in percent, margins in pixels."""
    form = QTextBlockFormat()
    form.setLineHeight(line_height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    form.setTopMargin(above)
    form.setBottomMargin(below)
    return form


def _blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def _style_fragments(document: QTextDocument, look: Look) -> None:
    """Pictures become what was written for them and links words; code, bold and quotes get their look."""
    for block in reversed(list(_blocks(document))):
        quiet = block.blockFormat().intProperty(_QUOTE) > 0
        for position, length, old in reversed(_fragments(block)):
            if old.isImageFormat():
                image = old.toImageFormat()
                words = str(image.property(QTextFormat.Property.ImageAltText.value) or "")
                _selected(document, position, position + length).insertText(
                    f"![{words}]({image.name()})" * length, QTextCharFormat()
                )
            elif quiet or old.propertyCount():
                form = _inline_form(old, look, quiet=quiet)
                _selected(document, position, position + length).setCharFormat(form)


def _inline_form(old: QTextCharFormat, look: Look, *, quiet: bool) -> QTextCharFormat:
    form = QTextCharFormat(old)
    if old.isAnchor():
        form = QTextCharFormat()
        form.setFontUnderline(True)
    elif old.fontFixedPitch():
        form = QTextCharFormat()
        form.setFont(look.mono)
        form.setBackground(look.well)
    if old.fontWeight() > QFont.Weight.Medium:
        form.setFontWeight(QFont.Weight.DemiBold)
    if quiet:
        form.setForeground(look.quiet)
    return form


def _style_block(block: QTextBlock, look: Look) -> None:
    """The measures of a block outside of code and tables, by what it is."""
    old = block.blockFormat()
    if block.length() == 1 and not old.hasProperty(_RULE):
        # A document keeps an empty line beside each frame and table; it must not look like one.
        form = QTextBlockFormat()
        form.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        form.setBottomMargin(0)
    elif old.headingLevel():
        _style_heading(block, look)
        form = _spacing(_LINE_HEIGHT, above=Space.S if block.position() else 0, below=Space.S)
    elif block.textList() is not None:
        form = _spacing(_LINE_HEIGHT, below=Space.XS)
    elif old.intProperty(_QUOTE):
        form = QTextBlockFormat()
        form.setLeftMargin(old.intProperty(_QUOTE) * Space.L)
        form.setRightMargin(0)
    else:
        return
    QTextCursor(block).mergeBlockFormat(form)


def _style_heading(block: QTextBlock, look: Look) -> None:
    font = QFont(look.text)
    level = block.blockFormat().headingLevel()
    font.setPixelSize(round(_HEADINGS.get(level, FontSize.HEADING) * look.scale))
    font.setWeight(QFont.Weight.DemiBold)
    form = QTextCharFormat()
    form.setFont(font)
    _selected(block.document(), block.position(), block.position() + block.length() - 1).setCharFormat(form)


def _style_code(frame: QTextFrame, look: Look) -> None:
    form = QTextCharFormat()
    form.setFont(look.mono)
    lines = _spacing(130)
    lines.setNonBreakableLines(False)
    lines.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    cursor = _selected(frame.document(), frame.firstPosition(), frame.lastPosition())
    cursor.setCharFormat(form)
    cursor.mergeBlockFormat(lines)
    # Empty lines have their height from their block's own font.
    cursor.mergeBlockCharFormat(form)


def is_code(block: QTextBlock) -> bool:
    """Whether the block is a line of a code block, fenced or indented."""
    form = block.blockFormat()
    return form.hasProperty(_FENCE) or form.hasProperty(_LANGUAGE)


def _selected(document: QTextDocument, start: int, end: int) -> QTextCursor:
    cursor = QTextCursor(document)
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    return cursor


def _fragments(block: QTextBlock) -> list[tuple[int, int, QTextCharFormat]]:
    """Position, length and format of each stretch of one format."""
    found = []
    parts = block.begin()
    while not parts.atEnd():
        fragment = parts.fragment()
        found.append((fragment.position(), fragment.length(), fragment.charFormat()))
        parts += 1
    return found


def _code_runs(document: QTextDocument) -> list[tuple[int, int]]:
    """Start and end of each stretch of code outside tables."""
    runs: list[tuple[int, int]] = []
    going = False
    for block in _blocks(document):
        inside = is_code(block) and QTextCursor(block).currentTable() is None
        if inside:
            start = runs.pop()[0] if going else block.position()
            runs.append((start, block.position() + block.length() - 1))
        going = inside
    return runs


def _well(look: Look) -> QTextFrameFormat:
    form = QTextFrameFormat()
    form.setBackground(look.well)
    form.setBorder(0)
    form.setPadding(Space.M)
    form.setTopMargin(Space.XS)
    form.setBottomMargin(Space.M)
    return form


def _style_table(table: QTextTable, look: Look) -> None:
    first = table.cellAt(0, 0)
    start = first.firstCursorPosition()
    if not start.block().text() and start.position() != first.lastPosition():
        start.deleteChar()  # the reader leaves an empty line in the first cell of some tables
    form = table.format()
    form.setBorder(1)
    form.setBorderCollapse(True)
    form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBorderBrush(look.line)
    form.setCellPadding(Space.XS + 2)
    form.setCellSpacing(0)
    form.setBottomMargin(Space.M)
    table.setFormat(form)
    # Cell by cell: a selection across cells is one of whole cells, which formats of text do not reach.
    heavy = QTextCharFormat()
    heavy.setFontWeight(QFont.Weight.DemiBold)
    for row in range(table.rows()):
        for column in range(table.columns()):
            cell = table.cellAt(row, column)
            cursor = _selected(table.document(), cell.firstPosition(), cell.lastPosition())
            cursor.mergeBlockFormat(_spacing(115))
            if row == 0:
                cursor.mergeCharFormat(heavy)
