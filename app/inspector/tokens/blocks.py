"""A response's tokens as blocks of text that are laid out one by one, and who wrote which part. Qt-free.

What cannot be seen in a text is shown by a sign: spaces and tabs of a token that is nothing else, line ends,
control characters. Places are counted in UTF-16 units, as Qt counts them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.widgets.unseen import LINE_END, SPACE, signs
from dpo_engine.token_scores.details import TokenDetail

_LINE = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
_JOINER = "\u2060"
_MOST_UNITS, _MOST_COSTLY = 2000, 150
_OVERFULL = 1.2
_COSTLY = re.compile(r"[^\u0000-\u1fff\u2000-\u206f]")
"""Signs that are looked up in several fonts, which takes ten times as long."""


@dataclass(frozen=True)
class Span:
    """Part of a block, in UTF-16 units, and who writes it: one token, or those that share a character."""

    start: int
    end: int
    first: int
    count: int
    sign: bool = False
    """It stands for what cannot be seen."""
    special: bool = False
    """It is no text but a token of the template."""
    spaced: bool = False
    """It begins with a space, as words do."""


@dataclass
class Block:
    """A paragraph, or as much of a very long one as is laid out in a few milliseconds."""

    text: str = ""
    spans: list[Span] = field(default_factory=list)
    units: int = 0
    costly: int = 0

    @property
    def full(self) -> float:
        """1 for as much as should be laid out at once."""
        return max(self.units / _MOST_UNITS, self.costly / _MOST_COSTLY)

    def add(self, text: str, first: int, count: int, *, sign: bool = False, special: bool = False) -> None:
        start, self.units = self.units, self.units + utf16_length(text)
        self.costly += len(_COSTLY.findall(text))
        self.text += text
        self.spans.append(Span(start, self.units, first, count, sign, special, text.startswith(" ")))


def blocks(tokens: Sequence[TokenDetail]) -> Iterator[Block]:
    """In the text's order; every token has at least one span."""
    block, place = Block(), 0
    while place < len(tokens):
        token = tokens[place]
        count = max(1, min(token.pieces - token.piece, len(tokens) - place))
        for text, sign, ends in _parts(token):
            # A long paragraph is broken between words where it has any.
            if block.full >= 1 and (text[:1].isspace() or block.full > _OVERFULL):
                yield block
                block = Block()
            block.add(text, place, count, sign=sign, special=token.special)
            if ends:
                yield block
                block = Block()
        place += count
    if block.spans:
        yield block


def utf16_length(text: str) -> int:
    return len(text) + sum(sign > "\uffff" for sign in text)


def visible(text: str) -> str:
    """On one line, with everything that cannot be seen as a sign."""
    return signs(_LINE.sub(LINE_END, text)).replace(" ", SPACE)


def _parts(token: TokenDetail) -> Iterator[tuple[str, bool, bool]]:
    """The token's text in parts: what to show, whether as a sign, and whether a line ends after it."""
    text, start = token.text, 0
    for found in _LINE.finditer(text):
        if found.start() > start:
            yield *_shown(text[start : found.start()]), False
        yield LINE_END, True, True
        start = found.end()
    if start < len(text) or not text:
        shown, sign = _shown(text[start:])
        # A token of the template stays on one line.
        yield _JOINER.join(shown) if token.special else shown, sign, False


def _shown(text: str) -> tuple[str, bool]:
    if text.strip(" \t"):
        return signs(text), False
    return signs(text).replace(" ", SPACE) or SPACE, True
