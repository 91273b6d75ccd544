"""Markdown from elsewhere as a document to read: no HTML, no pictures, nothing fetched, no link that acts.

`markdown-it` reads the text, and what it found is written block by block at the end of a document, a
step at a time (`write_markdown` is a generator), so that a long text never keeps a key waiting. Code is
coloured where its language is named, formulas become text, and what cannot be rendered without losing
words is shown as it was typed.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor, QTextDocument, QTextFrame

from app.shell.palette import Space
from app.widgets import markdown_blocks as blocks
from app.widgets.code_colours import is_known
from app.widgets.markdown_lines import is_overmarked, parser, write_line, write_unread
from app.widgets.math_words import math_words
from app.widgets.paper import (
    LINE_HEIGHT,
    InertDocument,
    Look,
    new_document,
    portions,
    shown_as_text,
    spacing,
    write_plain,
)

MOST_MARKDOWN = 50_000
"""Characters above which a text is shown as it is."""
_MOST_CELLS, _MOST_LINES = 400, 3000
_LETTERS = re.compile(r"[^\W_]")
_NUMBERS = re.compile(r"^[ \t>]*(?:[-*+][ \t]+)*\d+[.)](?=\s|$)", re.MULTILINE)
"""The numbers of items, which a list counts by itself."""
_DEEP = re.compile(r"^(?:[ \t]*(?:[>*+-]|\d+[.)])){16}", re.MULTILINE)
_TASK = re.compile(r"\[([ xX])\][ \t]+")
_MARKER = QTextBlockFormat.MarkerType


def markdown_document(text: str, look: Look) -> InertDocument:
    """The text rendered at once."""
    document = new_document(look)
    for _ in write_markdown(document, text, look):
        pass
    return document


def write_markdown(
    document: QTextDocument, text: str, look: Look, *, line_height: int = LINE_HEIGHT
) -> Iterator[None]:
    """Write the text, rendered, from the document's last block on, which is empty.

    Each step takes a few milliseconds. Paragraphs have `line_height` percent.
    """
    text = shown_as_text(text)
    tokens = _tokens(text)
    if tokens is None:
        yield from write_plain(document, text, line_height=line_height)
    else:
        yield from _Writer(document, look, line_height).write(tokens)


def warm_up() -> None:
    """Import what reads code and formulas; on any thread, before the first text needs it."""
    math_words("x^2")
    is_known("python")


def _tokens(text: str) -> list[Token] | None:
    """The blocks of the text with their lines unread; None where blocks would swallow words or take long."""
    if len(text) > MOST_MARKDOWN or text.count("\n") > _MOST_LINES or _DEEP.search(text):
        return None
    tokens = _parser().parse(text)
    wanted = len(_LETTERS.findall(_NUMBERS.sub("", text)))
    kept = sum(len(_LETTERS.findall(token.content + token.info)) for token in tokens if token.content)
    cells = sum(token.type in ("td_open", "th_open") for token in tokens)
    empty = not any(token.content.strip() or token.type == "hr" for token in tokens)
    return None if wanted > kept or cells > _MOST_CELLS or empty else tokens


@cache
def _parser() -> MarkdownIt:
    """Blocks only: `markdown_lines` reads each line when it is written."""
    blocks_only = parser()
    blocks_only.core.ruler.disable(["inline", "text_join"])
    return blocks_only


class _Writer:
    """Writes at the end of a document. `_empty`: the last block is there and not yet used."""

    def __init__(self, document: QTextDocument, look: Look, line_height: int) -> None:
        self._look, self._line_height = look, line_height
        self._cursor = QTextCursor(document)
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        self._empty = True
        self._lists: list[blocks.List] = []
        self._quotes = 0
        self._after_list = False
        self._form = QTextBlockFormat()
        self._ink = QTextCharFormat()

    def write(self, tokens: Sequence[Token]) -> Iterator[None]:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type == "table_open":
                end = next(n for n in range(at, len(tokens)) if tokens[n].type == "table_close")
                self._table(tokens[at:end])
                at = end
                yield
            elif token.type in ("fence", "code_block"):
                yield from self._code(token)
            elif token.type == "inline":
                yield from self._lines(token.content)
            elif token.type.startswith("math_block"):
                self._paragraph()
                blocks.write_formula(self._cursor, token.content, self._look)
                yield
            else:
                self._open_or_close(token)
            at += 1
        if self._empty:
            blocks.shrink(self._cursor)

    def _open_or_close(self, token: Token) -> None:
        match token.type:
            case "paragraph_open":
                self._form = spacing(self._line_height, below=Space.XS if token.hidden else Space.M)
                self._ink = QTextCharFormat()
            case "heading_open":
                self._form, self._ink = blocks.heading(int(token.tag[1:]), self._look, first=self._empty)
            case "bullet_list_open" | "ordered_list_open":
                start = int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None
                self._lists.append(blocks.List(start, level=len(self._lists) + 1))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._after_list = not self._lists
            case "list_item_open":
                self._lists[-1].begin_item()
            case "list_item_close":
                if self._lists[-1].awaits_item:
                    self._form = spacing(self._line_height, below=Space.XS)
                    self._paragraph()
            case "blockquote_open":
                self._quotes += 1
            case "blockquote_close":
                self._quotes -= 1
            case "hr":
                self._form = blocks.rule()
                self._paragraph()
            case _:
                pass

    def _lines(self, content: str) -> Iterator[None]:
        task = _TASK.match(content) if self._lists and self._lists[-1].awaits_item else None
        if task:
            content = content[task.end() :]
            self._form.setMarker(_MARKER.Unchecked if task[1] == " " else _MARKER.Checked)
        form = QTextBlockFormat(self._form)
        parts = list(portions(content))
        unread = any(map(is_overmarked, parts))
        for part in parts:
            self._form = QTextBlockFormat(form)
            self._paragraph()
            ink, line = self._tint(self._ink), part.removesuffix("\n")
            if unread:
                write_unread(self._cursor, line, ink)
            else:
                write_line(self._cursor, line, ink, self._look)
            yield

    def _paragraph(self) -> None:
        """A new block at the end, where the lists and quotes that are open put it."""
        form = self._form
        if self._quotes:
            form.setLeftMargin(self._quotes * Space.L)
        if self._after_list:
            form.setTopMargin(max(form.topMargin(), Space.S))
            self._after_list = False
        item = self._lists[-1] if self._lists else None
        if item is not None and not item.awaits_item:
            form.setIndent(item.level)
        if self._empty:
            self._cursor.setBlockFormat(form)
            self._cursor.setBlockCharFormat(QTextCharFormat())
        else:
            self._cursor.insertBlock(form, QTextCharFormat())
        self._empty = False
        if item is not None and item.awaits_item:
            item.add(self._cursor)

    def _tint(self, ink: QTextCharFormat) -> QTextCharFormat:
        form = QTextCharFormat(ink)
        if self._quotes:
            form.setForeground(self._look.quiet)
        return form

    def _code(self, token: Token) -> Iterator[None]:
        frame = self._frame(blocks.well(self._look, self._inset()))
        yield from blocks.write_code(self._cursor, token.content, token.info, self._look)
        self._leave(frame)

    def _table(self, tokens: Sequence[Token]) -> None:
        self._part_before_a_frame()
        table = blocks.insert_table(self._cursor, tokens, self._look, self._inset())
        self._leave(table)

    def _frame(self, form: blocks.FrameFormat) -> QTextFrame:
        self._part_before_a_frame()
        return self._cursor.insertFrame(form)

    def _part_before_a_frame(self) -> None:
        item = self._lists[-1] if self._lists else None
        if item is not None and item.awaits_item:
            self._form = spacing(self._line_height)
            self._paragraph()
        elif self._empty:
            blocks.shrink(self._cursor)

    def _leave(self, frame: QTextFrame) -> None:
        """A document keeps a block after each frame: the next paragraph's."""
        self._cursor.setPosition(frame.lastPosition() + 1)
        self._cursor.setBlockFormat(QTextBlockFormat())
        self._empty = True
        blocks.shrink(self._cursor)

    def _inset(self) -> int:
        indent = len(self._lists) * self._cursor.document().indentWidth()
        return round(indent) + self._quotes * Space.L
