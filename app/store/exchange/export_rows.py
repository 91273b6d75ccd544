"""The rows of an export: TRL's columns, and after them where each row comes from.

Preferences are TRL's explicit-prompt format (https://huggingface.co/docs/trl/dataset_formats), standard or
conversational, with the strength as `margin`. `studio_format` reads the rows again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from app.store.exchange.entries import Given, Response
from app.store.exchange.outgoing import Outgoing
from app.store.exchange.studio_format import MARK, Kind
from dpo_engine.preferences import Message

Layout = Literal["standard", "conversational"]
Row = dict[str, Any]

_TEXT, _WHOLE, _REAL, _YES = "string", "int64", "float64", "bool"
_MESSAGES = [{"role": _TEXT, "content": _TEXT}]
_VERDICTS = [
    {
        "choice": _TEXT,
        "strength": _WHOLE,
        "annotator": _TEXT,
        "seconds": _REAL,
        "created_at": _TEXT,
        "edited": _TEXT,
        "settles": _YES,
    }
]
_SIDE = {
    "model": _TEXT,
    "fingerprint": _TEXT,
    "sampling": _TEXT,
    "seed": _WHOLE,
    "finish_reason": _TEXT,
    "tokens": _WHOLE,
    "seconds": _REAL,
}
_OF_PROMPT = {"split": _TEXT, "source": _TEXT, "prompt_tags": [_TEXT]}
_OF_COMPARISON = {
    "comparison": _WHOLE,
    "verdict": _WHOLE,
    "annotator": _TEXT,
    "strength": _WHOLE,
    "seconds": _REAL,
    "created_at": _TEXT,
    "edited": _YES,
    "flagged": _YES,
    "comment": _TEXT,
    "tags": [_TEXT],
    "verdicts": _VERDICTS,
}


def columns_of(kind: Kind, layout: Layout, *, provenance: bool) -> Mapping[str, Any]:
    """Names and types of a kind's columns: a type's name, a list of one type, or a dictionary of them."""
    asked: Any = _TEXT if layout == "standard" else _MESSAGES
    columns: dict[str, Any] = {"prompt": asked}
    sides = ("chosen", "rejected") if kind == "preferences" else ("left", "right")
    if kind == "preferences":
        columns |= {"chosen": asked, "rejected": asked, "margin": _REAL}
    elif kind != "prompts":
        columns |= {"left": _TEXT, "right": _TEXT, "choice": _TEXT}
    if not provenance:
        return columns
    columns[MARK] = _TEXT
    if layout == "standard":
        columns["conversation"] = _MESSAGES
    if kind == "preferences":
        columns |= {"chosen_side": _TEXT, "chosen_original": _TEXT}
    if kind != "prompts":
        columns |= {f"{side}_{name}": of for side in sides for name, of in _SIDE.items()} | _OF_COMPARISON
    return columns | _OF_PROMPT


def row_of(out: Outgoing, layout: Layout, *, provenance: bool, signed: Callable[[str], str]) -> Row:
    """One row, with the columns of `columns_of`. `signed` gives the name under which an annotator appears."""
    entry, said = out.entry, _counting(out)
    row: Row = {"prompt": _as_text(entry.prompt) if layout == "standard" else _as_messages(entry.prompt)}
    sides: dict[str, Response] = {}
    if entry.left is not None and entry.right is not None:
        if out.kind == "preferences":
            chosen, rejected = (entry.left, entry.right)[:: 1 if out.choice == "left" else -1]
            sides = {"chosen": chosen, "rejected": rejected}
            better = chosen.text if said is None or said.edited is None else said.edited
            row |= {"chosen": _response(better, layout), "rejected": _response(rejected.text, layout)}
            row["margin"] = float(said.strength if said else 1)
        else:
            sides = {"left": entry.left, "right": entry.right}
            row |= {"left": entry.left.text, "right": entry.right.text, "choice": out.choice}
    if provenance:
        row[MARK] = out.kind
        if layout == "standard":
            row["conversation"] = _as_messages(entry.prompt)
        row |= _provenance(out, said, sides, signed)
    return row


def _provenance(
    out: Outgoing, said: Given | None, sides: Mapping[str, Response], signed: Callable[[str], str]
) -> Row:
    entry = out.entry
    row: Row = {"split": entry.split, "source": entry.source, "prompt_tags": list(entry.prompt_tags)}
    if not sides:
        return row
    for side, response in sides.items():
        row |= {f"{side}_{name}": getattr(response, name) for name in _SIDE}
        row[f"{side}_sampling"] = msgspec.json.encode(response.sampling).decode()
    if out.kind == "preferences":
        edited = said is not None and said.edited is not None
        row |= {"chosen_side": out.choice, "chosen_original": sides["chosen"].text if edited else None}
    return row | {
        "comparison": out.comparison_id,
        "verdict": out.verdict_id,
        "annotator": signed(said.annotator) if said else None,
        "strength": said.strength if said else None,
        "seconds": said.seconds if said else None,
        "created_at": said.created_at if said else None,
        "edited": said is not None and said.edited is not None,
        "flagged": entry.flagged,
        "comment": entry.comment,
        "tags": list(entry.tags),
        "verdicts": [_verdict(given, signed) for given in entry.verdicts],
    }


def _counting(out: Outgoing) -> Given | None:
    return out.entry.verdicts[out.counts] if out.counts is not None else None


def _verdict(given: Given, signed: Callable[[str], str]) -> Row:
    row: Row = msgspec.structs.asdict(given)
    return row | {"annotator": signed(given.annotator)}


def _response(text: str, layout: Layout) -> Any:
    return text if layout == "standard" else [{"role": "assistant", "content": text}]


def _as_messages(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _as_text(messages: tuple[Message, ...]) -> str:
    """What the user says, where that is all; else a transcript of who says what, as in hh-rlhf."""
    if len(messages) == 1:
        return messages[0].content
    names = {"user": "Human", "assistant": "Assistant", "system": "System"}
    return "".join(f"\n\n{names[message.role]}: {message.content}" for message in messages) + "\n\nAssistant:"
