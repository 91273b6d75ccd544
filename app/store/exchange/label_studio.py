"""Pairwise tasks that were annotated in Label Studio: its JSON export, and JSON-MIN or CSV.

A task's `data` has the prompt and the two texts; each annotation's `result` of type `pairwise` says `left` or
`right`, one of type `choices` says it in words.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.store.exchange.answers import choice_of
from app.store.exchange.entries import Entry, Given, Response, RowRefused
from app.store.exchange.values import bounded, decoded, number_of, prompt_of, short
from app.store.records import Choice

_SIDE = re.compile(r"(answer|response|text|completion|output|option|candidate)[-_ ]?(a|b|\d)")
_PROMPTS = ("prompt", "question", "instruction", "input", "query", "messages", "conversation", "dialog")
_MAX_ANNOTATIONS = 1_000
_MIN_COLUMNS = ("lead_time", "annotation_id", "annotator")
"""What JSON-MIN and CSV have in every row."""


def is_label_studio(row: Mapping[str, Any]) -> bool:
    data = _data(row)
    return len(_sides(data)) == 2 and (
        "annotations" in row or "completions" in row or sum(name in row for name in _MIN_COLUMNS) >= 2
    )


def read_label_studio(row: Mapping[str, Any]) -> Entry:
    """Each annotation that was not cancelled is a verdict. Raises `RowRefused` where there is none."""
    data = _data(row)
    names, asked = _sides(data), next((name for name in _PROMPTS if data.get(name) is not None), None)
    if len(names) != 2 or asked is None:
        raise RowRefused("It has no prompt with two texts.")
    left, right = names
    annotations = row.get("annotations", row.get("completions"))
    verdicts = (
        tuple(_annotated(annotations, left, right))
        if isinstance(annotations, list)
        else tuple(_flat(row, left, right))
    )
    if not verdicts:
        raise RowRefused("No annotation of it says which text is better.")
    return Entry(
        prompt=prompt_of(decoded(data[asked]), asked),
        left=Response(text=bounded(data[left], left), model=short(data.get(f"{left}_model"))),
        right=Response(text=bounded(data[right], right), model=short(data.get(f"{right}_model"))),
        verdicts=verdicts,
    )


def _data(row: Mapping[str, Any]) -> Mapping[str, Any]:
    data = row.get("data")
    return data if isinstance(data, Mapping) else row


def _sides(data: Mapping[str, Any]) -> list[str]:
    return sorted(name for name, value in data.items() if _SIDE.fullmatch(name) and isinstance(value, str))


def _annotated(annotations: list[Any], left: str, right: str) -> Iterator[Given]:
    told: dict[str, Given] = {}
    for annotation in annotations[:_MAX_ANNOTATIONS]:
        if not isinstance(annotation, Mapping) or annotation.get("was_cancelled"):
            continue
        choice = _chosen(annotation.get("result"), left, right)
        if choice is not None:
            who = _person(annotation.get("completed_by"))
            told[who] = Given(choice=choice, annotator=who, seconds=number_of(annotation.get("lead_time")))
    yield from told.values()


def _chosen(results: Any, left: str, right: str) -> Choice | None:
    for result in results if isinstance(results, list) else ():
        value = result.get("value") if isinstance(result, Mapping) else None
        if isinstance(value, Mapping):
            # In the order in which the tool showed them, which `to_name` tells.
            first, second = _named_in(result.get("to_name"), left, right)
            choice = _told(value, first, second)
            if choice in ("left", "right") and (first, second) == (right, left):
                return "right" if choice == "left" else "left"
            if choice is not None:
                return choice
    return None


def _named_in(to_name: Any, left: str, right: str) -> tuple[str, str]:
    names = [name.strip() for name in to_name.split(",")] if isinstance(to_name, str) else []
    return (right, left) if names == [right, left] else (left, right)


def _told(value: Mapping[str, Any], left: str, right: str) -> Choice | None:
    if "selected" in value:
        return choice_of(value["selected"], left, right)
    choices = value.get("choices")
    return choice_of(choices[0], left, right) if isinstance(choices, list) and len(choices) == 1 else None


def _flat(row: Mapping[str, Any], left: str, right: str) -> Iterator[Given]:
    """JSON-MIN and CSV have the answer in a column that is called as the person who set it up liked."""
    for name, cell in row.items():
        value = decoded(cell)
        if name in (left, right, *_PROMPTS, *_MIN_COLUMNS, "id") or value is None:
            continue
        choice = _told(value, left, right) if isinstance(value, Mapping) else choice_of(value, left, right)
        if choice is not None:
            who = _person(row.get("annotator"))
            yield Given(choice=choice, annotator=who, seconds=number_of(row.get("lead_time")))
            return


def _person(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("email") or value.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"annotator {value}"
    if isinstance(value, str) and value.strip().isdigit():
        return f"annotator {value.strip()[:20]}"
    return short(value)
