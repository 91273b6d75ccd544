"""Making a prompt fit: old turns go first, then the beginning of the last one; the system turn stays."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from dpo_engine.pairs.tokenization import prompt_ids
from dpo_engine.preferences import Message


@dataclass(frozen=True, kw_only=True)
class FittedPrompt:
    ids: tuple[int, ...]
    cut: bool


def fit_prompt(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Message],
    limit: int,
    whole: Sequence[int] | None = None,
) -> FittedPrompt:
    """The prompt's ids in at most `limit` tokens, or in as few as the template's frame leaves possible.

    What remains is always a conversation that the template could have written: it begins with the system
    turn (or whatever the template puts first) and a user's turn, and ends with the generation prompt.
    `whole`: what `prompt_ids` gives, if it was asked already.
    """
    ids = prompt_ids(tokenizer, messages) if whole is None else list(whole)
    if len(ids) <= limit:
        return FittedPrompt(ids=tuple(ids), cut=False)
    kept = list(messages)
    while (shorter := _without_oldest_exchange(kept)) is not None:
        kept = shorter
        ids = prompt_ids(tokenizer, kept)
        if len(ids) <= limit:
            return FittedPrompt(ids=tuple(ids), cut=True)
    before, after = _frame(tokenizer, kept)
    content = ids[before : len(ids) - after]
    room = max(limit - before - after, 0)
    tail = content[len(content) - room :] if room else []
    return FittedPrompt(ids=(*ids[:before], *tail, *ids[len(ids) - after :]), cut=True)


def _without_oldest_exchange(messages: list[Message]) -> list[Message] | None:
    """Without the first user turn and what follows it up to the next; None when only one is left."""
    users = [place for place, message in enumerate(messages) if message.role == "user"]
    if len(users) < 2:
        return None
    return messages[: users[0]] + messages[users[1] :]


def _frame(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> tuple[int, int]:
    """How many ids stand before and after the content of the only user turn, whatever it says."""
    whole, first, second = (
        prompt_ids(tokenizer, [_saying(message, text) for message in messages])
        for text in (messages[-1].content, "0", "x")
    )
    before = min(_shared_length(first, second), _shared_length(first, whole))
    ends = [ids[before:][::-1] for ids in (whole, first, second)]
    return before, min(_shared_length(ends[1], ends[2]), _shared_length(ends[1], ends[0]))


def _saying(message: Message, text: str) -> Message:
    return Message("user", text) if message.role == "user" else message


def _shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    length = 0
    while length < min(len(first), len(second)) and first[length] == second[length]:
        length += 1
    return length
