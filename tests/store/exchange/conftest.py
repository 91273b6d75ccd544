"""An empty project to copy, as making one takes longer than all that a test does with it."""

from pathlib import Path

import pytest

from app.store.project import create_project


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.dpo"
    create_project(path, with_starter_prompts=False).close()
    return path
