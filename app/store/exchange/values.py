"""Reading single values out of rows that anybody may have written: each is checked, bounded, or refused."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

import msgspec

from app.store.exchange.entries import (
    MAX_MESSAGES,
    MAX_NAME_CHARACTERS,
    MAX_TAGS,
    MAX_TEXT_CHARACTERS,
    RowRefused,
)
from dpo_engine.preferences import Message, Role, Split

Conversation = tuple[Message, ...]

_ROLES = get_args(Role)
_OTHER_ROLES: Mapping[str, Role] = {
    "human": "user",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
}
_HELD_OUT = ("test", "valid", "validation", "dev", "eval", "held_out", "held-out", "heldout")
_MAX_PARTS = 100


def text_of(row: Mapping[str, Any], name: str) -> str:
    """A column that must be a text. Raises `RowRefused`."""
    return bounded(row.get(name), name)


def bounded(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RowRefused(f"Its {name} is no text.")
    if len(value) > MAX_TEXT_CHARACTERS:
        raise RowRefused(f"Its {name} has {len(value):,} characters; the limit is {MAX_TEXT_CHARACTERS:,}.")
    return value


def short(value: Any) -> str:
    """A name (of a model, a person), or nothing where it is none."""
    return value.strip()[:MAX_NAME_CHARACTERS] if isinstance(value, str) else ""


def messages_of(value: Any, name: str) -> Conversation:
    """A conversation as a list of messages, by `role` and `content` or `from` and `value`.

    Content in parts (`[{"type": "text", "text": …}]`) is their text; anything else in it is refused.
    """
    if not isinstance(value, (list, tuple)):
        raise RowRefused(f"Its {name} is no list of messages.")
    if len(value) > MAX_MESSAGES:
        raise RowRefused(f"Its {name} has {len(value):,} messages; the limit is {MAX_MESSAGES:,}.")
    return tuple([_message(entry, name) for entry in value])


def _message(entry: Any, name: str) -> Message:
    if type(entry) is not dict and not isinstance(entry, Mapping):  # the first is much the quicker question
        raise RowRefused(f"Its {name} has a message that is no object.")
    role, content = entry.get("role"), entry.get("content")
    if role is None and content is None:
        role, content = entry.get("from"), entry.get("value")
    if not isinstance(role, str) or (role not in _ROLES and role not in _OTHER_ROLES):
        raise RowRefused(
            f"Its {name} has a message of role {str(role)[:40]!r}; known are system, user and assistant."
        )
    known = _OTHER_ROLES.get(role) or cast(Role, role)
    return Message(known, bounded(content if isinstance(content, str) else _joined(content, name), name))


def _joined(parts: Any, name: str) -> str:
    if not isinstance(parts, (list, tuple)) or not parts or len(parts) > _MAX_PARTS:
        raise RowRefused(f"Its {name} has a message without text.")
    texts = []
    for part in parts:
        text = part.get("text") if isinstance(part, Mapping) else None
        if not isinstance(text, str) or part.get("image") is not None:
            raise RowRefused(f"Its {name} has a message that is not text alone.")
        texts.append(bounded(text, name))
    return "\n".join(texts)


def prompt_of(value: Any, name: str = "prompt") -> Conversation:
    """A prompt as one text or as messages, checked. Raises `RowRefused`."""
    if isinstance(value, str):
        return checked_prompt((Message("user", bounded(value, name)),))
    return checked_prompt(messages_of(value, name))


def checked_prompt(messages: Conversation) -> Conversation:
    """The conversation, if a project can hold it: at most one system message, a user's turn at the end."""
    if not messages or messages[-1].role != "user":
        raise RowRefused("Its prompt does not end with a user's turn.")
    for number, message in enumerate(messages):
        if message.role == "system" and number:
            raise RowRefused("Its prompt has a system message that is not its first.")
        if message.role == "user" and not message.content.strip():
            raise RowRefused("Its prompt has an empty user's turn.")
    return messages


def split_of(value: Any) -> Split | None:
    """Whether a row or a file says that it is held out; None where it says nothing."""
    if not isinstance(value, str):
        return None
    name = value.strip().lower()
    if name.startswith("train"):
        return "train"
    return "held_out" if name.split("-")[0].split("_")[0] in _HELD_OUT or name in _HELD_OUT else None


def strength_of(row: Mapping[str, Any]) -> int:
    """Of 1, 2 or 3, from `strength` or a `margin` that is one of them; else 1."""
    for name in ("strength", "margin"):
        value = row.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value in (1, 2, 3):
            return int(value)
    return 1


def number_of(value: Any) -> float:
    """A finite number that is not negative; anything else is 0."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) and number >= 0 else 0.0


def tags_of(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        return ()
    return tuple(dict.fromkeys(name for tag in value if (name := short(tag))))[:MAX_TAGS]


def decoded(value: Any) -> Any:
    """A value that CSV and some data sets keep as JSON in a text; as it is where it is none."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(value)
        except (ValueError, RecursionError):
            return value
    return value
