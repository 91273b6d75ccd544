"""A project with 24 verdicts, a store that answers at once, an engine that is played."""

import pytest

from app.inspector.suspects.presenter import SuspectsPresenter
from app.store.handle import Project
from app.store.records import Comparison
from tests.app.inspector.suspects.scenes import judged, presenter_of
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore


@pytest.fixture
def compared(project: Project) -> list[Comparison]:
    return judged(project)


@pytest.fixture
def suspects(engine: FakeEngine, store: DirectStore, reader: DirectReader) -> SuspectsPresenter:
    return presenter_of(engine, store, reader)
