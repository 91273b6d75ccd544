"""The blocks of a rendered text that are more than a paragraph: code, tables, lists, headings, rules."""

from collections.abc import Iterator, Sequence

from markdown_it.token import Token
from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextList,
    QTextListFormat,
    QTextTable,
    QTextTableFormat,
)

from app.shell.palette import FontSize, Space
from app.widgets.code_colours import coloured, is_known
from app.widgets.markdown_lines import is_overmarked, write_line, write_unread
from app.widgets.math_words import math_words
from app.widgets.paper import LINE_HEIGHT, Look, portions, spacing

FrameFormat = QTextFrameFormat
_HEADINGS = {1: 19, 2: 17}
_PIECES_A_STEP = 100
_MOST_ITEMS = 40
"""Of one list to Qt, which lays out all items of a list when one is added. The next list goes on counting."""
_BULLETS = (
    QTextListFormat.Style.ListDisc,
    QTextListFormat.Style.ListCircle,
    QTextListFormat.Style.ListSquare,
)


class List:
    """One list that is open. `start`: of its numbers; None for bullets."""

    def __init__(self, start: int | None, *, level: int) -> None:
        self.level = level
        self.awaits_item = False
        self._start, self._items = start, 0
        self._list: QTextList | None = None

    def begin_item(self) -> None:
        self.awaits_item = True

    def add(self, cursor: QTextCursor) -> None:
        """Make the cursor's block the next item."""
        self.awaits_item = False
        if self._list is None or self._items % _MOST_ITEMS == 0:
            self._list = cursor.createList(self._form())
        else:
            self._list.add(cursor.block())
        self._items += 1

    def _form(self) -> QTextListFormat:
        form = QTextListFormat()
        form.setIndent(self.level)
        if self._start is None:
            form.setStyle(_BULLETS[min(self.level, len(_BULLETS)) - 1])
        else:
            form.setStyle(QTextListFormat.Style.ListDecimal)
            form.setStart(self._start + self._items)
        return form


def heading(level: int, look: Look, *, first: bool) -> tuple[QTextBlockFormat, QTextCharFormat]:
    font = QFont(look.text)
    font.setPixelSize(round(_HEADINGS.get(level, FontSize.HEADING) * look.scale))
    font.setWeight(QFont.Weight.DemiBold)
    ink = QTextCharFormat()
    ink.setFont(font)
    form = spacing(LINE_HEIGHT, above=0 if first else Space.S, below=Space.S)
    form.setHeadingLevel(level)
    return form, ink


def rule() -> QTextBlockFormat:
    form = spacing(100, above=Space.XS, below=Space.M)
    form.setProperty(
        QTextFormat.Property.BlockTrailingHorizontalRulerWidth.value,
        QTextLength(QTextLength.Type.PercentageLength, 100),
    )
    return form


def shrink(cursor: QTextCursor) -> None:
    """Give the cursor's empty block, which a document keeps beside each frame, no height to speak of."""
    form = QTextBlockFormat()
    form.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
    cursor.setBlockFormat(form)


def well(look: Look, inset: int) -> QTextFrameFormat:
    form = QTextFrameFormat()
    form.setBackground(look.well)
    form.setBorder(0)
    form.setPadding(Space.M)
    form.setLeftMargin(inset)
    form.setTopMargin(Space.XS)
    form.setBottomMargin(Space.M)
    return form


def write_code(cursor: QTextCursor, code: str, info: str, look: Look) -> Iterator[None]:
    """Fill a well. What is named after the fence and is no known language is shown as its first line."""
    lines = spacing(130)
    lines.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    inks = {"": _ink(look, None), **{kind: _ink(look, kind) for kind in look.code}}
    cursor.setBlockFormat(lines)
    cursor.setBlockCharFormat(inks[""])
    language, code = info.strip(), code.removesuffix("\n")
    if language and not is_known(language):
        cursor.insertText(f"{language}\n" if code else language, inks["comment"])
        cursor.setBlockCharFormat(inks[""])
    written = 0
    for piece, kind in coloured(code, language):
        for portion in portions(piece):
            cursor.insertText(portion, inks[kind])
            written += 1
            if written % _PIECES_A_STEP == 0 or len(portion) > _PIECES_A_STEP:
                yield
    yield


def _ink(look: Look, kind: str | None) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setFont(look.mono)
    if kind is not None:
        form.setForeground(look.code[kind])
    return form


def write_formula(cursor: QTextCursor, latex: str, look: Look) -> None:
    words = math_words(latex.strip())
    shown = f"$$\n{latex.strip()}\n$$" if words is None else words
    form = QTextCharFormat()
    if words is None:
        form.setFont(look.mono)
    margin = QTextBlockFormat()
    margin.setTextIndent(0)
    margin.setLeftMargin(cursor.blockFormat().leftMargin() + Space.L)
    cursor.mergeBlockFormat(margin)
    cursor.insertText(shown.replace("\n", "\u2028"), form)


def insert_table(cursor: QTextCursor, tokens: Sequence[Token], look: Look, inset: int) -> QTextTable:
    """A table from its tokens, heading first."""
    rows: list[list[tuple[str, str]]] = []
    style = ""
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            style = str(token.attrs.get("style", ""))
        elif token.type == "inline":
            rows[-1].append((token.content, style))
    table = cursor.insertTable(len(rows), max(map(len, rows)), _table_format(look, inset))
    for row, cells in enumerate(rows):
        heavy = QTextCharFormat()
        if row == 0:
            heavy.setFontWeight(QFont.Weight.DemiBold)
        for column, (content, style) in enumerate(cells):
            inside = table.cellAt(row, column).firstCursorPosition()
            form = spacing(115)
            if side := _side(style):
                form.setAlignment(side)
            inside.setBlockFormat(form)
            if is_overmarked(content):
                write_unread(inside, content, heavy)
            else:
                write_line(inside, content, heavy, look)
    return table


def _side(style: str) -> Qt.AlignmentFlag | None:
    return {
        "text-align:right": Qt.AlignmentFlag.AlignRight,
        "text-align:center": Qt.AlignmentFlag.AlignHCenter,
    }.get(style)


def _table_format(look: Look, inset: int) -> QTextTableFormat:
    form = QTextTableFormat()
    form.setBorder(1)
    form.setBorderCollapse(True)
    form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBorderBrush(look.line)
    form.setCellPadding(Space.XS + 2)
    form.setCellSpacing(0)
    form.setLeftMargin(inset)
    form.setTopMargin(Space.S)
    form.setBottomMargin(Space.M)
    form.setHeaderRowCount(1)
    return form
