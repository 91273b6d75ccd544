"""From what a person types into a search field to a query of SQLite's full-text search. Qt-free.

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


def fts_query(typed: str) -> str:
    """The query for `MATCH`, every term quoted; empty where nothing was typed that could be searched for."""
    text = typed[:LONGEST].replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
    still_typing = bool(text) and not text[-1].isspace()
    terms = []
    for found in _TERM.finditer(text):
        phrase, star, word = found.groups()
        inside = word if phrase is None else phrase
        if not any(character.isalnum() for character in inside):
            continue
        growing = still_typing and found.end() == len(text) and len(inside) >= _LEAST_BEGINNING
        begins = word is not None and (word.endswith("*") or growing)
        terms.append(f'"{inside.rstrip("*")}"' + ("*" if begins or star else ""))
    return " ".join(terms[:MOST_TERMS])
