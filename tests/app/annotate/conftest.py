"""A real project with prompts, a played engine, and the starter model as if it were on the disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.shell.theme import Theme
from app.store.handle import Project
from app.store.project import create_project
from dpo_engine.catalogue import STARTER
from tests.app.annotate.scenes import Clock, add_prompts, new_presenter
from tests.app.annotate.typist import add_edit_actions, shown
from tests.app.annotate.writing_ahead import Ahead
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


@pytest.fixture
def starter() -> Path:
    """The starter model's folder, complete as far as the app can see."""
    STARTER.folder.mkdir(parents=True)
    (STARTER.folder / "config.json").write_text("{}")
    return STARTER.folder


@pytest.fixture
def empty_project(tmp_path: Path) -> Iterator[Project]:
    opened = create_project(tmp_path / "demo.dpo", with_starter_prompts=False)
    yield opened
    opened.close()


@pytest.fixture
def project(empty_project: Project) -> Project:
    add_prompts(empty_project, 12)
    return empty_project


@pytest.fixture
def store(project: Project) -> DirectStore:
    return DirectStore(project)


@pytest.fixture
def engine() -> FakeEngine:
    fake = FakeEngine()
    fake.auto_generate(["first text", "second text"])
    return fake


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def presenter(starter: Path, engine: FakeEngine, store: DirectStore, clock: Clock) -> AnnotatePresenter:
    """Not started yet; the starter model is on the disk."""
    return new_presenter(engine, store, clock)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, presenter: AnnotatePresenter) -> AnnotatePage:
    """In view, not started yet."""
    made = AnnotatePage(presenter, theme)
    add_edit_actions(made, presenter)
    return shown(qtbot, made)


@pytest.fixture
def ready_page(page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine) -> AnnotatePage:
    """With a comparison on the screen and four that wait."""
    presenter.start()
    engine.deliver()
    return page


@pytest.fixture
def ahead(engine: FakeEngine, store: DirectStore) -> Ahead:
    return Ahead(engine, store)
