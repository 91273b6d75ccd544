"""From one row of a file, in any of the known formats, to a `Pair` or a prompt. Torch-free.

Every function raises `BadInput` with a sentence that says what is wrong with the row; the caller adds
which row it was.

Formats: TRL's preference formats (https://huggingface.co/docs/trl/dataset_formats), hh-rlhf transcripts
(https://huggingface.co/datasets/Anthropic/hh-rlhf), UltraFeedback with scored completions
(https://huggingface.co/datasets/openbmb/UltraFeedback) and its binarized forms.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from dpo_engine.conversations import Message, Pair, Role, Split
from dpo_engine.errors import BadInput
from dpo_engine.pairs.row_files import NumberedRow, Unreadable

Conversation = tuple[Message, ...]

MAX_TEXT_CHARACTERS = 1_000_000
MAX_MESSAGES = 1_000
MAX_ID_CHARACTERS = 200

_ROLES = frozenset(get_args(Role))
_HH_TURN = re.compile(r"(?:\A|\n\n)(Human|Assistant):")
_HH_ROLES: Mapping[str, Role] = {"Human": "user", "Assistant": "assistant"}


def pair_of_row(numbered: NumberedRow) -> Pair:
    """The preference pair of a row; its `id`, `split` and `strength` are taken where they are valid."""
    row = _as_mapping(numbered.value)
    prompt, chosen, rejected = _sides(row)
    if not prompt or prompt[-1].role != "user":
        raise BadInput("Its prompt does not end with a user's turn.")
    for side, text in (("chosen", chosen), ("rejected", rejected)):
        if not text.strip():
            raise BadInput(f"Its {side} response is empty.")
    if chosen == rejected:
        raise BadInput("Its chosen and rejected responses are the same.")
    return Pair(
        id=_id(row.get("id"), numbered.line),
        prompt=prompt,
        chosen=chosen,
        rejected=rejected,
        split=_split(row.get("split")),
        strength=_strength(row.get("strength")),
    )


def prompt_of_row(numbered: NumberedRow) -> Conversation:
    """A row's prompt: plain text, a `prompt`, `messages` up to the last user turn, or a pair's prompt."""
    if isinstance(numbered.value, str):
        return _ending_with_user((Message("user", _bounded(numbered.value, "prompt")),))
    row = _as_mapping(numbered.value)
    if row.get("prompt") is not None:
        return _ending_with_user(_conversation_or_text(row["prompt"], "prompt"))
    if isinstance(row.get("messages"), Sequence):
        messages = _conversation(row["messages"], "messages")
        while messages and messages[-1].role == "assistant":
            messages = messages[:-1]
        return _ending_with_user(messages)
    if isinstance(row.get("instruction"), str):
        return _ending_with_user((Message("user", _bounded(row["instruction"], "instruction")),))
    if "chosen" in row:
        return _ending_with_user(_sides(row)[0])
    raise BadInput("It has no prompt.")


def _sides(row: Mapping[str, Any]) -> tuple[Conversation, str, str]:
    """Prompt, chosen and rejected, whichever format the row is in."""
    if "completions" in row and "chosen" not in row:
        return _ultrafeedback(row)
    if isinstance(row.get("instruction"), str) and isinstance(row.get("chosen_response"), str):
        asked = (Message("user", _bounded(row["instruction"], "instruction")),)
        return asked, _text(row, "chosen_response"), _text(row, "rejected_response")
    for side in ("chosen", "rejected"):
        if row.get(side) is None:
            raise BadInput(f"It has no {side} response.")
    chosen, rejected, prompt = row["chosen"], row["rejected"], row.get("prompt")
    if isinstance(chosen, str) and isinstance(rejected, str):
        if prompt is not None:
            return _explicit_text(prompt, _bounded(chosen, "chosen"), _bounded(rejected, "rejected"))
        return _implicit_text(_bounded(chosen, "chosen"), _bounded(rejected, "rejected"))
    if isinstance(chosen, list) and isinstance(rejected, list):
        return _conversational(prompt, _conversation(chosen, "chosen"), _conversation(rejected, "rejected"))
    raise BadInput("Its chosen and rejected must both be texts or both be lists of messages.")


def _explicit_text(prompt: Any, chosen: str, rejected: str) -> tuple[Conversation, str, str]:
    conversation = _conversation_or_text(prompt, "prompt")
    if isinstance(prompt, str) and _is_transcript(prompt):
        return conversation, chosen.strip(), rejected.strip()
    return conversation, chosen, rejected


def _implicit_text(chosen: str, rejected: str) -> tuple[Conversation, str, str]:
    if _is_transcript(chosen) and _is_transcript(rejected):
        return _split_off_last_turn(_transcript(chosen), _transcript(rejected))
    shared = _shared_words(chosen, rejected)
    if not shared.strip():
        raise BadInput("Its two texts share no beginning that could be the prompt.")
    prompt = (Message("user", shared.strip()),)
    return prompt, chosen[len(shared) :], rejected[len(shared) :]


def _shared_words(first: str, second: str) -> str:
    """The longest common beginning that ends between two words."""
    length = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        length += 1
    while length and not first[length - 1].isspace():
        length -= 1
    return first[:length]


def _conversational(
    prompt: Any, chosen: Conversation, rejected: Conversation
) -> tuple[Conversation, str, str]:
    if prompt is None or len(chosen) > 1:
        return _split_off_last_turn(chosen, rejected)
    conversation = _conversation_or_text(prompt, "prompt")
    return _split_off_last_turn((*conversation, *chosen), (*conversation, *rejected))


def _split_off_last_turn(chosen: Conversation, rejected: Conversation) -> tuple[Conversation, str, str]:
    """Two conversations that share all but the assistant's last turn."""
    if not chosen or not rejected or chosen[-1].role != "assistant" or rejected[-1].role != "assistant":
        raise BadInput("Its conversations do not both end with an assistant's turn.")
    if chosen[:-1] != rejected[:-1]:
        raise BadInput("Its two conversations do not share their prompt.")
    return chosen[:-1], chosen[-1].content, rejected[-1].content


def _ultrafeedback(row: Mapping[str, Any]) -> tuple[Conversation, str, str]:
    """The best- and the worst-rated completion of an instruction, by `overall_score`."""
    completions = row["completions"]
    if not isinstance(completions, Sequence) or len(completions) > MAX_MESSAGES:
        raise BadInput("Its completions are not a list.")
    rated: list[tuple[float, str]] = []
    for completion in completions:
        score = completion.get("overall_score") if isinstance(completion, Mapping) else None
        if isinstance(score, (int, float)) and isinstance(completion.get("response"), str):
            rated.append((float(score), _bounded(completion["response"], "response")))
    if len(rated) < 2:
        raise BadInput("It has fewer than two completions with a score.")
    best, worst = max(rated, key=lambda one: one[0]), min(rated, key=lambda one: one[0])
    if best[0] == worst[0]:
        raise BadInput("All of its completions have the same score.")
    return (Message("user", _text(row, "instruction")),), best[1], worst[1]


def _conversation_or_text(value: Any, name: str) -> Conversation:
    if isinstance(value, str):
        if _is_transcript(_bounded(value, name)):
            turns = _transcript(value)
            return turns[:-1] if turns[-1] == Message("assistant", "") else turns
        return (Message("user", value),)
    return _conversation(value, name)


def _conversation(value: Any, name: str) -> Conversation:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or len(value) > MAX_MESSAGES:
        raise BadInput(f"Its {name} is neither a text nor a list of messages.")
    return tuple(_message(entry, name) for entry in value)


def _message(entry: Any, name: str) -> Message:
    if not isinstance(entry, Mapping):
        raise BadInput(f"Its {name} has a message that is no object.")
    role: Any = entry.get("role")
    content: Any = entry.get("content")
    known = isinstance(role, str) and role in _ROLES
    if not known:
        raise BadInput(
            f"Its {name} has a message of role {str(role)[:40]!r}; known are system, user, assistant."
        )
    if not isinstance(content, str):
        raise BadInput(f"Its {name} has a message without text.")
    return Message(role, _bounded(content, name))


def _is_transcript(text: str) -> bool:
    return text.lstrip("\n").startswith("Human:")


def _transcript(text: str) -> Conversation:
    """hh-rlhf's `\\n\\nHuman: …\\n\\nAssistant: …` as messages, stripped of surrounding blanks."""
    pieces = _HH_TURN.split(text.strip())
    turns = zip(pieces[1::2], pieces[2::2], strict=True)
    return tuple(Message(_HH_ROLES[speaker], said.strip()) for speaker, said in turns)


def _ending_with_user(messages: Conversation) -> Conversation:
    if not messages or messages[-1].role != "user" or not messages[-1].content.strip():
        raise BadInput("Its prompt does not end with a user's turn.")
    return messages


def _as_mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Unreadable):
        raise BadInput(value.reason)
    if not isinstance(value, Mapping):
        raise BadInput("It is no object with named columns.")
    return value


def _text(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(row.get(name), str):
        raise BadInput(f"Its {name} is no text.")
    return _bounded(row[name], name)


def _bounded(text: str, name: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadInput(f"Its {name} has {len(text)} characters; the limit is {MAX_TEXT_CHARACTERS}.")
    return text


def _id(value: Any, line: int) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip() and len(value) <= MAX_ID_CHARACTERS:
        return value
    return f"row-{line}"


def _split(value: Any) -> Split:
    return "held_out" if value == "held_out" else "train"


def _strength(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 3 else 1
