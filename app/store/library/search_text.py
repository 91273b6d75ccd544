"""What is a word in full-text search, in texts and in what a person types into a search field. Qt-free.

SQLite takes what stands between spaces and punctuation for a word. Chinese, Japanese, Thai and some others
write no spaces, and pictographs count as punctuation: both are taken as words of one sign each (`spaced`), in
texts and in searches alike, and several in a row are found as they stand.

Words all have to be there, in any order; “quoted words” as they stand; `begin*` matches beginnings, and so
does the last word while it is being typed (from its third letter on). Whatever is typed, the query is valid
(https://www.sqlite.org/fts5.html#full_text_query_syntax).
"""

import re

MOST_TERMS = 24
LONGEST = 1_000
"""Characters of a search that are looked at."""
_LEAST_BEGINNING = 3
"""Letters; shorter beginnings are in too many words to be what is looked for."""

_TERM = re.compile(r'["“„”]([^"“„”]*)["“„”]?(\*?)|([^\s"“„”]+)')
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u312f\u31a0-\u31bf\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_TONES = "\U0001f3fb-\U0001f3ff"
"""Of skin; a pictograph is found whatever its tone."""
_SIGNS = "\u2190-\u23ff\u2500-\u2775\u2794-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
"""Arrows, shapes, dingbats, emoji."""
_ALONE = re.compile(f"([{_UNSPACED}])|[{_SIGNS}]|[{_TONES}]")


def spaced(text: str) -> str:
    """The text with every sign that is a word of its own between spaces; a pictograph by its number."""
    return text if text.isascii() else _ALONE.sub(_apart, text)


def _apart(found: re.Match[str]) -> str:
    sign = found[0]
    if found[1]:
        return f" {sign} "
    # Which pictographs there are depends on SQLite's version; letters and digits are what they are.
    return " " if "\U0001f3fb" <= sign <= "\U0001f3ff" else f" u{ord(sign):x} "


def fts_query(typed: str) -> str:
    """The query for `MATCH`, every term quoted; empty where nothing was typed that could be searched for."""
    text = typed[:LONGEST].replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
    still_typing = bool(text) and not text[-1].isspace()
    terms = []
    for found in _TERM.finditer(text):
        phrase, star, word = found.groups()
        inside = spaced((word if phrase is None else phrase).rstrip("*"))
        if not any(character.isalnum() for character in inside):
            continue
        last = inside.rpartition(" ")[2]
        growing = still_typing and found.end() == len(text) and len(last) >= _LEAST_BEGINNING
        begins = star or (word is not None and (word.endswith("*") or growing))
        terms.append(f'"{inside.strip()}"' + ("*" if begins and last else ""))
    return " ".join(terms[:MOST_TERMS])
