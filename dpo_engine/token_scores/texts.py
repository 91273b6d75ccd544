"""What each token of a response writes, so that all of them together spell it.

A token by itself may not be text: it can be a part of a character's bytes, or begin with a space that a
decoder drops at the start. So tokens are decoded after those before them, and tokens that only make a
character together share its text.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
_CONTEXT = 4
"""Tokens decoded before the one that is asked for: enough for any decoder to join them."""
_MOST_PIECES = 4
"""A character has at most four bytes in UTF-8."""


class Piece(NamedTuple):
    """The text of a token, or its share (`piece` of `pieces`) in the text of several."""

    text: str
    piece: int = 0
    pieces: int = 1


class TokenTexts:
    """Texts of one tokenizer's tokens; special tokens and spaces are kept as they are."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._alone: dict[int, str] = {}

    def of_response(self, before: Sequence[int], ids: Sequence[int]) -> list[Piece]:
        """One entry a token of `ids`, which follow the tokens `before`."""
        known = [*before[-_CONTEXT:], *ids]
        place, pieces = len(known) - len(ids), list[Piece]()
        broken_until = 0
        while place < len(known):
            # What was no character would take the bytes after it for its own.
            text, count = self._next(
                known[max(broken_until, place - _CONTEXT) : place], known[place : place + _MOST_PIECES]
            )
            if text is None:
                text, broken_until = self.alone(known[place]), place + 1
            pieces += [Piece(text, number, count) for number in range(count)]
            place += count
        return pieces

    def alone(self, token: int) -> str:
        """Its text amid others; bytes that are no whole character as `\\xf0`, one without text by name."""
        if token not in self._alone:
            text = self._after([self._letter], [token]) if self._letter is not None else None
            text = self._decode([token]) if text is None else text
            self._alone[token] = self._name(token) if not text or _INCOMPLETE in text else text
        return self._alone[token]

    def _next(self, before: Sequence[int], ids: Sequence[int]) -> tuple[str | None, int]:
        """The text that begins with `ids` and how many of them write it; None where they are no text."""
        for count in range(1, len(ids) + 1):
            text = self._after(before, ids[:count])
            if text is None:
                break
            if text and _INCOMPLETE not in text:
                return text, count
        return None, 1

    def _after(self, before: Sequence[int], ids: Sequence[int]) -> str | None:
        """What `ids` add to the text of `before`; None where they change it."""
        start, whole = self._decode(before), self._decode([*before, *ids])
        return whole[len(start) :] if whole.startswith(start) else None

    def _decode(self, ids: Sequence[int]) -> str:
        return str(
            self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        )

    @cached_property
    def _letter(self) -> int | None:
        ids = self._tokenizer("a", add_special_tokens=False)["input_ids"]
        return int(ids[-1]) if ids else None

    def _name(self, token: int) -> str:
        """The token's bytes where its name tells them, else its name."""
        name = str(self._tokenizer.convert_ids_to_tokens(token))
        if len(name) == 6 and name.startswith("<0x"):
            return f"\\x{name[3:5].lower()}"
        try:
            spelt = bytes(_BYTES[sign] for sign in name)
        except KeyError:
            return name
        return spelt.decode("utf-8", "backslashreplace")


_BYTES: dict[str, int] = {sign: byte for byte, sign in bytes_to_unicode().items()}
"""How byte-level vocabularies write a byte as a visible sign."""
