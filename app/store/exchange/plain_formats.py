"""Rows with a chosen and a rejected response, and rows with a prompt alone, read by the engine's own readers.

TRL's preference formats (standard, conversational, implicit prompt), hh-rlhf transcripts, UltraFeedback and
its binarized forms, `instruction` with `chosen_response` and `rejected_response`; prompts as text, `prompt`,
`messages`, `instruction`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from app.store.exchange.entries import Entry, Response, RowRefused, chosen_first
from app.store.exchange.values import (
    Conversation,
    bounded,
    checked_prompt,
    decoded,
    messages_of,
    prompt_of,
    short,
    split_of,
    strength_of,
    tags_of,
)
from dpo_engine.errors import BadInput
from dpo_engine.pairs.preference_rows import pair_of_row, prompt_of_row
from dpo_engine.pairs.row_files import NumberedRow
from dpo_engine.preferences import Message

_MAYBE_JSON = ("prompt", "chosen", "rejected", "messages", "completions")
_PROMPT_COLUMNS = ("prompt", "messages", "instruction", "conversations", "question", "query", "input", "text")
"""In the order in which they are looked for."""


def is_preference(row: Mapping[str, Any]) -> bool:
    return ("chosen" in row and "rejected" in row) or (
        "chosen_response" in row and "rejected_response" in row
    )


def title_of_preference(row: Mapping[str, Any]) -> str:
    """What this kind of preference row is called."""
    if "chosen_response" in row:
        return "Argilla (chosen and rejected response)"
    chosen = decoded(row.get("chosen"))
    if isinstance(chosen, str):
        if chosen.lstrip("\n").startswith("Human:"):
            return "hh-rlhf transcripts"
        return "TRL preference, implicit prompt" if row.get("prompt") is None else "TRL preference"
    if "score_chosen" in row or "chosen-rating" in row:
        return "UltraFeedback, binarized"
    implicit = ", implicit prompt" if row.get("prompt") is None else ""
    return f"TRL preference, conversational{implicit}"


def read_preference(row: Mapping[str, Any]) -> Entry:
    """Raises `RowRefused`."""
    prompt, chosen, rejected = _explicit(row) or _by_the_engine(row)
    return chosen_first(
        checked_prompt(prompt),
        Response(text=chosen, model=_model(row, "chosen")),
        Response(text=rejected, model=_model(row, "rejected")),
        strength=strength_of(row),
        split=split_of(row.get("split")),
    )


def _explicit(row: Mapping[str, Any]) -> tuple[Conversation, str, str] | None:
    """Of rows with a prompt of their own and nothing odd about them, which are most rows of most files."""
    prompt, chosen, rejected = row.get("prompt"), row.get("chosen"), row.get("rejected")
    if type(prompt) is list and type(chosen) is list and type(rejected) is list:
        if len(chosen) != 1 or len(rejected) != 1:
            return None
        asked = messages_of(prompt, "prompt")
        (better,), (worse,) = messages_of(chosen, "chosen"), messages_of(rejected, "rejected")
        if better.role != "assistant" or worse.role != "assistant":
            return None
        chosen, rejected = better.content, worse.content
    elif type(prompt) is str and type(chosen) is str and type(rejected) is str:
        if prompt.lstrip().startswith(("Human:", "[", "{")):
            return None
        asked = (Message("user", bounded(prompt, "prompt")),)
        bounded(chosen, "chosen")
        bounded(rejected, "rejected")
    else:
        return None
    if not chosen or not rejected or chosen == rejected or chosen.isspace() or rejected.isspace():
        return None
    return asked, chosen, rejected


def _by_the_engine(row: Mapping[str, Any]) -> tuple[Conversation, str, str]:
    try:
        pair = pair_of_row(NumberedRow(0, _with_lists(row)))
    except BadInput as error:
        raise RowRefused(str(error)) from error
    return pair.prompt, pair.chosen, pair.rejected


def is_rated(row: Mapping[str, Any]) -> bool:
    return "completions" in row and "instruction" in row


def read_rated(row: Mapping[str, Any]) -> Entry:
    """UltraFeedback: the best and the worst rated of several completions. Raises `RowRefused`."""
    entry = read_preference(row)
    models = {
        text: short(one.get("model"))
        for one in decoded(row["completions"])
        if isinstance(one, Mapping) and isinstance(text := one.get("response"), str)
    }
    return msgspec.structs.replace(
        entry,
        left=entry.left and Response(entry.left.text, models.get(entry.left.text, "")),
        right=entry.right and Response(entry.right.text, models.get(entry.right.text, "")),
    )


def is_prompt(row: Mapping[str, Any]) -> bool:
    return any(row.get(name) is not None for name in _PROMPT_COLUMNS)


def read_prompt(row: Mapping[str, Any]) -> Entry:
    """Raises `RowRefused`."""
    return Entry(
        prompt=checked_prompt(_prompt_alone(row)),
        split=split_of(row.get("split")),
        prompt_tags=tags_of(decoded(row.get("tags"))),
    )


def read_text(text: str) -> Entry:
    """A line of a plain text file. Raises `RowRefused`."""
    return Entry(prompt=prompt_of(text))


def _prompt_alone(row: Mapping[str, Any]) -> Any:
    if row.get("prompt") is None and row.get("messages") is None:
        for name in _PROMPT_COLUMNS[2:]:
            value = decoded(row.get(name))
            if isinstance(value, str):
                return prompt_of(value, name)
            if value is not None:
                turns = messages_of(value, name)
                while turns and turns[-1].role == "assistant":
                    turns = turns[:-1]
                return turns
    try:
        return prompt_of_row(NumberedRow(0, _with_lists(row)))
    except BadInput as error:
        raise RowRefused(str(error)) from error


def _with_lists(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with the lists that CSV keeps as texts; a prompt that is a text stays one."""
    lists = {name: decoded(row[name]) for name in _MAYBE_JSON if isinstance(row.get(name), str)}
    changed = {name: value for name, value in lists.items() if isinstance(value, list)}
    return {**row, **changed} if changed else row


def _model(row: Mapping[str, Any], side: str) -> str:
    for name in (f"{side}_model", f"{side}-model", f"model_{side}"):
        if name in row:
            return short(row[name])
    return ""
