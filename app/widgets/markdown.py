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
    QTextLength,
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
    found = []
    for block in _blocks(document):
        parts = block.begin()
        while not parts.atEnd():
            fragment = parts.fragment()
            form = fragment.charFormat()
            if form.isImageFormat() or form.isAnchor():
                found.append((fragment.position(), fragment.length(), form))
            parts += 1
    for position, length, form in reversed(found):
        cursor = QTextCursor(document)
        cursor.setPosition(position)
        cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
        plain = QTextCharFormat()
        if form.isImageFormat():
            image = form.toImageFormat()
            words = str(image.property(QTextFormat.Property.ImageAltText.value) or "")
            cursor.insertText(f"![{words}]({image.name()})" * length, plain)
        else:
            plain.setFontUnderline(True)
            cursor.setCharFormat(plain)


def _style_block(block: QTextBlock, look: Look) -> None:
    form = block.blockFormat()
    wanted = _line_height()
    cursor = QTextCursor(block)
    cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
    if is_code(block):
        wanted.setLineHeight(130, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        wanted.setNonBreakableLines(False)
        wanted.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        wanted.setTopMargin(0)
        wanted.setBottomMargin(0)
        _set_font(QTextCursor(block), block, look.mono)
    elif form.headingLevel():
        heading = QFont(look.text)
        heading.setPixelSize(round(_HEADINGS.get(form.headingLevel(), 15) * look.scale))
        heading.setWeight(QFont.Weight.DemiBold)
        _set_font(QTextCursor(block), block, heading)
        wanted.setTopMargin(Space.M if block.position() else 0)
        wanted.setBottomMargin(Space.XS)
    elif block.textList() is not None:
        wanted.setTopMargin(0)
        wanted.setBottomMargin(Space.XS)
        _mono_spans(block, look)
    else:
        wanted.setTopMargin(0)
        wanted.setBottomMargin(Space.M)
        _mono_spans(block, look)
    if form.intProperty(QTextFormat.Property.BlockQuoteLevel.value):
        colour = QTextCharFormat()
        colour.setForeground(look.quiet)
        cursor.mergeCharFormat(colour)
    QTextCursor(block).mergeBlockFormat(wanted)


def is_code(block: QTextBlock) -> bool:
    """Whether the block is a line of a code block, fenced or indented."""
    form = block.blockFormat()
    return form.hasProperty(QTextFormat.Property.BlockCodeFence.value) or form.nonBreakableLines()


def _set_font(cursor: QTextCursor, block: QTextBlock, font: QFont) -> None:
    cursor.setPosition(block.position())
    cursor.setPosition(block.position() + block.length() - 1, QTextCursor.MoveMode.KeepAnchor)
    form = QTextCharFormat()
    form.setFont(font)
    form.setProperty(QTextFormat.Property.FontSizeAdjustment.value, 0)
    cursor.mergeCharFormat(form)
    cursor.mergeBlockCharFormat(form)


def _mono_spans(block: QTextBlock, look: Look) -> None:
    """Code within a line: the mono font on a well."""
    spans = []
    parts = block.begin()
    while not parts.atEnd():
        fragment = parts.fragment()
        if fragment.charFormat().fontFixedPitch():
            spans.append((fragment.position(), fragment.length()))
        parts += 1
    for position, length in spans:
        cursor = QTextCursor(block)
        cursor.setPosition(position)
        cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
        form = QTextCharFormat()
        form.setFont(look.mono)
        form.setBackground(look.well)
        cursor.mergeCharFormat(form)


def _style_frames(document: QTextDocument, look: Look) -> None:
    """Code blocks each in a well of their own, tables with quiet lines."""
    for first, last in reversed(_code_runs(document)):
        cursor = QTextCursor(document)
        cursor.setPosition(first)
        cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
        frame = cursor.insertFrame(_well(look))
        _drop_empty_line(document, frame.lastPosition() + 1)
    for child in document.rootFrame().childFrames():
        if isinstance(child, QTextTable):
            _style_table(child, look)


def _code_runs(document: QTextDocument) -> list[tuple[int, int]]:
    """Start and end of each stretch of code outside tables."""
    runs: list[tuple[int, int]] = []
    going = False
    for block in _blocks(document):
        inside = is_code(block) or block.blockFormat().hasProperty(
            QTextFormat.Property.BlockCodeLanguage.value
        )
        if inside and QTextCursor(block).currentTable() is None:
            start = runs.pop()[0] if going else block.position()
            runs.append((start, block.position() + block.length() - 1))
            going = True
        else:
            going = False
    return runs
