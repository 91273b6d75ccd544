"""A project with a backup, on a theme of its own, and work that is done at once."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtWidgets import QApplication

from app.safety.elsewhere import Elsewhere
from app.shell.theme import Theme
from app.store.collecting import verdicts
from app.store.errors import StoreError
from app.store.project import create_project
from app.store.safekeeping import backups
from tests.store.makers import comparison

T = TypeVar("T")


class AtOnce(Elsewhere):
    """Does the work in `run`; while `waiting`, keeps it for `go_on`."""

    def __init__(self) -> None:
        super().__init__(lambda callback: callback())
        self.waiting = False
        self._kept: list[Callable[[], None]] = []

    def run(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> None:
        def job() -> None:
            try:
                result = work()
            except StoreError as error:
                failed(error)
            else:
                done(result)

        if self.waiting:
            self._kept.append(job)
        else:
            job()

    def go_on(self) -> None:
        self.waiting = False
        kept, self._kept = self._kept, []
        for job in kept:
            job()


@pytest.fixture
def elsewhere() -> AtOnce:
    return AtOnce()


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme(qapp, "light")
    yield theme
    theme.deleteLater()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed project with 30 verdicts, and a backup of when it had 20."""
    path = tmp_path / "demo.dpo"
    project = create_project(path, with_starter_prompts=False)
    draw = random.Random(5)
    for number in range(1, 31):
        one = comparison(project, f"{number} " + "long " * draw.randrange(100, 400))
        verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
        if number == 20:
            backups.back_up(path, project.db, why="import")
    project.close()
    return path
