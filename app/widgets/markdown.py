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
    QTextFrameFormat,
    QTextOption,
    QTextTable,
)

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme

FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
_MOST_CELLS = 400
_MOST_MARKS = 1500
_MOST_BLOCKS = 1500
_LEAST_KEPT = 0.97
_LINE_HEIGHT = 145
_HEADINGS = {1: 19, 2: 17}
_QUOTE = QTextFormat.Property.BlockQuoteLevel.value
_FENCE = QTextFormat.Property.BlockCodeFence.value
_LANGUAGE = QTextFormat.Property.BlockCodeLanguage.value
_MARKS = re.compile(r"[*_~`\[]")
_WORDS = re.compile(r"\w")
_TARGETS = re.compile(r"\]\([^()\s]*(?:\s+\"[^\"]*\")?\)|^\s*(?:```|~~~)\w*\s*$", re.MULTILINE)
# What Qt's documents use inside for frames and objects would break them as text.
_INNER = {ord(sign): "\ufffd" for sign in "\x00\ufdd0\ufdd1\ufffc"}


@dataclass(frozen=True)
class Look:
    """Fonts and colours of a rendered text."""

    text: QFont
    mono: QFont
    colour: QColor
    quiet: QColor
    well: QColor
    line: QColor
    scale: float

    @classmethod
    def of(cls, theme: Theme) -> "Look":
        return cls(
            text=theme.font(FontSize.READING),
            mono=theme.font(FontSize.BODY, mono=True),
            colour=theme.colour("text"),
            quiet=theme.colour("secondary"),
            well=theme.colour("sunken"),
            line=theme.colour("border_strong"),
            scale=theme.scale,
        )


class InertDocument(QTextDocument):
    """A document that loads nothing: no picture, no style sheet, from no file and no network."""

    def loadResource(self, kind: int, name: object) -> None:
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
    cursor.mergeBlockFormat(_line_height())
    return document


def markdown_document(text: str, look: Look) -> InertDocument:
    """The text rendered, or as it is where rendering would lose words or take long."""
    if _too_much(text):
        return plain_document(text, look)
    document = _new_document(look)
    document.setMarkdown(shown_as_text(text), FEATURES)
    if document.blockCount() > _MOST_BLOCKS or _loses_words(text, document):
        return plain_document(text, look)
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    _disarm(document)
    for block in _blocks(document):
        _style_block(block, look)
    cursor.endEditBlock()
    _style_frames(document, look)
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
    wanted = len(_WORDS.findall(_TARGETS.sub("", text)))
    return len(_WORDS.findall(document.toPlainText())) < _LEAST_KEPT * wanted


def _line_height() -> QTextBlockFormat:
    form = QTextBlockFormat()
    form.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    return form


def _blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def _disarm(document: QTextDocument) -> None:
    """Pictures become what was written for them, links become words."""
    found = [part for block in _blocks(document) for part in _fragments(block)]
    for position, length, form in reversed(found):
        plain = QTextCharFormat()
        if form.isImageFormat():
            image = form.toImageFormat()
            words = str(image.property(QTextFormat.Property.ImageAltText.value) or "")
            _selected(document, position, position + length).insertText(
                f"![{words}]({image.name()})" * length, plain
            )
        elif form.isAnchor():
            plain.setFontUnderline(True)
            _selected(document, position, position + length).setCharFormat(plain)


def _style_block(block: QTextBlock, look: Look) -> None:
    old, form = block.blockFormat(), _line_height()
    form.setTopMargin(0)
    form.setBottomMargin(Space.M)
    if is_code(block):
        form.setLineHeight(130, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        form.setNonBreakableLines(False)
        form.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        form.setBottomMargin(0)
        _set_font(block, look.mono)
    elif old.headingLevel():
        heading = QFont(look.text)
        heading.setPixelSize(round(_HEADINGS.get(old.headingLevel(), FontSize.HEADING) * look.scale))
        heading.setWeight(QFont.Weight.DemiBold)
        _set_font(block, heading)
        form.setTopMargin(Space.S if block.position() else 0)
        form.setBottomMargin(Space.S)
    else:
        if block.textList() is not None:
            form.setBottomMargin(Space.XS)
        _style_spans(block, look, quiet=old.intProperty(_QUOTE) > 0)
    if old.intProperty(_QUOTE):
        form.setLeftMargin(old.intProperty(_QUOTE) * Space.L)
        form.setRightMargin(0)
    QTextCursor(block).mergeBlockFormat(form)


def is_code(block: QTextBlock) -> bool:
    """Whether the block is a line of a code block, fenced or indented."""
    form = block.blockFormat()
    return form.hasProperty(_FENCE) or form.hasProperty(_LANGUAGE)


def _selected(document: QTextDocument, start: int, end: int) -> QTextCursor:
    cursor = QTextCursor(document)
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    return cursor


def _set_font(block: QTextBlock, font: QFont) -> None:
    """One font for the whole block, whatever was emphasised in it."""
    form = QTextCharFormat()
    form.setFont(font)
    cursor = _selected(block.document(), block.position(), block.position() + block.length() - 1)
    cursor.setCharFormat(form)
    cursor.setBlockCharFormat(form)


def _style_spans(block: QTextBlock, look: Look, *, quiet: bool) -> None:
    """Code within a line in the mono font on a well; bold as heavy as the app's own; quotes quiet."""
    for position, length, old in _fragments(block):
        form = QTextCharFormat(old)
        if old.fontFixedPitch():
            form = QTextCharFormat()
            form.setFont(look.mono)
            form.setBackground(look.well)
        if old.fontWeight() > QFont.Weight.Medium:
            form.setFontWeight(QFont.Weight.DemiBold)
        if quiet:
            form.setForeground(look.quiet)
        if form != old:
            _selected(block.document(), position, position + length).setCharFormat(form)


def _fragments(block: QTextBlock) -> list[tuple[int, int, QTextCharFormat]]:
    """Position, length and format of each stretch of one format."""
    found = []
    parts = block.begin()
    while not parts.atEnd():
        fragment = parts.fragment()
        found.append((fragment.position(), fragment.length(), fragment.charFormat()))
        parts += 1
    return found


def _style_frames(document: QTextDocument, look: Look) -> None:
    """Code blocks each in a well of their own, tables with quiet lines."""
    for start, end in reversed(_code_runs(document)):
        _selected(document, start, end).insertFrame(_well(look))
    _shrink_empty_lines(document)
    for child in document.rootFrame().childFrames():
        if isinstance(child, QTextTable):
            _style_table(child, look)


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
    form.setTopMargin(0)
    form.setBottomMargin(Space.M)
    return form


def _shrink_empty_lines(document: QTextDocument) -> None:
    """A document keeps an empty line beside each frame; it must not look like one."""
    for block in _blocks(document):
        beside = block.length() == 1 and not is_code(block) and QTextCursor(block).currentTable() is None
        if beside and QTextCursor(block).currentFrame() == document.rootFrame() and not _is_rule(block):
            form = QTextBlockFormat()
            form.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            form.setTopMargin(0)
            form.setBottomMargin(0)
            QTextCursor(block).mergeBlockFormat(form)


def _is_rule(block: QTextBlock) -> bool:
    return block.blockFormat().hasProperty(QTextFormat.Property.BlockTrailingHorizontalRulerWidth.value)


def _style_table(table: QTextTable, look: Look) -> None:
    form = table.format()
    form.setBorder(1)
    form.setBorderCollapse(True)
    form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBorderBrush(look.line)
    form.setCellPadding(Space.XS + 2)
    form.setCellSpacing(0)
    form.setBottomMargin(Space.M)
    table.setFormat(form)
    tight = QTextBlockFormat()
    tight.setBottomMargin(0)
    cursor = table.firstCursorPosition()
    cursor.setPosition(table.lastPosition(), QTextCursor.MoveMode.KeepAnchor)
    cursor.mergeBlockFormat(tight)
