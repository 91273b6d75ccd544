"""Where in a text the words of a search stand, read as the search reads them. Qt-free."""

import re
import unicodedata
from functools import lru_cache

from app.store.library.search_text import fts_query, spaced

_TERM = re.compile(r'"([^"]*)"(\*?)')
_SIGN_NUMBER = re.compile(r"u([0-9a-f]{4,5})")
_WORD = re.compile(r"[^\W_]+")
_ACCENTS = "[\u0300-\u036f]*"
_SIGNS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2190-\u2bff\u3005-\u319f\u31f0-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U0001f000-\U0001f3fa\U0001f400-\U0003ffff"
)
"""Each a word of its own: no space parts it from its neighbours."""
_LETTER = rf"[^\W_{_SIGNS}]"
_BETWEEN = rf"(?:(?![{_SIGNS}])[\W_])"


def finder(typed: str) -> re.Pattern[str] | None:
    """What finds the words of a search in a `folded` text; None where nothing is searched for."""
    terms = [_phrase(words, begins=bool(star)) for words, star in _TERM.findall(fts_query(typed))]
    # The longest first, or the beginning of a word would be found in its place.
    found = sorted({term for term in terms if term}, key=len, reverse=True)
    return re.compile("|".join(found), re.IGNORECASE) if found else None


def folded(text: str) -> str:
    """The text as long as it was, without accents: a search does not tell é from e."""
    return text if text.isascii() else "".join(map(_base, text))


def _phrase(words: str, *, begins: bool) -> str:
    """The pattern of words that stand next to each other; the last may only begin so."""
    pattern, after_word = "", False
    for part in words.split():
        number = _SIGN_NUMBER.fullmatch(part)
        if number or spaced(part) != part:
            sign = chr(int(number[1], 16)) if number else part
            pattern += (f"{_BETWEEN}*" if pattern else "") + re.escape(sign)
            after_word = False
            continue
        for word in _WORD.findall(folded(part)):
            pattern += (f"{_BETWEEN}{'+' if after_word else '*'}" if pattern else "") + _word(word)
            after_word = True
    return pattern.removesuffix(f"(?!{_LETTER})") if begins else pattern


def _word(word: str) -> str:
    letters = "".join(re.escape(letter) + _ACCENTS for letter in word)
    return f"(?<!{_LETTER}){letters}(?!{_LETTER})"


@lru_cache(4096)
def _base(sign: str) -> str:
    parts = unicodedata.normalize("NFD", sign)
    return parts[0] if parts[0].isascii() and all(map(unicodedata.combining, parts[1:])) else sign
