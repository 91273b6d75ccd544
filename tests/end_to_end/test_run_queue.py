"""The queue of runs in the whole app with the real engine: one after another, and over a restart."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.main import Studio
from app.options import parse
from app.store import settings
from app.store.collecting import comparisons, prompts, verdicts
from app.store.project import create_project, open_reader
from app.store.training import runs
from app.train.presenter import TrainPresenter
from dpo_engine import run_folder
from dpo_engine.preferences import Message
from tests.store.makers import candidate

_PATIENCE_MS = 90_000

Open = Callable[[], Studio]


@pytest.fixture
def path(tmp_path: Path, tiny_model_folder: Path) -> Path:
    """A project whose policy is the tiny model, with four verdicts."""
    project = create_project(tmp_path / "taste.dpo", with_starter_prompts=False)
    settings.set_setting(project, "policy", str(tiny_model_folder))
    for number in range(4):
        prompt = prompts.add_prompt(project, (Message("user", f"Question {number}?"),), source="test")
        pair = (candidate(f"Good {number}."), candidate(f"Bad {number}."))
        made = comparisons.add_comparison(project, prompt.id, pair, swapped=False)
        verdicts.give_verdict(project, made.id, "left", strength=1, annotator="me", seconds=1.0)
    project.close()
    return project.path


@pytest.fixture
def open_studio(qapp: QApplication, qtbot: QtBot, path: Path) -> Iterator[Open]:
    hook = sys.excepthook
    opened: list[Studio] = []

    def start() -> Studio:
        studio = Studio(qapp, parse(["--project", str(path), "--theme", "light"]))
        opened.append(studio)
        studio.start()
        qtbot.waitUntil(lambda: studio.workspace is not None, timeout=_PATIENCE_MS)
        qtbot.waitUntil(lambda: not train_of(studio).state.loading, timeout=_PATIENCE_MS)
        return studio

    yield start
    for studio in opened:
        close(qtbot, studio)
        studio.window.deleteLater()
    sys.excepthook = hook


def train_of(studio: Studio) -> TrainPresenter:
    assert studio.workspace is not None
    return studio.workspace.train


def close(qtbot: QtBot, studio: Studio) -> None:
    if studio.workspace is not None:
        studio.close()
        qtbot.waitUntil(lambda: studio.workspace is None, timeout=_PATIENCE_MS)


def start(qtbot: QtBot, train: TrainPresenter, **changes: object) -> None:
    before = len(train.state.runs)
    train.form.configure({"num_train_epochs": 1.0, "per_device_train_batch_size": 2, **changes})
    train.start()
    qtbot.waitUntil(lambda: len(train.state.runs) > before, timeout=_PATIENCE_MS)


def states(path: Path) -> list[str]:
    """Of the runs, oldest first."""
    project = open_reader(path)
    try:
        return [run.status for run in runs.runs(project)][::-1]
    finally:
        project.close()


def test_runs_follow_each_other_and_a_restart_loses_none(qtbot: QtBot, open_studio: Open, path: Path) -> None:
    studio = open_studio()
    train = train_of(studio)
    start(qtbot, train)
    start(qtbot, train, seed=7)
    assert len(train.state.queue.waiting) == 1
    qtbot.waitUntil(lambda: states(path) == ["finished", "finished"], timeout=_PATIENCE_MS)

    start(qtbot, train, num_train_epochs=900.0, save_steps=5)
    start(qtbot, train, seed=8)
    qtbot.waitUntil(
        lambda: train.state.progress is not None and train.state.progress.step > 5, timeout=_PATIENCE_MS
    )
    close(qtbot, studio)
    assert states(path) == ["finished", "finished", "interrupted", "created"]

    train = train_of(open_studio())
    long, last = (line.run.id for line in train.state.runs[1::-1])
    assert train.state.queue.waiting == (long, last)
    assert train.state.queue.held and train.state.progress is None
    train.queue.go_on()
    qtbot.waitUntil(
        lambda: train.state.progress is not None and train.state.progress.phase == "training",
        timeout=_PATIENCE_MS,
    )
    progress = train.state.progress
    assert progress is not None and progress.run.id == long

    folder = Path(progress.run.folder)
    step = run_folder.checkpoints(folder)[-1][0]
    train.keep_step(long, step)
    expected = ["finished", "finished", "stopped", "finished"]
    qtbot.waitUntil(lambda: states(path) == expected, timeout=_PATIENCE_MS)
    qtbot.waitUntil(lambda: run_folder.read_state(folder).policy_step == step, timeout=_PATIENCE_MS)
