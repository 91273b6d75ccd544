"""Which columns of an unknown format are probably which, by their names: a start for a person. Qt-free."""

from collections.abc import Sequence

from app.store.exchange.mapped import ColumnMapping

_PROMPTS = (
    "prompt",
    "instruction",
    "question",
    "query",
    "input",
    "context",
    "messages",
    "conversation",
    "text",
)
_PAIRS = (
    ("chosen", "rejected"),
    ("preferred", "dispreferred"),
    ("winner", "loser"),
    ("better", "worse"),
    ("good", "bad"),
    ("response_a", "response_b"),
    ("answer_a", "answer_b"),
    ("output_a", "output_b"),
    ("completion_a", "completion_b"),
    ("response_1", "response_2"),
    ("answer_1", "answer_2"),
    ("output_1", "output_2"),
    ("response_0", "response_1"),
    ("left", "right"),
    ("a", "b"),
)
_BETTER_FIRST = 5
"""So many of the pairs say by their names which one was preferred."""
_CHOICES = ("preference", "choice", "winner", "label", "verdict", "better", "vote", "answer")
_PEOPLE = ("annotator", "judge", "rater", "worker", "user", "labeler")


def guessed_mapping(columns: Sequence[str]) -> ColumnMapping:
    """Nothing that cannot be told is guessed, but the prompt: the first column, if need be."""
    plain = {_plain(column): column for column in reversed(columns)}
    left = right = ""
    better_first = False
    for number, (first, second) in enumerate(_PAIRS):
        if _found(plain, first) and _found(plain, second):
            left, right = _found(plain, first), _found(plain, second)
            better_first = number < _BETTER_FIRST
            break
    rest = [column for column in columns if column not in (left, right)]
    choice = "" if better_first or not left else _first(plain, _CHOICES, rest)
    return ColumnMapping(
        prompt=_first(plain, _PROMPTS, rest) or next(iter(rest), ""),
        system=_first(plain, ("system", "system_prompt"), rest),
        left=left,
        right=right,
        choice=choice,
        left_is_better=better_first,
        annotator=_first(plain, _PEOPLE, rest) if left else "",
        split=_first(plain, ("split",), rest),
    )


def _first(plain: dict[str, str], names: Sequence[str], among: Sequence[str]) -> str:
    found = (_found(plain, name) for name in names)
    return next((column for column in found if column and column in among), "")


def _found(plain: dict[str, str], name: str) -> str:
    return plain.get(name, plain.get(name.replace("_", ""), ""))


def _plain(column: str) -> str:
    """Without case, and with one kind of mark between the words."""
    return column.casefold().replace("-", "_").replace(" ", "_").replace(".", "_")
