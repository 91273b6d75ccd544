"""A project with some rows, readers that answer at once, and the page over them."""

from collections.abc import Callable
from typing import TypeVar

from app.library.page import LibraryPage
from app.library.presenter import LibraryPresenter
from app.store.collecting import comparisons, verdicts
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Choice
from tests.helpers.stores import DirectStore
from tests.store.makers import candidate, prompt

T = TypeVar("T")


class DirectReader(DirectStore):
    """A `DirectStore` whose work can be given up before its answer was released."""

    def submit(  # type: ignore[override]
        self, work: Callable[[Project], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> Callable[[], None]:
        given_up: list[bool] = []
        super().submit(
            work,
            lambda result: None if given_up else done(result),
            lambda error: None if given_up else failed(error),
        )
        return lambda: given_up.append(True)


def add_row(
    project: Project, text: str, choice: Choice | None = None, *, strength: int = 1, annotator: str = "ada"
) -> int:
    """A comparison of "yes" and "no, never" about a prompt; its id."""
    made = comparisons.add_comparison(
        project,
        prompt(project, text),
        (candidate("yes"), candidate("no, never", "models/qwen")),
        swapped=False,
    )
    if choice is not None:
        verdicts.give_verdict(project, made.id, choice, strength=strength, annotator=annotator, seconds=1.5)
    return made.id


def shown(page: LibraryPage, column: int = 0) -> list[str]:
    """What stands in a column, from top to bottom."""
    return [str(page.model.index(row, column).data()) for row in range(page.model.rowCount())]


def words_of(presenter: LibraryPresenter) -> str:
    return presenter.state.notice.text if presenter.state.notice else ""
