"""Pairwise data sets that were annotated in Argilla, as it exports them.

Records of version 2 (`fields`, `responses`; also flattened: `preference.responses`), and of version 1's
feedback data sets (a column for each question, with a list of `{user_id, value, status}`). The question is
one whose answers name one of two responses, or rank them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.store.exchange.answers import choice_of
from app.store.exchange.entries import Entry, Given, Response, RowRefused
from app.store.exchange.values import bounded, decoded, prompt_of, short, split_of
from app.store.records import Choice

_RESPONSE = re.compile(r"(response|generation|completion|output|answer|text)[-_ ]?(a|b|\d)")
_PROMPTS = ("prompt", "instruction", "question", "input", "context", "messages")
_MAX_ANSWERS = 1_000

Answer = tuple[str, Any, str]
"""Who, what, and its status."""


def is_argilla(row: Mapping[str, Any]) -> bool:
    fields = _fields(row)
    return len(_response_names(fields)) == 2 and _prompt_name(fields) is not None and bool(_questions(row))


def read_argilla(row: Mapping[str, Any]) -> Entry:
    """Each person's submitted answer is a verdict. Raises `RowRefused` where nobody gave one."""
    fields = _fields(row)
    names, asked = _response_names(fields), _prompt_name(fields)
    if len(names) != 2 or asked is None:
        raise RowRefused("It has no prompt with two responses.")
    left, right = names
    verdicts = tuple(_verdicts(row, left, right))
    if not verdicts:
        raise RowRefused("Nobody's submitted answer says which response is better.")
    return Entry(
        prompt=prompt_of(decoded(fields[asked]), asked),
        left=Response(text=bounded(fields[left], left), model=_model(row, left)),
        right=Response(text=bounded(fields[right], right), model=_model(row, right)),
        verdicts=verdicts,
        split=split_of(row.get("split")),
    )


def _fields(row: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = decoded(row.get("fields"))
    return fields if isinstance(fields, Mapping) else row


def _response_names(fields: Mapping[str, Any]) -> list[str]:
    return sorted(
        name for name, value in fields.items() if _RESPONSE.fullmatch(name) and isinstance(value, str)
    )


def _prompt_name(fields: Mapping[str, Any]) -> str | None:
    return next((name for name in _PROMPTS if fields.get(name) is not None), None)


def _questions(row: Mapping[str, Any]) -> dict[str, list[Answer]]:
    """Every question that was answered, with its answers."""
    nested = decoded(row.get("responses"))
    if isinstance(nested, Mapping):
        found = {name: _listed(answers) for name, answers in nested.items()}
    elif any(name.endswith(".responses") for name in row):
        found = {
            name.removesuffix(".responses"): _flat(row, name) for name in row if name.endswith(".responses")
        }
    else:
        found = {
            name: _listed(decoded(value)) for name, value in row.items() if not _RESPONSE.fullmatch(name)
        }
    return {name: answers for name, answers in found.items() if answers}


def _listed(answers: Any) -> list[Answer]:
    if not isinstance(answers, list):
        return []
    return [
        (
            short(str(answer.get("user_id") or "")),
            answer.get("value"),
            str(answer.get("status") or "submitted"),
        )
        for answer in answers[:_MAX_ANSWERS]
        if isinstance(answer, Mapping) and "value" in answer
    ]


def _flat(row: Mapping[str, Any], name: str) -> list[Answer]:
    values, users, status = (decoded(row.get(name + end)) for end in ("", ".users", ".status"))
    if not isinstance(values, list):
        return []

    def at(column: Any, number: int) -> Any:
        return column[number] if isinstance(column, list) and number < len(column) else None

    return [
        (short(str(at(users, number) or "")), value, str(at(status, number) or "submitted"))
        for number, value in enumerate(values[:_MAX_ANSWERS])
    ]


def _verdicts(row: Mapping[str, Any], left: str, right: str) -> Iterator[Given]:
    """Of the first question whose answers tell a preference, the latest of each person."""
    for answers in _questions(row).values():
        told: dict[str, Choice] = {}
        for user, value, status in answers:
            choice = _preferred(value, left, right) if status == "submitted" else None
            if choice is not None:
                told[user] = choice
        if told:
            yield from (Given(choice=choice, annotator=user) for user, choice in told.items())
            return


def _preferred(value: Any, left: str, right: str) -> Choice | None:
    if not isinstance(value, list):
        return choice_of(value, left, right)
    ranks: dict[str, float] = {}
    for place, item in enumerate(value[:_MAX_ANSWERS]):
        named, rank = (item.get("value"), item.get("rank")) if isinstance(item, Mapping) else (item, place)
        side = choice_of(named, left, right)
        if side in ("left", "right") and isinstance(rank, (int, float)):
            ranks[side] = rank
    if len(ranks) < 2:
        return None
    if ranks["left"] == ranks["right"]:
        return "tie"
    return "left" if ranks["left"] < ranks["right"] else "right"


def _model(row: Mapping[str, Any], response: str) -> str:
    metadata = decoded(row.get("metadata"))
    places = (metadata if isinstance(metadata, Mapping) else {}, row)
    for name in (f"{response}_model", f"{response}-model", f"model_{response}", f"metadata.{response}_model"):
        for place in places:
            if name in place:
                return short(place[name])
    return ""
