"""What each word of a piece of code is, so that it can be coloured. Qt-free.

Only a language that the text names is coloured; none is guessed.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

MOST_COLOURED = 20_000
"""Characters of code above which it stays in one colour."""
_LONGEST_LINE = 2000


def coloured(code: str, language: str) -> Iterator[tuple[str, str]]:
    """Pieces of the code with what they are: keyword, string, number, name, comment, or "" for the rest."""
    lexer = _lexer(language.strip().lower()) if _worth_it(code) else None
    if lexer is None:
        yield code, ""
        return
    left = len(code)
    for kind, piece in lexer.get_tokens(code):
        yield piece[:left], _what(str(kind))
        left -= len(piece)
        if left <= 0:
            return


def is_known(language: str) -> bool:
    return _lexer(language.strip().lower()) is not None


def _worth_it(code: str) -> bool:
    # One line without an end is data rather than code, and a lexer may take long over it.
    return len(code) <= MOST_COLOURED and max(map(len, code.split("\n"))) <= _LONGEST_LINE


@cache
def _lexer(language: str) -> Any:
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _what(kind: str) -> str:
    name = kind.removeprefix("Token.")
    for beginning, what in (
        ("Keyword", "keyword"),
        ("Operator.Word", "keyword"),
        ("Name.Tag", "keyword"),
        ("Literal.String", "string"),
        ("Literal.Number", "number"),
        ("Comment", "comment"),
        ("Name.Function", "name"),
        ("Name.Class", "name"),
        ("Name.Decorator", "name"),
        ("Name.Attribute", "name"),
    ):
        if name.startswith(beginning):
            return what
    return ""
