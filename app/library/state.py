"""What the Library's page shows besides its rows, as plain records. Qt-free."""

from dataclasses import dataclass
from typing import Literal

from app.library.reading import Reading
from app.library.saved import SavedFilter
from app.store.figures.statistics import Statistics
from app.store.library.filters import Filter, Sort
from app.store.library.table import Facets

EVERYTHING, NEWEST_FIRST = Filter(), Sort()
NO_FACETS = Facets(annotators=(), tags=(), models=(), sources=(), runs=())


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What was just done, or why it was not; a new `number` is a new notice."""

    number: int
    text: str
    undo: bool = False
    """It can be taken back from here."""
    problem: bool = False


@dataclass(frozen=True, kw_only=True)
class LibraryState:
    phase: Literal["loading", "ready", "failed"] = "loading"
    filter: Filter = EVERYTHING
    sort: Sort = NEWEST_FIRST
    total: int | None = None
    """Rows of the filter; None while they are being counted."""
    unfindable: int = 0
    """Texts of an import that a search does not find yet."""
    facets: Facets = NO_FACETS
    saved: tuple[SavedFilter, ...] = ()
    reading: Reading | None = None
    statistics: Statistics | None = None
    working: str = ""
    """What is being done to many rows at the moment, as a phrase; else empty."""
    notice: Notice | None = None
    problem: str = ""
    """Why the rows cannot be read, as sentences."""
