"""A pair's tokens as they are shown are those that training takes."""

import pytest

from dpo_engine.errors import BadInput
from dpo_engine.pairs import exact_tokens as module
from dpo_engine.pairs.exact_tokens import exact_tokens
from dpo_engine.pairs.tokenization import end_of_turn, tokenize_pair
from dpo_engine.preferences import Message, Pair
from dpo_engine.preflight import TokenColumns, TokenMark
from tests.helpers.tiny_model import END_OF_TURN, byte_tokenizer

TURNS = (
    Message("system", "Be brief"),
    Message("user", "First question"),
    Message("assistant", "First answer"),
    Message("user", "Last question"),
)


def pair(**changes: object) -> Pair:
    said: dict[str, object] = {"id": "a", "prompt": TURNS, "chosen": "yes é", "rejected": "no no no no"}
    return Pair(**(said | changes))  # type: ignore[arg-type]


def kept(columns: TokenColumns) -> tuple[int, ...]:
    return tuple(number for _, number, mark in columns if not mark & TokenMark.CUT)


@pytest.mark.parametrize("max_length", [1000, 110, 90, 72, 60])
def test_what_is_not_cut_is_what_is_trained_on(max_length: int) -> None:
    tokenizer = byte_tokenizer()
    shown = exact_tokens(tokenizer, pair(), max_length)
    trained = tokenize_pair(tokenizer, pair(), max_length, end_of_turn(tokenizer))
    assert kept(shown.prompt) == trained.prompt
    assert kept(shown.chosen) == trained.chosen
    assert kept(shown.rejected) == trained.rejected
    assert not shown.refused
    assert (len(kept(shown.prompt)) < len(shown.prompt)) == trained.prompt_cut


def test_what_is_scored_is_each_kept_token_of_a_response_and_none_of_the_prompt() -> None:
    shown = exact_tokens(byte_tokenizer(), pair(), 1000)
    assert not any(mark & TokenMark.SCORED for _, _, mark in shown.prompt)
    assert all(mark & TokenMark.SCORED for _, _, mark in shown.chosen)
    text, _, last = list(shown.chosen)[-1]
    assert text == END_OF_TURN and last == TokenMark.SCORED | TokenMark.SPECIAL


def test_half_a_letter_is_shown_as_the_tokenizer_writes_it() -> None:
    texts = exact_tokens(byte_tokenizer(), pair(), 1000).chosen.texts
    assert len(texts) == len("yes ") + 2 + 1
    assert all(text and "\ufffd" not in text for text in texts)


def test_a_pair_that_cannot_be_used_says_why_and_is_cut_as_a_whole() -> None:
    shown = exact_tokens(byte_tokenizer(), pair(), 8)
    assert "cannot be used" in shown.refused
    assert all(mark & TokenMark.CUT for _, _, mark in (*shown.prompt, *shown.chosen, *shown.rejected))


def test_of_a_very_long_text_the_ends_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SHOWN", 10)
    shown = exact_tokens(byte_tokenizer(), pair(chosen="abcdefghijklmnopqrstuvwxyz"), 1000).chosen
    assert shown.texts == (*"abcde", *"wxyz", END_OF_TURN)
    assert (shown.gap, shown.left_out, len(shown)) == (5, 17, 27)


def test_a_conversation_that_the_template_refuses_is_a_sentence() -> None:
    tokenizer = byte_tokenizer("{{ raise_exception('No system turn') }}")
    tokenizer.chat_template = "{{ raise_exception('no') }}"
    with pytest.raises(BadInput, match="refuses this conversation"):
        exact_tokens(tokenizer, pair(), 100)
