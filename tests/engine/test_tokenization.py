"""What is scored, token by token, for templates of every kind."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_engine.errors import BadInput, ModelUnusable
from dpo_engine.pairs.tokenization import (
    end_of_turn,
    ensure_chat_template,
    prompt_ids,
    response_ids,
    tokenize_pair,
    tokenize_pairs,
)
from dpo_engine.pairs.truncation import fit_prompt
from dpo_engine.preferences import Message, Pair
from tests.helpers.tiny_model import CHATML_TEMPLATE, byte_tokenizer

SYSTEM = Message("system", "Be kind.")
USER = Message("user", "Hi")
EARLIER = [Message("user", "One?"), Message("assistant", "Two."), Message("user", "Three?")]

# The turn's end is written, then the text's end after it; only the turn's end is the policy's to produce.
TWO_ENDS = CHATML_TEMPLATE + "{% if not add_generation_prompt %}{{ eos_token }}{% endif %}"
# Like templates that strip the reasoning of all turns but the last: earlier turns change when one is added.
REWRITES = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{{ m['content'] if loop.last else m['content'] | upper }}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TRIMS = CHATML_TEMPLATE.replace("message['content']", "message['content'] | trim")
WITH_BOS = "{{ bos_token }}" + CHATML_TEMPLATE
TWICE_BOS = "{{ bos_token }}{{ bos_token }}" + CHATML_TEMPLATE
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    + CHATML_TEMPLATE
)


def scored(tokenizer: Any, response: str, *messages: Message) -> str:
    """The text of the scored tokens."""
    prompt = prompt_ids(tokenizer, messages or [USER])
    ids = response_ids(tokenizer, messages or [USER], prompt, response, end_of_turn(tokenizer))
    return str(tokenizer.decode(ids))


def pair(prompt: list[Message], chosen: str = "yes", rejected: str = "no") -> Pair:
    return Pair(id="p", prompt=tuple(prompt), chosen=chosen, rejected=rejected)


def test_the_prompt_ends_with_the_generation_prompt() -> None:
    tokenizer = byte_tokenizer()
    assert tokenizer.decode(prompt_ids(tokenizer, [SYSTEM, USER])) == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("template", [CHATML_TEMPLATE, TWO_ENDS, REWRITES, WITH_BOS, TWICE_BOS])
@pytest.mark.parametrize("response", ["Hé!", "", "\n\n leading", "two\nlines\n"])
def test_scored_is_the_response_and_the_end_of_turn(template: str, response: str) -> None:
    """No newline after the end, though the templates write one, and the end just once."""
    assert scored(byte_tokenizer(template), response) == response + "<|im_end|>"
    assert scored(byte_tokenizer(template), response, *EARLIER) == response + "<|im_end|>"


def test_a_template_that_trims_is_taken_at_its_word() -> None:
    assert scored(byte_tokenizer(TRIMS), " Hi. ") == "Hi.<|im_end|>"


def test_end_token_inside_a_response_does_not_cut_it_short() -> None:
    assert scored(byte_tokenizer(), "a<|im_end|>b") == "a<|im_end|>b<|im_end|>"


def test_prompt_and_response_are_the_template_s_own_rendering() -> None:
    tokenizer = byte_tokenizer()
    prompt = prompt_ids(tokenizer, [USER])
    whole = [*prompt, *response_ids(tokenizer, [USER], prompt, "Hi", end_of_turn(tokenizer))]
    rendered = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>"
    assert whole == tokenizer(rendered, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(
    ("template", "adds_bos", "count"),
    [
        (CHATML_TEMPLATE, False, 0),
        (CHATML_TEMPLATE, True, 0),
        (WITH_BOS, False, 1),
        (WITH_BOS, True, 1),
        (TWICE_BOS, True, 1),
    ],
)
def test_never_two_bos(template: str, adds_bos: bool, count: int) -> None:
    tokenizer = byte_tokenizer(template, adds_bos=adds_bos)
    ids = prompt_ids(tokenizer, [USER])
    assert ids.count(tokenizer.bos_token_id) == count
    assert (
        response_ids(tokenizer, [USER], ids, "a", end_of_turn(tokenizer)).count(tokenizer.bos_token_id) == 0
    )


@pytest.mark.parametrize(("adds_bos", "begins"), [(False, ""), (True, "<|begin|>")])
def test_a_base_model_gets_a_plain_template_and_a_note(adds_bos: bool, begins: str) -> None:
    tokenizer = byte_tokenizer(None, adds_bos=adds_bos)
    note = ensure_chat_template(tokenizer)
    assert note is not None and "no chat template" in note
    assert tokenizer.decode(prompt_ids(tokenizer, [SYSTEM, *EARLIER])) == (
        begins
        + "System:\nBe kind.\n\nUser:\nOne?\n\nAssistant:\nTwo.<|im_end|>\n\nUser:\nThree?\n\nAssistant:\n"
    )
    assert scored(tokenizer, "Four.", *EARLIER) == "Four.<|im_end|>"
    assert ensure_chat_template(tokenizer) is None


def test_a_model_s_own_template_stays() -> None:
    tokenizer = byte_tokenizer()
    assert ensure_chat_template(tokenizer) is None
    assert tokenizer.chat_template == CHATML_TEMPLATE


def test_a_tokenizer_without_any_end_is_unusable() -> None:
    tokenizer = byte_tokenizer("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    tokenizer.eos_token = None
    tokenizer.pad_token = None
    with pytest.raises(ModelUnusable, match="no end-of-turn token"):
        end_of_turn(tokenizer)


def test_a_conversation_that_the_template_refuses_is_a_sentence() -> None:
    tokenizer = byte_tokenizer(NO_SYSTEM)
    with pytest.raises(BadInput, match=r"Pair p cannot be used: .*no system role"):
        tokenize_pair(tokenizer, pair([SYSTEM, USER]), 100, end_of_turn(tokenizer))


def decoded(tokenizer: Any, one: Pair, max_length: int) -> tuple[str, str, str, tuple[bool, bool, bool]]:
    cut = tokenize_pair(tokenizer, one, max_length, end_of_turn(tokenizer))
    assert len(cut.prompt) + max(len(cut.chosen), len(cut.rejected)) <= max_length
    texts = (str(tokenizer.decode(ids)) for ids in (cut.prompt, cut.chosen, cut.rejected))
    return (*texts, (cut.prompt_cut, cut.chosen_cut, cut.rejected_cut))  # type: ignore[return-value]


def test_nothing_is_cut_that_fits_exactly() -> None:
    tokenizer = byte_tokenizer()
    length = len(prompt_ids(tokenizer, EARLIER)) + len("yes") + 1
    *_, cuts = decoded(tokenizer, pair(EARLIER), length)
    assert cuts == (False, False, False)
    *_, cuts = decoded(tokenizer, pair(EARLIER), length - 1)
    assert cuts == (True, False, False)


def test_old_turns_go_first_and_the_system_turn_stays() -> None:
    prompt, chosen, rejected, cuts = decoded(byte_tokenizer(), pair([SYSTEM, *EARLIER]), 60)
    assert prompt == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nThree?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert (chosen, rejected, cuts) == ("yes<|im_end|>", "no<|im_end|>", (True, False, False))


def test_then_the_last_turn_loses_its_beginning() -> None:
    question = [SYSTEM, Message("user", "abcdefghij")]
    frame = len(prompt_ids(byte_tokenizer(), question)) - 10
    prompt, chosen, _, cuts = decoded(byte_tokenizer(), pair(question), frame + 3 + 4)
    assert prompt == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nhij<|im_end|>\n<|im_start|>assistant\n"
    )
    assert (chosen, cuts) == ("yes<|im_end|>", (True, False, False))


def test_then_a_response_loses_its_end_with_the_end_token() -> None:
    frame = len(prompt_ids(byte_tokenizer(), [Message("user", "")]))
    prompt, chosen, rejected, cuts = decoded(byte_tokenizer(), pair([USER], chosen="abcdefgh"), frame + 5)
    assert prompt == "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n"
    assert (chosen, rejected, cuts) == ("abcde", "no<|im_end|>", (True, True, False))


def test_a_pair_with_nothing_left_to_score_is_refused_by_name() -> None:
    tokenizer = byte_tokenizer()
    fine, hopeless = pair([USER]), pair([Message("system", "x" * 100), USER])
    tokenized, refused = tokenize_pairs(tokenizer, [fine, hopeless, fine], 60)
    assert len(tokenized) == 2
    assert len(refused) == 1 and "Pair p cannot be used" in refused[0] and "Raise max_length" in refused[0]


TEXT = st.text(max_size=30)


@given(
    system=st.none() | TEXT,
    turns=st.lists(TEXT, min_size=1, max_size=4),
    chosen=TEXT,
    rejected=TEXT,
    max_length=st.integers(8, 200),
)
def test_any_conversation_fits_or_is_refused(
    system: str | None, turns: list[str], chosen: str, rejected: str, max_length: int
) -> None:
    messages = [Message("system", system)] if system is not None else []
    for turn in turns:
        messages += [Message("user", turn), Message("assistant", "ok")]
    tokenizer = _TOKENIZER
    try:
        one = tokenize_pair(
            tokenizer, pair(messages[:-1], chosen, rejected), max_length, end_of_turn(tokenizer)
        )
    except BadInput:
        return
    assert one.chosen and one.rejected
    assert len(one.prompt) + max(len(one.chosen), len(one.rejected)) <= max_length
    assert one.chosen_cut == (one.chosen[-1] != 2)
    assert one.rejected_cut == (one.rejected[-1] != 2)


_TOKENIZER = byte_tokenizer()


def test_a_prompt_alone_can_be_fitted() -> None:
    tokenizer = byte_tokenizer()
    fitted = fit_prompt(tokenizer, [SYSTEM, *EARLIER], 60)
    assert fitted.cut and len(fitted.ids) <= 60
    assert fit_prompt(tokenizer, [USER], 60).cut is False


@pytest.mark.starter
def test_the_starter_s_own_template(starter_model: Path) -> None:
    """Its bos is `<|im_start|>`, its pad is its end of turn, and it writes a system turn of its own."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(starter_model)
    end = end_of_turn(tokenizer)
    assert end.id == tokenizer.pad_token_id == 2
    assert scored(tokenizer, "Paris.") == "Paris.<|im_end|>"
    cut = tokenize_pair(tokenizer, pair([Message("user", "word " * 300)], "a", "b"), 64, end)
    text = str(tokenizer.decode(cut.prompt))
    assert len(cut.prompt) == 62 and text.startswith("<|im_start|>system\nYou are a helpful AI assistant")
    assert text.endswith("word <|im_end|>\n<|im_start|>assistant\n")
