"""A text for reading: plain while it is written, Markdown when it is done; nothing in it ever acts.

Texts come from models and files and are not to be trusted: HTML is shown as text, images are never fetched,
links lead nowhere. Each paragraph runs in the direction of its own script.
"""

from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import (
    QFont,
    QResizeEvent,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from app.shell.palette import READING_WIDTH, FontSize, Space
from app.shell.theme import MONO_FAMILY, Theme, set_role

_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
_HEADING_SIZES = {1: 1.3, 2: 1.2, 3: 1.1}
_MOST_MARKDOWN = 50_000
"""Characters above which a text is shown as it is: rendering would be felt."""


class ReadingText(QTextBrowser):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "reading")
        self._theme = theme
        self._text = ""
        self._raw = False
        self._live = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDocumentMargin(0)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    @property
    def text(self) -> str:
        """What is shown, as it was given."""
        return self._text

    def show_text(self, text: str) -> None:
        """A finished text."""
        if text == self._text and not self._live:
            return
        self._text, self._live = text, False
        self._render()
        self.verticalScrollBar().setValue(0)

    def show_live(self, text: str) -> None:
        """A text that is still being written; only what is new is added."""
        if self._live and text.startswith(self._text):
            self._append(text[len(self._text) :])
        else:
            self.setPlainText(text)
        self._text, self._live = text, True

    def set_raw(self, raw: bool) -> None:
        """The text as it was written, or with its Markdown rendered."""
        if raw != self._raw:
            self._raw = raw
            self._render()

    def loadResource(self, kind: int, name: QUrl | str) -> Any:  # noqa: ARG002
        """Nothing is ever loaded, from the disk or from anywhere else."""
        return None

    def resizeEvent(self, event: QResizeEvent) -> None:
        spare = max(0, event.size().width() + self.viewportMargins().right() - self._theme.px(READING_WIDTH))
        if spare != self.viewportMargins().right():
            self.setViewportMargins(0, 0, spare, 0)
        super().resizeEvent(event)

    def _append(self, piece: str) -> None:
        if not piece:
            return
        bar = self.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(piece)
        if at_end:
            bar.setValue(bar.maximum())

    def _render(self) -> None:
        if self._raw or self._live or len(self._text) > _MOST_MARKDOWN:
            self.setPlainText(self._text)
            return
        self.document().setMarkdown(self._text, _FEATURES)
        _dress(self.document(), self._theme)

    def _on_theme_changed(self) -> None:
        font = self._theme.font(FontSize.READING)
        self.setFont(font)
        self.document().setDefaultFont(font)
        self._render()


def _dress(document: QTextDocument, theme: Theme) -> None:
    """Give what the Markdown reader made the app's own measures and colours."""
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    block = document.begin()
    while block.isValid():
        _dress_block(cursor, block, theme)
        block = block.next()
    cursor.endEditBlock()


def _dress_block(cursor: QTextCursor, block: QTextBlock, theme: Theme) -> None:
    cursor.setPosition(block.position())
    block_format = block.blockFormat()
    level = block_format.headingLevel()
    is_code = block_format.hasProperty(QTextFormat.Property.BlockCodeFence)
    block_format.setLineHeight(135, 1)  # proportional
    if is_code:
        block_format.setBackground(theme.colour("sunken"))
        block_format.setLeftMargin(Space.S)
    elif not block_format.indent():
        block_format.setBottomMargin(Space.S)
    cursor.setBlockFormat(block_format)
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
    if is_code:
        char_format = cursor.charFormat()
        char_format.setFontFamilies([MONO_FAMILY])
        char_format.setProperty(QTextFormat.Property.FontPixelSize, theme.px(FontSize.BODY))
        cursor.mergeCharFormat(char_format)
    elif level:
        char_format = cursor.charFormat()
        char_format.setProperty(
            QTextFormat.Property.FontPixelSize,
            theme.px(round(FontSize.READING * _HEADING_SIZES.get(level, 1.0))),
        )
        char_format.setFontWeight(QFont.Weight.DemiBold)
        cursor.mergeCharFormat(char_format)
