"""A real temporary project, readers that answer at once, the presenter and its page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.history import History
from app.library.page import LibraryPage
from app.library.presenter import LibraryPresenter
from app.shell.keymap import Keymap
from app.shell.theme import Theme
from app.store.handle import Project
from app.store.project import create_project
from tests.helpers.stores import DirectReader, DirectStore


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    opened = create_project(tmp_path / "demo.dpo", with_starter_prompts=False)
    opened.db.execute("PRAGMA synchronous = OFF")
    yield opened
    opened.close()


@pytest.fixture
def reader(project: Project) -> DirectReader:
    return DirectReader(project)


@pytest.fixture
def slow_reader(project: Project) -> DirectReader:
    return DirectReader(project)


@pytest.fixture
def store(project: Project) -> DirectStore:
    return DirectStore(project)


def _fail(sentence: str) -> None:
    pytest.fail(sentence)


@pytest.fixture
def presenter(reader: DirectReader, slow_reader: DirectReader, store: DirectStore) -> LibraryPresenter:
    history = History(store=store, annotator="ada", failed=_fail)
    return LibraryPresenter(
        reader=reader, slow_reader=slow_reader, store=store, history=history, annotator=lambda: "ada"
    )


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def keymap() -> Keymap:
    return Keymap()


@pytest.fixture
def page(qtbot: QtBot, presenter: LibraryPresenter, theme: Theme, keymap: Keymap) -> LibraryPage:
    """Not shown yet: a test fills the project first, then shows it."""
    page = LibraryPage(presenter, theme, keymap)
    qtbot.addWidget(page)
    page.resize(1100, 760)
    return page
