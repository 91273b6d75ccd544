"""Rows of a format that nobody knows, read by columns that a person named."""

from collections.abc import Mapping
from typing import Any

import msgspec

from app.store.exchange.answers import choice_of
from app.store.exchange.entries import Entry, Given, Response, RowRefused
from app.store.exchange.values import bounded, decoded, number_of, prompt_of, short, split_of
from app.store.records import Choice
from dpo_engine.preferences import Message

_DEEPEST = 3
_MAX_COLUMNS = 200


class ColumnMapping(msgspec.Struct, frozen=True, kw_only=True):
    """Which column is what; `a.b` is the column b inside a. Left alone, `prompt` makes a list of prompts.

    With `left` and `right` but without `choice` the responses wait to be judged, or with `left_is_better` the
    left one is the chosen one.
    """

    prompt: str
    system: str = ""
    left: str = ""
    right: str = ""
    choice: str = ""
    """Says which is better: a column's name, its ending, or left, right, tie, both bad."""
    choices: dict[str, Choice] = {}
    """What the values of `choice` mean, where that is none of these words."""
    left_is_better: bool = False
    left_model: str = ""
    right_model: str = ""
    annotator: str = ""
    seconds: str = ""
    split: str = ""


def columns_of(row: Any) -> tuple[str, ...]:
    """The names by which the values of a row can be mapped, in its order."""
    found: list[str] = []
    _collect(row, "", found, 1)
    return tuple(found[:_MAX_COLUMNS])


def _collect(value: Any, before: str, found: list[str], depth: int) -> None:
    for name, inside in value.items() if isinstance(value, Mapping) else ():
        if len(found) >= _MAX_COLUMNS:
            return
        if isinstance(name, str):
            if isinstance(inside, Mapping) and depth < _DEEPEST:
                _collect(inside, f"{before}{name}.", found, depth + 1)
            else:
                found.append(before + name)


def read_mapped(row: Mapping[str, Any], mapping: ColumnMapping) -> Entry:
    """Raises `RowRefused`."""
    prompt = prompt_of(decoded(_required(row, mapping.prompt)), mapping.prompt)
    if (
        mapping.system
        and isinstance(system := value_of(row, mapping.system), str)
        and prompt[0].role != "system"
    ):
        prompt = (Message("system", bounded(system, mapping.system)), *prompt)
    split = split_of(value_of(row, mapping.split)) if mapping.split else None
    if not (mapping.left and mapping.right):
        return Entry(prompt=prompt, split=split)
    return Entry(
        prompt=prompt,
        left=_response(row, mapping.left, mapping.left_model),
        right=_response(row, mapping.right, mapping.right_model),
        verdicts=_verdicts(row, mapping),
        split=split,
    )


def _verdicts(row: Mapping[str, Any], mapping: ColumnMapping) -> tuple[Given, ...]:
    if mapping.choice:
        said = value_of(row, mapping.choice)
        told = mapping.choices.get(str(said).strip()[:200])
        choice = told or choice_of(said, mapping.left, mapping.right)
        if choice is None:
            raise RowRefused(f"Its {mapping.choice} is {str(said)[:40]!r}, which says for neither response.")
    elif mapping.left_is_better:
        choice = "left"
    else:
        return ()
    return (
        Given(
            choice=choice,
            annotator=short(value_of(row, mapping.annotator)) if mapping.annotator else "",
            seconds=number_of(value_of(row, mapping.seconds)) if mapping.seconds else 0.0,
        ),
    )


def _response(row: Mapping[str, Any], column: str, model: str) -> Response:
    text = bounded(_required(row, column), column)
    return Response(text=text, model=short(value_of(row, model)) if model else "")


def _required(row: Mapping[str, Any], column: str) -> Any:
    value = value_of(row, column)
    if value is None:
        raise RowRefused(f"It has no {column}.")
    return value


def value_of(row: Mapping[str, Any], column: str) -> Any:
    """By its whole name, or by the names on the way to it."""
    if column in row:
        return row[column]
    value: Any = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
