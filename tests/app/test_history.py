"""Undo and redo by name, heard by every page, for one annotator at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.history import History
from app.store.collecting import comparisons, notes
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.project import create_project, open_project
from app.store.undo.journal import Done
from tests.app.annotate.scenes import add_comparison
from tests.helpers.stores import DirectStore


class Page:
    """Hears what a page hears."""

    def __init__(self, project: Project, annotator: str = "me") -> None:
        self.store = DirectStore(project)
        self.done: list[Done] = []
        self.labels: list[tuple[str, str]] = []
        self.failures: list[str] = []
        self.nothing = 0
        self.history = History(store=self.store, annotator=annotator, failed=self.failures.append)
        self.stop_listening = self.history.listen(self.done.append)
        self.stop_watching = self.history.watch(self._on_labels)
        self.history.refresh()

    def note_nothing(self) -> None:
        self.nothing += 1

    def _on_labels(self) -> None:
        self.labels.append((self.history.undo_label, self.history.redo_label))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    opened = create_project(tmp_path / "demo.dpo", with_starter_prompts=False)
    add_comparison(opened, "a", "b", prompt="Name three rivers.")
    yield opened
    opened.close()


@pytest.fixture
def page(project: Project) -> Page:
    return Page(project)


def flag(project: Project, annotator: str = "me") -> None:
    notes.set_flag(project, [1], True, annotator=annotator)


def flagged(project: Project) -> bool:
    return comparisons.get(project, 1).flagged


def test_what_can_be_undone_is_named_and_undone_and_redone(page: Page, project: Project) -> None:
    flag(project)
    page.history.refresh()
    assert page.history.undo_label.startswith("flag on")
    page.history.undo()
    assert not flagged(project)
    assert page.history.redo_label.startswith("flag on")
    page.history.redo()
    assert flagged(project)
    assert [(done.kind, done.comparison_id, done.undone) for done in page.done] == [
        ("flag", 1, True),
        ("flag", 1, False),
    ]
    assert [(bool(undo), bool(redo)) for undo, redo in page.labels] == [
        (True, False),
        (False, True),
        (True, False),
    ]


@pytest.mark.parametrize("step", [History.undo, History.redo])
def test_with_nothing_to_step_over_only_the_one_who_asked_hears(
    page: Page, step: Callable[..., None]
) -> None:
    step(page.history, nothing=page.note_nothing)
    assert page.nothing == 1
    assert page.done == []
    assert page.labels == []


def test_a_failure_is_told_and_undoing_can_be_asked_for_again(page: Page, project: Project) -> None:
    flag(project)
    page.store.fail_next(StoreFull("The disk is full."))
    page.history.undo()
    page.store.fail_next(StoreFull("Still full."))
    own: list[str] = []
    page.history.undo(failed=lambda error: own.append(str(error)))
    assert (page.failures, own) == (["The disk is full."], ["Still full."])
    assert flagged(project)
    page.history.undo()
    assert not flagged(project)


def test_one_step_at_a_time(page: Page, project: Project) -> None:
    flag(project)
    notes.set_comment(project, [1], "good", annotator="me")
    page.store.hold()
    page.history.undo()
    page.history.undo()
    assert page.history.busy
    page.store.release()
    assert [done.kind for done in page.done] == ["comment"]


def test_each_annotator_undoes_their_own(page: Page, project: Project) -> None:
    flag(project, "you")
    page.history.refresh()
    assert page.history.undo_label == ""
    page.history.set_annotator("you")
    assert page.history.undo_label != ""
    page.history.undo()
    assert not flagged(project)


def test_an_answer_for_who_sat_here_before_is_not_taken(page: Page, project: Project) -> None:
    flag(project)
    page.store.hold()
    page.history.undo()
    page.history.set_annotator("you")
    page.store.release()
    assert (page.history.undo_label, page.history.redo_label) == ("", "")


def test_it_survives_a_restart(project: Project) -> None:
    flag(project)
    path = project.path
    project.close()
    reopened = open_project(path)
    page = Page(reopened)
    page.history.undo()
    assert not flagged(reopened)
    reopened.close()


def test_who_stopped_listening_hears_nothing(page: Page, project: Project) -> None:
    page.stop_listening()
    page.stop_watching()
    flag(project)
    page.history.undo()
    assert (page.done, page.labels) == ([], [])
