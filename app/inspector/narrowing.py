"""What narrows the table besides split and case, and has to be read: words, a link, the course. Qt-free."""

from collections.abc import Callable, Mapping

import numpy as np

from app.inspector.figures import Ints
from app.inspector.links import PairLink, read_link
from app.inspector.material import InspectableRun
from app.inspector.pair_table import Mask, PairTable
from app.inspector.path.courses import Course, History, courses
from app.inspector.presenter import InspectorPresenter
from app.store.errors import StoreError


class Narrowing:
    """Calls `changed` when an answer to a search is in, and `told` when the courses are known; until then
    what held before holds on."""

    def __init__(
        self, presenter: InspectorPresenter, changed: Callable[[], None], told: Callable[[], None]
    ) -> None:
        self._presenter, self._changed, self._tell = presenter, changed, told
        self._text = ""
        self._searched_run: int | None = None
        self._link: PairLink | None = None
        self._found: Ints | None = None
        self._told: tuple[object, ...] = ()
        """What the history was read of."""
        self._history: History | None = None
        self._courses: dict[Course, Ints] = {}
        self._beta = 0.0

    def search(self, text: str) -> None:
        """Look for pairs with every word of `text`, or for the one that it is a link to; empty: for all."""
        self._text, self._link = text, read_link(text)
        if self._link is not None and self._link.run_id != self._run_id():
            self._presenter.choose_run(self._link.run_id)
        self._search()

    def follow(self) -> None:
        """Another run, checkpoint or β is looked at, or more of the run is scored."""
        entry, beta = self._presenter.state.selected, self._presenter.state.beta
        if self._found is not None and self._searched_run != self._run_id():
            self._found = None
            self._search()
        told = (
            ()
            if entry is None
            else (entry.run.id, *sorted((n, m.weights, m.pairs) for n, m in entry.marks.items()))
        )
        if told != self._told:
            self._told = told
            self._read_history(entry)
        elif beta != self._beta:
            self._count_courses()

    def mask(self, table: PairTable, course: Course | None) -> Mask | None:
        """What of the table passes; None where everything does."""
        mask: Mask | None = None
        if self._link is not None:
            mask = np.zeros(len(table), dtype=np.bool_)
            mask[[] if (place := self.found_place(table)) is None else [place]] = True
        elif self._found is not None:
            mask = table.mask_of(self._found)
        if course is not None:
            taken = table.mask_of(self._courses.get(course, np.empty(0, dtype=np.int64)))
            mask = taken if mask is None else mask & taken
        return mask

    def found_place(self, table: PairTable) -> int | None:
        """Of the pair that a link is to."""
        if self._link is None or self._link.run_id != self._run_id():
            return None
        return table.place_of.get(self._link.pair)

    def course_counts(self) -> Mapping[Course, int]:
        """Empty while fewer than two checkpoints are scored."""
        return {course: len(rows) for course, rows in self._courses.items()}

    def _search(self) -> None:
        reading, run_id = self._presenter.reading, self._run_id()
        if self._link is not None or not self._text or run_id is None:
            reading.give_up_search()
            self._found = None
            self._changed()
            return
        self._searched_run = run_id
        reading.search(run_id, self._text, self._on_found, self._on_failed)

    def _on_found(self, found: Ints) -> None:
        self._found = found
        self._changed()

    def _on_failed(self, _error: StoreError) -> None:
        self._on_found(np.empty(0, dtype=np.int64))

    def _read_history(self, entry: InspectableRun | None) -> None:
        self._history, self._courses = None, {}
        if entry is not None and len(entry.marks) > 1:
            self._presenter.reading.history(entry, self._on_history, lambda _error: None)

    def _on_history(self, history: History) -> None:
        self._history = history
        self._count_courses()
        self._tell()

    def _count_courses(self) -> None:
        self._beta = self._presenter.state.beta
        told = self._history
        self._courses = courses(told, self._beta) if told is not None and len(told.steps) > 1 else {}

    def _run_id(self) -> int | None:
        target = self._presenter.state.target
        return target.run_id if target is not None else None
