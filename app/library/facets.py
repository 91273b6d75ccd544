"""What can be filtered by: each facet's name, its values in this project, and the popup that sets it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from PySide6.QtWidgets import QWidget

from app.library.popups import Popup, RangePopup, ValuesPopup
from app.library.state import LibraryState
from app.library.wording import (
    PURPOSE_WORDS,
    SPLIT_WORDS,
    STANDING_WORDS,
    model_words,
    source_words,
)
from app.shell.theme import Theme
from app.store.library.filters import Filter
from app.words import STRENGTH_WORDS
from dpo_engine.preferences import Split

Value = tuple[object, str, int | None]
Want = Callable[..., None]
"""Called with the changes of the filter, by name."""


@dataclass(frozen=True, kw_only=True)
class Facet:
    title: str
    names: tuple[str, ...]
    """The fields of `Filter` that it sets."""
    values: Callable[[LibraryState], Sequence[Value]] | None = None
    """None for a range."""
    decimals: int = 0
    lowest: float = -1
    highest: float = 4_000_000


FACETS: dict[str, Facet] = {
    "standings": Facet(
        title="Verdict",
        names=("standings",),
        values=lambda _state: [(one, words, None) for one, words in STANDING_WORDS.items()],
    ),
    "strengths": Facet(
        title="Strength",
        names=("strengths",),
        values=lambda _state: [(one, words, None) for one, words in STRENGTH_WORDS.items()],
    ),
    "tags": Facet(
        title="Tag", names=("tags",), values=lambda state: [(one, one, n) for one, n in state.facets.tags]
    ),
    "annotators": Facet(
        title="Annotator",
        names=("annotators",),
        values=lambda state: [(one, one, n) for one, n in state.facets.annotators],
    ),
    "models": Facet(
        title="Model",
        names=("models",),
        values=lambda state: [(one, model_words(one), n) for one, n in state.facets.models],
    ),
    "runs": Facet(
        title="Run",
        names=("runs",),
        values=lambda state: [(one, name, None) for one, name in state.facets.runs],
    ),
    "splits": Facet(
        title="Split",
        names=("splits",),
        values=lambda _state: [(one, SPLIT_WORDS[one], None) for one in get_args(Split)],
    ),
    "sources": Facet(
        title="Source of the prompt",
        names=("sources",),
        values=lambda state: [(one, source_words(one), n) for one, n in state.facets.sources],
    ),
    "purposes": Facet(
        title="Why it was asked",
        names=("purposes",),
        values=lambda _state: [(one, words, None) for one, words in PURPOSE_WORDS.items()],
    ),
    "length": Facet(title="Characters of a response", names=("shortest", "longest")),
    "margin": Facet(
        title="Margin of chosen over rejected",
        names=("least_margin", "most_margin"),
        decimals=2,
        lowest=-10_000,
        highest=10_000,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Toggle:
    title: str
    names: tuple[str, ...]


TOGGLES: dict[str, Toggle] = {
    "flagged": Toggle(title="Flagged", names=("flagged",)),
    "commented": Toggle(title="With a comment", names=("commented",)),
    "edited": Toggle(title="Edited by a person", names=("edited",)),
    "disputed": Toggle(title="Disputed by annotators", names=("disputed",)),
    "deleted": Toggle(title="Deleted", names=("deleted",)),
}


def open_facet(
    facet: Facet, state: LibraryState, theme: Theme, parent: QWidget, under: QWidget, want: Want
) -> Popup:
    """Show the popup that sets a facet; `want` hears of every change at once."""
    wanted: Filter = state.filter
    popup: Popup
    if facet.values is not None:
        (name,) = facet.names
        values = facet.values(state)
        ticked = ValuesPopup(facet.title, values, getattr(wanted, name), theme, parent)
        ticked.changed.connect(lambda chosen: want(**{name: tuple(chosen)}))
        popup = ticked
    else:
        least, most = facet.names
        whole = facet.decimals == 0
        ends = RangePopup(
            facet.title,
            (getattr(wanted, least), getattr(wanted, most)),
            theme,
            parent,
            decimals=facet.decimals,
            lowest=facet.lowest,
            highest=facet.highest,
        )

        def end(value: float | None) -> float | None:
            return int(value) if whole and value is not None else value

        ends.changed.connect(lambda low, high: want(**{least: end(low), most: end(high)}))
        popup = ends
    popup.open_under(under)
    return popup
