"""What annotation tools call the answer to “which is better?”, as a choice."""

import re
from collections.abc import Mapping
from typing import Any

from app.store.records import Choice

_WORDS: Mapping[str, Choice] = {
    "left": "left",
    "first": "left",
    "a": "left",
    "right": "right",
    "second": "right",
    "b": "right",
    "tie": "tie",
    "equal": "tie",
    "same": "tie",
    "draw": "tie",
    "both": "tie",
    "both good": "tie",
    "tie both good": "tie",
    "no preference": "tie",
    "both bad": "both_bad",
    "bothbad": "both_bad",
    "tie bothbad": "both_bad",
    "neither": "both_bad",
    "none": "both_bad",
    "skip": "skip",
}
_ENDING = re.compile(r"(?:^|[^a-z0-9]|(?<=[a-z])(?=\d))([ab]|\d+)$")


def choice_of(value: Any, left: str, right: str) -> Choice | None:
    """`value` is what a person picked, `left` and `right` are the names of the two columns.

    A column's name or its ending (`response_2`, `2`, `b`) means that column, and so do the usual words.
    None where it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    said = str(value).strip().lower()
    for name, side in ((left, "left"), (right, "right")):
        if said == name.lower():
            return "left" if side == "left" else "right"
    said_end, left_end, right_end = _ending(said), _ending(left.lower()), _ending(right.lower())
    if said_end and left_end != right_end:
        if said_end == left_end:
            return "left"
        if said_end == right_end:
            return "right"
    return _WORDS.get(" ".join(re.findall(r"[a-z0-9]+", said)))


def _ending(name: str) -> str:
    found = _ENDING.search(name)
    return found.group(1) if found else ""
