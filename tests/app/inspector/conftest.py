"""A real temporary project, a store that answers at once, an engine that is played."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.inspector.presenter import InspectorPresenter
from app.store.handle import Project
from tests.app.inspector.scenes import new_project
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    opened = new_project(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def store(project: Project) -> DirectStore:
    return DirectStore(project)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def reader(project: Project) -> DirectReader:
    return DirectReader(project)


@pytest.fixture
def presenter(engine: FakeEngine, store: DirectStore, reader: DirectReader) -> InspectorPresenter:
    return InspectorPresenter(
        engine=engine, store=store, reader=reader, slow_reader=DirectReader(store.project)
    )
