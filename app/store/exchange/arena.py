"""Battles of Chatbot Arena: two models' conversations and who won, a tie, or both bad.

The layouts of `lmsys/chatbot_arena_conversations` and of lmarena's later data sets (`model_a`, `model_b`,
`winner`, `conversation_a`, `conversation_b`; content as text or in parts), and that of the 55k preferences
(`prompt`, `response_a`, `response_b`, `winner_model_a`, `winner_model_b`, `winner_tie`).
"""

from collections.abc import Mapping
from typing import Any

from app.store.exchange.entries import Entry, Given, Response, RowRefused
from app.store.exchange.values import Conversation, bounded, checked_prompt, decoded, messages_of, short
from app.store.records import Choice
from dpo_engine.preferences import Message

_WINNERS: Mapping[str, Choice] = {
    "model_a": "left",
    "model_b": "right",
    "a": "left",
    "b": "right",
    "tie": "tie",
    "tie (bothbad)": "both_bad",
    "bothbad": "both_bad",
    "both_bad": "both_bad",
}


def is_battle(row: Mapping[str, Any]) -> bool:
    sides = ("conversation_a" in row and "conversation_b" in row) or (
        "response_a" in row and "response_b" in row and "prompt" in row
    )
    return sides and ("winner" in row or "winner_model_a" in row)


def read_battle(row: Mapping[str, Any]) -> Entry:
    """Raises `RowRefused`, also where the two conversations part before their last turn."""
    choice = _choice(row)
    if "conversation_a" in row:
        prompt, left, right = _of_conversations(
            decoded(row["conversation_a"]), decoded(row["conversation_b"])
        )
    else:
        prompt, left, right = _of_turns(row)
    return Entry(
        prompt=checked_prompt(prompt),
        left=Response(text=left, model=short(row.get("model_a"))),
        right=Response(text=right, model=short(row.get("model_b"))),
        verdicts=(Given(choice=choice),),
    )


def _choice(row: Mapping[str, Any]) -> Choice:
    if "winner" in row:
        winner = row["winner"]
        known = _WINNERS.get(winner.strip().lower()) if isinstance(winner, str) else None
        if known is None:
            raise RowRefused(
                f"Its winner is {str(winner)[:40]!r}; known are model_a, model_b, tie and both_bad."
            )
        return known
    for column, choice in _COLUMNS.items():
        if row.get(column) in (1, True, "1", "true", "True"):
            return choice
    raise RowRefused("It has no winner.")


_COLUMNS: Mapping[str, Choice] = {
    "winner_model_a": "left",
    "winner_model_b": "right",
    "winner_tie": "tie",
    "winner_both_bad": "both_bad",
}


def _of_conversations(first: Any, second: Any) -> tuple[Conversation, str, str]:
    a, b = messages_of(first, "conversation_a"), messages_of(second, "conversation_b")
    if not a or not b or a[-1].role != "assistant" or b[-1].role != "assistant":
        raise RowRefused("Its conversations do not both end with an assistant's turn.")
    if a[:-1] != b[:-1]:
        raise RowRefused("Its two conversations part before their last turn, so they share no prompt.")
    return a[:-1], a[-1].content, b[-1].content


def _of_turns(row: Mapping[str, Any]) -> tuple[Conversation, str, str]:
    asked, a, b = (_turns(row[name], name) for name in ("prompt", "response_a", "response_b"))
    if not asked or not len(asked) == len(a) == len(b):
        raise RowRefused("Its prompts and responses are not equally many.")
    if a[:-1] != b[:-1]:
        raise RowRefused("Its two conversations part before their last turn, so they share no prompt.")
    turns: list[Message] = []
    for said, answered in zip(asked[:-1], a[:-1], strict=True):
        turns += [Message("user", said), Message("assistant", answered)]
    return (*turns, Message("user", asked[-1])), a[-1], b[-1]


def _turns(value: Any, name: str) -> list[str]:
    known = decoded(value)
    return [bounded(turn, name) for turn in (known if isinstance(known, list) else [known])]
