"""A pair's tokens exactly as training takes them, for a person: what is scored, and what was cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from dpo_engine.conversations import Pair
from dpo_engine.errors import BadInput
from dpo_engine.pairs.tokenization import end_of_turn, prompt_ids, response_ids, tokenize_pair
from dpo_engine.preflight import TokenColumns, TokenMark

MOST_SHOWN = 4096
"""Tokens of one text that are named; of a longer one, the first and the last of them."""
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, kw_only=True)
class ExactTokens:
    prompt: TokenColumns
    chosen: TokenColumns
    rejected: TokenColumns
    refused: str = ""
    """Why training leaves the pair out, as a sentence; then every token is marked as cut."""


def exact_tokens(tokenizer: PreTrainedTokenizerBase, pair: Pair, max_length: int) -> ExactTokens:
    """Raises `BadInput` where the template refuses the conversation."""
    end = end_of_turn(tokenizer)
    prompt = prompt_ids(tokenizer, pair.prompt)
    chosen, rejected = (
        response_ids(tokenizer, pair.prompt, prompt, text, end) for text in (pair.chosen, pair.rejected)
    )
    try:
        kept, refused = tokenize_pair(tokenizer, pair, max_length, end), ""
    except BadInput as error:
        kept, refused = None, str(error)
    name = _Names(tokenizer)
    return ExactTokens(
        prompt=name.columns(prompt, _prompt_marks(prompt, kept.prompt if kept else ())),
        chosen=name.columns(chosen, _response_marks(chosen, len(kept.chosen) if kept else 0)),
        rejected=name.columns(rejected, _response_marks(rejected, len(kept.rejected) if kept else 0)),
        refused=refused,
    )


def _prompt_marks(whole: Sequence[int], kept: Sequence[int]) -> list[TokenMark]:
    """A prompt that is too long loses a stretch after what its template puts first."""
    before = 0
    while before < len(kept) and before < len(whole) and whole[before] == kept[before]:
        before += 1
    after = len(whole) - (len(kept) - before)
    return [TokenMark.CUT if before <= place < after else TokenMark(0) for place in range(len(whole))]


def _response_marks(whole: Sequence[int], kept: int) -> list[TokenMark]:
    return [TokenMark.SCORED] * kept + [TokenMark.CUT] * (len(whole) - kept)


class _Names:
    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer: Any = tokenizer
        decoder = getattr(tokenizer, "added_tokens_decoder", {})
        self._special = set(tokenizer.all_special_ids) | {
            number for number, token in decoder.items() if token.special
        }

    def columns(self, ids: Sequence[int], marks: Sequence[TokenMark]) -> TokenColumns:
        gap, left_out = len(ids), max(0, len(ids) - MOST_SHOWN)
        shown = list(zip(ids, marks, strict=True))
        if left_out:
            gap = MOST_SHOWN // 2
            shown = shown[:gap] + shown[gap + left_out :]
        return TokenColumns(
            texts=tuple(self._text(number) for number, _ in shown),
            ids=tuple(number for number, _ in shown),
            marks=tuple(
                int(mark | (TokenMark.SPECIAL if number in self._special else 0)) for number, mark in shown
            ),
            gap=gap,
            left_out=left_out,
        )

    def _text(self, number: int) -> str:
        """As text, or where it is a part of a letter as the tokenizer itself writes it."""
        text = str(self._tokenizer.decode([number]))
        return str(self._tokenizer.convert_ids_to_tokens(number)) if _REPLACEMENT in text else text
