"""A fresh project for each test, without the starter prompts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.project import Project, create_project


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo.dpo"


@pytest.fixture
def project(path: Path) -> Iterator[Project]:
    opened = create_project(path, with_starter_prompts=False)
    yield opened
    opened.close()
