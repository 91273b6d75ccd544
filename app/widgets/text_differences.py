"""Which words of two texts are not in the other. Qt-free.

The comparison is of words, by the longest sequence that both texts share (Indel distance: words are only
left out or put in).
"""

import re
from dataclasses import dataclass

from rapidfuzz.distance import Indel

MOST_WORDS = 8000
"""In either text; above that nothing is compared. Time and memory grow with the product of both."""
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s\u2066\u2069]")
_SPACE = re.compile(r"[ \t]*")


@dataclass(frozen=True, kw_only=True)
class Differences:
    left: tuple[tuple[int, int], ...]
    """Start and end, in characters, of each stretch of words that only the left text has."""
    right: tuple[tuple[int, int], ...]
    shared: float
    """Share of all words of both that both have, 0 to 1."""


def differences(left: str, right: str) -> Differences | None:
    """None: the texts are too long to compare word by word."""
    left_words, right_words = list(_WORD.finditer(left)), list(_WORD.finditer(right))
    if max(len(left_words), len(right_words)) > MOST_WORDS:
        return None
    only_left: list[tuple[int, int]] = []
    only_right: list[tuple[int, int]] = []
    names = [[word.group().casefold() for word in words] for words in (left_words, right_words)]
    for step in Indel.opcodes(names[0], names[1]):
        if step.tag == "delete":
            only_left.append((left_words[step.src_start].start(), left_words[step.src_end - 1].end()))
        elif step.tag == "insert":
            only_right.append((right_words[step.dest_start].start(), right_words[step.dest_end - 1].end()))
    total = len(left_words) + len(right_words)
    shared = 1 - Indel.normalized_distance(names[0], names[1]) if total else 1.0
    return Differences(left=_joined(only_left, left), right=_joined(only_right, right), shared=shared)


def _joined(stretches: list[tuple[int, int]], text: str) -> tuple[tuple[int, int], ...]:
    """Stretches with nothing but spaces between them as one."""
    joined: list[tuple[int, int]] = []
    for start, end in stretches:
        if joined and _SPACE.fullmatch(text, joined[-1][1], start):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)
