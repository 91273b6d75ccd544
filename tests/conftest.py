"""Fixtures that every test may use: an isolated home, a tiny model, and (marked `starter`) the real one."""

import os
import sys
from pathlib import Path

import pytest

# Tiny models gain nothing from more threads, and threads that wait for each other lose a lot where other
# tests run beside. Set before torch is imported; engines that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_sessionfinish() -> None:
    """Empty the clipboard while Python still runs.

    Without a display the clipboard is a static of Qt's, deleted as the process exits: an object on it
    that was made in Python is then destroyed after Python, which crashes. A desktop's clipboard goes with
    the application, before.
    """
    gui = sys.modules.get("PySide6.QtGui")
    if gui is not None and gui.QGuiApplication.instance() is not None:
        gui.QGuiApplication.clipboard().clear()


@pytest.fixture(autouse=True)
def studio_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own place for models, settings, caches and logs."""
    home = tmp_path / "home"
    monkeypatch.setenv("DPO_STUDIO_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer Llama with a byte-level tokenizer. Shared: never write into it."""
    from tests.helpers.tiny_model import save_tiny_model

    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def starter_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the starter model, fetched once a session.

    `DPO_STUDIO_TEST_MODELS` names a folder that keeps it from one session to the next.
    """
    from dpo_engine.catalogue import STARTER
    from dpo_engine.fetching.known_models import fetch

    kept = os.environ.get("DPO_STUDIO_TEST_MODELS")
    # Beside the base folder of this process, so that processes that share the tests share it too.
    shared = tmp_path_factory.getbasetemp().parent / "starter-home"
    home = Path(kept) if kept else shared
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DPO_STUDIO_HOME", str(home))
        folder = STARTER.path
        if folder is None:
            for _ in fetch(STARTER, "fixture"):
                pass
            folder = STARTER.path
    assert folder is not None
    return folder


@pytest.fixture
def starter_home(starter_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which `starter` is fetched already, for tests that use it by its name."""
    home = starter_model.parents[2]
    monkeypatch.setenv("DPO_STUDIO_HOME", str(home))
    return home
