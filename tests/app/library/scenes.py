"""A project with some rows, readers that answer at once, and the page over them."""

from app.library.page import LibraryPage
from app.library.presenter import LibraryPresenter
from app.store.collecting import comparisons, verdicts
from app.store.project import Project
from app.store.records import Choice
from tests.store.makers import candidate, prompt


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
