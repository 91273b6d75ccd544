"""A line of Markdown as formatted text: emphasis, code, formulas, links with their address."""

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin
from PySide6.QtGui import QFont, QTextCharFormat, QTextCursor

from app.widgets.math_words import math_words
from app.widgets.paper import LINK, Look

_MOST_MARKS, _DENSEST = 400, 0.2
"""More marks, this close together, are no markup that somebody meant, and reading them takes long."""
_MARKS = re.compile(r"[*_~`\[\\$<!&]")
_LONGEST_ADDRESS = 80
_BREAK = "\u2028"
_RIGHT_TO_LEFT = re.compile(
    r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_ISOLATE, _END_ISOLATE = "\u2066", "\u2069"


def parser() -> MarkdownIt:
    """CommonMark with tables, strikethrough and formulas; HTML and link definitions are text."""
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": 60}).enable(["table", "strikethrough"])
    made.disable(["reference", "html_block", "html_inline"])
    texmath_plugin(made, delimiters="brackets")
    dollarmath_plugin(made, allow_space=False, allow_digits=False, double_inline=True)
    return made


def is_overmarked(content: str) -> bool:
    """Whether a text is to be shown as it is because it has more marks than a text would."""
    marks = len(_MARKS.findall(content))
    return marks > _MOST_MARKS and marks > _DENSEST * len(content)


def write_line(cursor: QTextCursor, content: str, ink: QTextCharFormat, look: Look) -> None:
    """Insert the text of one paragraph at the cursor, `ink` being its format without any markup."""
    tokens: list[Token] = []
    lines = _lines()
    lines.inline.parse(content, lines, {}, tokens)
    _Line(cursor, ink, look).write(tokens)


def without_isolates(text: str) -> str:
    """A text as it is copied: what keeps code in order on the screen would be wrong within the code."""
    return text.translate({ord(_ISOLATE): None, ord(_END_ISOLATE): None})


def write_unread(cursor: QTextCursor, content: str, ink: QTextCharFormat) -> None:
    """Insert a text without looking for markup in it."""
    cursor.insertText(content.replace("\n", _BREAK), ink)


@cache
def _lines() -> MarkdownIt:
    return parser()


class _Line:
    def __init__(self, cursor: QTextCursor, ink: QTextCharFormat, look: Look) -> None:
        self._cursor, self._look = cursor, look
        self._inks = [ink]
        self._link: tuple[Token, int] | None = None
        self._isolates = False

    def write(self, tokens: list[Token]) -> None:
        self._isolates = any(_RIGHT_TO_LEFT.search(token.content) for token in tokens)
        for token in tokens:
            match token.type:
                case "text" | "text_special" | "html_inline":
                    self._insert(token.content)
                case "softbreak" | "hardbreak":
                    self._insert(_BREAK)
                case "code_inline":
                    self._insert(self._apart(token.content), self._code())
                case "image":
                    self._insert(self._apart(_as_typed(token)))
                case "link_open":
                    self._open_link(token)
                case "link_close":
                    self._close_link()
                case "strong_open" | "em_open" | "s_open":
                    self._inks.append(_emphasised(self._inks[-1], token.type))
                case "strong_close" | "em_close" | "s_close":
                    self._inks.pop()
                case kind if kind.startswith("math_inline"):
                    self._formula(token)
                case _:
                    self._insert(token.content)

    def _insert(self, text: str, ink: QTextCharFormat | None = None) -> None:
        self._cursor.insertText(text.replace("\n", _BREAK), ink or self._inks[-1])

    def _formula(self, token: Token) -> None:
        words = math_words(token.content)
        if words is None:
            before, after = {"\\(": ("\\(", "\\)"), "\\[": ("\\[", "\\]")}.get(
                token.markup, (token.markup or "$", token.markup or "$")
            )
            self._insert(self._apart(f"{before}{token.content}{after}"))
        else:
            self._insert(self._apart(words.replace("\n", "; ")))

    def _apart(self, text: str) -> str:
        """Code or a formula within words that run from right to left: its own signs keep their order."""
        return f"{_ISOLATE}{text}{_END_ISOLATE}" if self._isolates else text

    def _code(self) -> QTextCharFormat:
        form = QTextCharFormat(self._inks[-1])
        form.setFont(self._look.mono, QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesAll)
        form.setBackground(self._look.well)
        return form

    def _open_link(self, token: Token) -> None:
        form = QTextCharFormat(self._inks[-1])
        form.setFontUnderline(True)
        form.setProperty(LINK, str(token.attrs.get("href", "")))
        self._inks.append(form)
        self._link = (token, self._cursor.position())

    def _close_link(self) -> None:
        form = self._inks.pop()
        if self._link is None:
            return
        token, start = self._link
        self._link = None
        words = _between(self._cursor, start)
        address = str(token.attrs.get("href", ""))
        title = str(token.attrs.get("title", ""))
        if token.markup == "autolink" or words == address:
            return
        shown = address if len(address) <= _LONGEST_ADDRESS else f"{address[:_LONGEST_ADDRESS]}…"
        quiet = QTextCharFormat(self._inks[-1])
        quiet.setForeground(self._look.quiet)
        quiet.setProperty(LINK, form.property(LINK))
        self._insert(f" ({self._apart(shown)}{f' “{title}”' if title else ''})", quiet)


def _between(cursor: QTextCursor, start: int) -> str:
    reader = QTextCursor(cursor)
    reader.setPosition(start, QTextCursor.MoveMode.KeepAnchor)
    return reader.selectedText()


def _emphasised(ink: QTextCharFormat, kind: str) -> QTextCharFormat:
    form = QTextCharFormat(ink)
    match kind:
        case "strong_open":
            form.setFontWeight(QFont.Weight.DemiBold)
        case "em_open":
            form.setFontItalic(True)
        case _:
            form.setFontStrikeOut(True)
    return form


def _as_typed(image: Token) -> str:
    title = image.attrs.get("title", "")
    quoted = f' "{title}"' if title else ""
    return f"![{image.content}]({image.attrs.get('src', '')}{quoted})"
