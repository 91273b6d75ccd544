"""From a conversation to token ids: what the policy is shown and what it is scored on.

Prompt ids are the chat template's rendering with the generation prompt. Response ids are what the policy
itself would have to produce after them: the response's tokens and the end-of-turn token, but not a newline
that the template adds after it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from dpo_engine.errors import BadInput, ModelUnusable
from dpo_engine.preferences import Message, Pair, Split

DEFAULT_CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ message['role'] | capitalize + ':\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}"
    "{{ '\n\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:\n' }}{% endif %}"
)
"""Plain text with a name before each turn, for base models, which have no template of their own."""

_MARK = "RESPONSE"


@dataclass(frozen=True, kw_only=True)
class TokenizedPair:
    """A pair as token ids. `chosen` and `rejected` are scored from their first id to their last."""

    id: str
    split: Split
    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]
    prompt_cut: bool = False
    chosen_cut: bool = False
    rejected_cut: bool = False

    @property
    def truncated(self) -> bool:
        return self.prompt_cut or self.chosen_cut or self.rejected_cut

    @property
    def tokens(self) -> int:
        """Tokens of both sequences, the prompt counted twice (as TRL counts them)."""
        return 2 * len(self.prompt) + len(self.chosen) + len(self.rejected)


@dataclass(frozen=True, kw_only=True)
class EndOfTurn:
    """The ids after a response: all that the template writes, and those that the policy has to produce."""

    written: tuple[int, ...]
    produced: tuple[int, ...]

    @property
    def id(self) -> int:
        """The token that ends the turn."""
        return self.produced[-1]


def ensure_chat_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Give a tokenizer without a chat template the default one; a sentence that says so, else None."""
    if tokenizer.chat_template:
        return None
    begins = "{{ bos_token }}" if _adds_bos(tokenizer) else ""
    tokenizer.chat_template = begins + DEFAULT_CHAT_TEMPLATE
    return (
        "This model has no chat template, so a plain one is used (each turn after the name of who speaks). "
        "Base models can be trained this way; chat models should come with their own."
    )


def prompt_ids(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> list[int]:
    """The ids that the policy continues. Raises `BadInput` where the template refuses the conversation."""
    return _render(tokenizer, messages, generation_prompt=True)


def response_ids(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Message],
    prompt: Sequence[int],
    response: str,
    end: EndOfTurn,
) -> list[int]:
    """The ids that the policy would have to produce to say `response`, up to and with its end of turn.

    `prompt` is what `prompt_ids` gives for `messages`, `end` what `end_of_turn` gives. Where the template's
    rendering of the whole conversation does not begin with `prompt` (it rewrites earlier turns, or a token
    spans the boundary), the response is tokenized by itself.
    """
    whole = _render(tokenizer, [*messages, Message("assistant", response)], generation_prompt=False)
    last = len(whole) - len(end.written)
    if whole[: len(prompt)] == list(prompt) and len(prompt) <= last and whole[last:] == list(end.written):
        return [*whole[len(prompt) : last], *end.produced]
    return [*tokenizer(response, add_special_tokens=False)["input_ids"], *end.produced]


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> EndOfTurn:
    """What follows a response: up to the first special token that the template writes, else the end token.

    Raises `ModelUnusable` when there is neither: such a policy could never end a response.
    """
    conversation = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _MARK}]
    try:
        text = str(tokenizer.apply_chat_template(conversation, tokenize=False))
    except TemplateError:
        text = _MARK
    written = tuple(tokenizer(text.rpartition(_MARK)[2], add_special_tokens=False)["input_ids"])
    special = special_ids(tokenizer)
    for place, token in enumerate(written):
        if token in special:
            return EndOfTurn(written=written, produced=written[: place + 1])
    if tokenizer.eos_token_id is None:
        raise ModelUnusable("This model's tokenizer has no end-of-turn token, so a response could never end.")
    return EndOfTurn(written=written, produced=(int(tokenizer.eos_token_id),))


def end_of_turn_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token with which the policy ends a response; errors as for `end_of_turn`."""
    return end_of_turn(tokenizer).id


def tokenize_pairs(
    tokenizer: PreTrainedTokenizerBase, pairs: Iterable[Pair], max_length: int
) -> tuple[list[TokenizedPair], list[str]]:
    """Every pair that can be scored, in order, and for each other one a sentence that names it."""
    end = end_of_turn(tokenizer)
    tokenized: list[TokenizedPair] = []
    refused: list[str] = []
    for pair in pairs:
        try:
            tokenized.append(tokenize_pair(tokenizer, pair, max_length, end))
        except BadInput as error:
            refused.append(str(error))
    return tokenized, refused


def tokenize_pair(
    tokenizer: PreTrainedTokenizerBase, pair: Pair, max_length: int, end: EndOfTurn
) -> TokenizedPair:
    """A pair as ids, at most `max_length` a side: first the prompt loses its start, then a response its end.

    Both sides keep the same prompt. Raises `BadInput`, naming the pair, where the template refuses it or
    nothing of a response would be left to score.
    """
    from dpo_engine.pairs.truncation import fit_prompt

    try:
        whole = prompt_ids(tokenizer, pair.prompt)
        chosen = response_ids(tokenizer, pair.prompt, whole, pair.chosen, end)
        rejected = response_ids(tokenizer, pair.prompt, whole, pair.rejected, end)
        prompt = fit_prompt(tokenizer, pair.prompt, max_length - max(len(chosen), len(rejected)), whole)
    except BadInput as error:
        raise BadInput(f"Pair {pair.id} cannot be used: {error}") from error
    room = max_length - len(prompt.ids)
    if room < 1:
        raise BadInput(
            f"Pair {pair.id} cannot be used: within {max_length} tokens nothing of its responses "
            "would be left to score. Raise max_length."
        )
    return TokenizedPair(
        id=pair.id,
        split=pair.split,
        prompt=tuple(prompt.ids),
        chosen=tuple(chosen[:room]),
        rejected=tuple(rejected[:room]),
        prompt_cut=prompt.cut,
        chosen_cut=len(chosen) > room,
        rejected_cut=len(rejected) > room,
    )


def rendered(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> str:
    """The text that `prompt_ids` gives the ids of. Raises `BadInput` as that does."""
    conversation = [{"role": message.role, "content": message.content} for message in messages]
    with _template_errors():
        return str(tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False))


@contextmanager
def _template_errors() -> Iterator[None]:
    try:
        yield
    except TemplateError as error:
        raise BadInput(f"The model's chat template refuses this conversation ({error}).") from error


def _render(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, generation_prompt: bool
) -> list[int]:
    conversation = [{"role": message.role, "content": message.content} for message in messages]
    with _template_errors():
        ids: Any = tokenizer.apply_chat_template(
            conversation, add_generation_prompt=generation_prompt, tokenize=True, return_dict=False
        )
    return _with_one_bos(tokenizer, [int(token) for token in ids])


def _with_one_bos(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[int]:
    bos = tokenizer.bos_token_id
    while bos is not None and len(ids) > 1 and ids[0] == ids[1] == bos:
        ids = ids[1:]
    return ids


def _adds_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    ids = tokenizer("a")["input_ids"]
    return tokenizer.bos_token_id is not None and bool(ids) and ids[0] == tokenizer.bos_token_id


def special_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Tokens that are no text; not every added one that is marked so is also among `all_special_ids`."""
    decoder = getattr(tokenizer, "added_tokens_decoder", {})
    return {*tokenizer.all_special_ids, *(number for number, token in decoder.items() if token.special)}
