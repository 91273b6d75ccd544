"""The columns of the Library's table: what stands in them, and what they can be sorted by. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass

from app.library.wording import (
    PURPOSE_WORDS,
    SPLIT_WORDS,
    STANDING_WORDS,
    margin_words,
    model_words,
    moment,
)
from app.store.library.filters import SortKey
from app.store.library.table import LibraryRow
from app.words import STRENGTH_WORDS


@dataclass(frozen=True, kw_only=True)
class Column:
    key: str
    title: str
    name: str
    """In full, for tool tips and screen readers."""
    width: int
    text: Callable[[LibraryRow], str]
    number: bool = False
    frozen: bool = False
    group: str = ""
    sort: SortKey | None = None


def _verdict(row: LibraryRow) -> str:
    words = STANDING_WORDS[row.standing]
    if row.disputed:
        return "Disputed"
    return words if row.purpose == "collect" else f"{words} · {PURPOSE_WORDS[row.purpose].lower()}"


def _strength(row: LibraryRow) -> str:
    return STRENGTH_WORDS.get(row.strength or 0, "")


def _chars(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def marks(row: LibraryRow) -> str:
    """What is marked on a row, for screen readers; the table draws it."""
    named = (("Flagged", row.flagged), ("Has a comment", row.commented), ("Edited by a person", row.edited))
    return ", ".join(words for words, marked in named if marked)


COLUMNS: tuple[Column, ...] = (
    Column(
        key="prompt",
        title="Prompt",
        name="Prompt",
        width=310,
        text=lambda row: row.words,
        frozen=True,
        sort="prompt",
    ),
    Column(key="verdict", title="Verdict", name="Verdict", width=138, text=_verdict, frozen=True),
    Column(key="strength", title="Strength", name="Strength", width=106, text=_strength),
    Column(key="marks", title="Marks", name="Flag, comment, edited", width=76, text=lambda _row: ""),
    Column(key="tags", title="Tags", name="Tags", width=140, text=lambda row: ", ".join(row.tags)),
    Column(
        key="annotators",
        title="Annotator",
        name="Annotator",
        width=100,
        text=lambda row: ", ".join(row.annotators),
    ),
    Column(
        key="judged",
        title="Judged",
        name="When it was judged",
        width=124,
        text=lambda row: moment(row.judged_at) if row.judged_at else "",
        sort="judged",
    ),
    Column(
        key="margin",
        title="Margin",
        name="Margin of chosen over rejected, in units of β; before the verdict only its size",
        width=76,
        text=lambda row: margin_words(row.margin, judged=row.judged),
        number=True,
        sort="margin",
    ),
    Column(
        key="left",
        title="Left",
        name="Characters of the left response",
        width=66,
        text=lambda row: _chars(row.left_chars),
        number=True,
        group="Characters",
    ),
    Column(
        key="right",
        title="Right",
        name="Characters of the right response",
        width=66,
        text=lambda row: _chars(row.right_chars),
        number=True,
        group="Characters",
    ),
    Column(
        key="models",
        title="Written by",
        name="Models that wrote the responses",
        width=150,
        text=lambda row: " · ".join(model_words(model) for model in row.models),
    ),
    Column(key="split", title="Split", name="Split", width=80, text=lambda row: SPLIT_WORDS[row.split]),
    Column(
        key="added",
        title="Added",
        name="When it was added",
        width=124,
        text=lambda row: moment(row.added_at),
        sort="added",
    ),
)
