"""A text as training sees it, token by token: what is scored, what is only read, and what was cut.

Colour says which side is scored, and so does a line below; what was cut is struck out; the template's own
signs stand on a ground of their own. Each token keeps its place whatever direction its script runs in.
"""

import time
from collections.abc import Iterator

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFont, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.widgets.paper import InertDocument, shown_as_text
from app.widgets.unseen import LINE_END, SPACE, signs
from dpo_engine.preflight import TokenColumns, TokenMark

_TURN = 0.008
"""Seconds of writing between two looks at the keyboard."""
_MOST_IN_BLOCK = 100
"""Tokens after which a line ends in any case: what is longer takes long to lay out again."""
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_NOTHING = "∅"


class TokenView(QTextEdit):
    """Read-only; shows a text's tokens under its title, a long one in turns. `colour`: a palette token."""

    def __init__(self, title: str, colour: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "prose")
        self._title, self._colour, self._theme = title, colour, theme
        self._tokens: TokenColumns | None = None
        self._rest: Iterator[None] = iter(())
        self._ticks = QTimer(self, interval=0)
        self._ticks.timeout.connect(self._write)
        self.setReadOnly(True)
        self.setAccessibleName(f"Tokens: {title}")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme.changed.connect(self._render)

    def show_tokens(self, tokens: TokenColumns | None) -> None:
        if tokens is not self._tokens:
            self._tokens = tokens
            self._render()

    def finish(self) -> None:
        """Write at once what is still to be written."""
        for _ in self._rest:
            pass
        self._ticks.stop()

    def _render(self) -> None:
        paper = InertDocument(self)
        paper.setDocumentMargin(0)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAnywhere)
        option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        paper.setDefaultTextOption(option)
        old = self.document()
        self.setDocument(paper)
        if isinstance(old, InertDocument):
            old.deleteLater()
        self._rest = self._written(QTextCursor(paper))
        self._write()

    def _write(self) -> None:
        end = time.perf_counter() + _TURN
        edit = QTextCursor(self.document())
        edit.beginEditBlock()
        over = True
        for _ in self._rest:
            if time.perf_counter() >= end:
                over = False
                break
        edit.endEditBlock()
        if over:
            self._ticks.stop()
        elif not self._ticks.isActive():
            self._ticks.start()

    def _written(self, cursor: QTextCursor) -> Iterator[None]:
        if self._tokens is None:
            return
        heading = QTextBlockFormat()
        heading.setBottomMargin(Space.XS)
        cursor.setBlockFormat(heading)
        cursor.insertText(self._title, self._words(self._colour, strong=True))
        cursor.insertText(f"   {_counts(self._tokens)}", self._words("faint"))
        body = QTextBlockFormat()
        body.setLineHeight(150, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.insertBlock(body)
        yield from self._tokens_of(cursor, self._tokens, self._colour, body)

    def _tokens_of(
        self, cursor: QTextCursor, columns: TokenColumns, colour: str, body: QTextBlockFormat
    ) -> Iterator[None]:
        forms = {
            (mark, odd): self._form(TokenMark(mark), colour, odd=odd)
            for mark in range(8)
            for odd in (False, True)
        }
        in_block = 0
        for number, (text, token_id, mark) in enumerate(columns):
            if columns.left_out and number == columns.gap:
                cursor.insertText(f"  … {columns.left_out:,} tokens not shown …  ", self._words("faint"))
            form = QTextCharFormat(forms[int(mark), number % 2 == 1])
            form.setToolTip(_tip(token_id, mark))
            cursor.insertText(f"{_ISOLATE}{visible(text)}{_END_ISOLATE}", form)
            in_block += 1
            if text.endswith("\n") or in_block >= _MOST_IN_BLOCK:
                cursor.insertBlock(body)
                in_block = 0
            yield

    def _form(self, mark: TokenMark, colour: str, *, odd: bool) -> QTextCharFormat:
        form = QTextCharFormat()
        mono = self._theme.font(FontSize.BODY, mono=True)
        mono.setFeature(QFont.Tag("calt"), 0)  # sign by sign, without ligatures
        form.setFont(mono)
        theme = self._theme
        if mark & TokenMark.CUT:
            form.setFontStrikeOut(True)
            form.setForeground(theme.colour("faint"))
        elif mark & TokenMark.SCORED:
            form.setForeground(theme.colour(colour))
            form.setFontUnderline(True)
        else:
            form.setForeground(theme.colour("secondary"))
        if mark & TokenMark.SPECIAL:
            form.setBackground(theme.colour("accent_soft"))
            form.setFontWeight(500)
        elif odd:
            form.setBackground(theme.colour("sunken"))
        return form

    def _words(self, colour: str, *, strong: bool = False) -> QTextCharFormat:
        form = QTextCharFormat()
        form.setFont(self._theme.font(FontSize.BODY, weight=600 if strong else 400))
        form.setForeground(self._theme.colour(colour))
        return form


def visible(text: str) -> str:
    """A token so that nothing in it is unseen, not even that it is empty."""
    return shown_as_text(signs(text.replace("\n", LINE_END)).replace(" ", SPACE)) or _NOTHING


def _counts(columns: TokenColumns) -> str:
    marks = [mark for _, _, mark in columns]
    scored = sum(bool(mark & TokenMark.SCORED) for mark in marks)
    cut = sum(bool(mark & TokenMark.CUT) for mark in marks)
    said = [f"{len(columns):,} tokens" if len(columns) != 1 else "1 token"]
    if columns.left_out:
        return said[0]
    if scored == len(marks):
        return f"{said[0]}, all scored"
    if scored:
        said.append(f"{scored:,} scored")
    if cut:
        said.append(f"{cut:,} cut")
    return " · ".join(said)


def _tip(token_id: int, mark: TokenMark) -> str:
    said = [f"token {token_id}"]
    if mark & TokenMark.SPECIAL:
        said.append("special")
    said.append(
        "cut" if mark & TokenMark.CUT else "scored" if mark & TokenMark.SCORED else "read, not scored"
    )
    return ", ".join(said)
