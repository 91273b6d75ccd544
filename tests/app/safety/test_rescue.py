"""A damaged project: both ways out with what each saves, and the one that is chosen."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

from app.safety.rescue import Rescued, RescuePresenter, can_be_rescued
from app.safety.rescue_page import RescuePage
from app.shell.theme import Theme
from app.store.collecting import verdicts
from app.store.errors import AlreadyOpen, NotAProject, ProjectDamaged, StoreError
from app.store.locks import take_lock
from app.store.project import open_project, open_reader
from app.store.safekeeping import backups
from tests.app.safety.conftest import AtOnce
from tests.store.safekeeping.test_salvage import destroy, pages_of

DAMAGED = ProjectDamaged("demo.dpo is damaged and was not opened.", detail="page 7")


@pytest.fixture
def rescued() -> list[Rescued]:
    return []


@pytest.fixture
def presenter(path: Path, elsewhere: AtOnce, rescued: list[Rescued]) -> RescuePresenter:
    destroy(path, pages_of(path, "prompts")[1][3])
    return RescuePresenter(path, DAMAGED, elsewhere, rescued.append)


def judged(path: Path) -> int:
    reader = open_reader(path)
    try:
        return verdicts.counts(reader).preferences
    finally:
        reader.close()


def test_both_ways_are_looked_at(presenter: RescuePresenter, path: Path) -> None:
    before = path.read_bytes()
    presenter.start()
    state = presenter.state
    assert state.backup == backups.backups_of(path)[0]
    assert state.contents is not None and state.contents.verdicts == 20
    assert state.salvaged is not None and 20 < state.salvaged.verdicts < 30
    presenter.let_go()
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".demo.dpo.*.restored*"))
    take_lock(path).release()


def test_restoring_the_newest_backup(presenter: RescuePresenter, path: Path, rescued: list[Rescued]) -> None:
    before = path.read_bytes()
    presenter.start()
    presenter.restore_newest()
    (outcome,) = rescued
    assert outcome.aside is not None and outcome.aside.read_bytes() == before
    assert judged(path) == 20


def test_saving_what_can_be_read(presenter: RescuePresenter, path: Path, rescued: list[Rescued]) -> None:
    before = path.read_bytes()
    presenter.start()
    assert presenter.state.salvaged is not None
    presenter.salvage()
    (outcome,) = rescued
    assert outcome.aside is not None and outcome.aside.read_bytes() == before
    assert judged(path) == presenter.state.salvaged.verdicts
    open_project(path).close()


def test_a_way_that_fails_leaves_the_other(
    presenter: RescuePresenter, path: Path, rescued: list[Rescued]
) -> None:
    presenter.start()
    assert presenter.state.backup is not None
    presenter.state.backup.path.write_bytes(b"gone bad" * 1000)
    presenter.restore_newest()
    assert not rescued and not presenter.state.working
    assert "no project" in presenter.state.said
    presenter.salvage()  # it was let go of, and does nothing any more
    assert not rescued


def test_while_it_is_read_the_backup_can_be_restored(
    presenter: RescuePresenter, path: Path, rescued: list[Rescued], elsewhere: AtOnce
) -> None:
    elsewhere.waiting = True
    presenter.start()
    presenter.restore(backups.backups_of(path)[0])
    elsewhere.go_on()
    assert rescued and judged(path) == 20
    take_lock(path).release()


@pytest.mark.parametrize(
    ("error", "offered"),
    [(DAMAGED, True), (NotAProject("no"), True), (AlreadyOpen("busy"), False), (StoreError("what"), False)],
)
def test_what_can_be_rescued(path: Path, error: StoreError, offered: bool) -> None:
    assert can_be_rescued(path, error) is offered
    assert not can_be_rescued(path.with_name("other.dpo"), NotAProject("no"))


Page = Callable[[], RescuePage]


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, presenter: RescuePresenter) -> RescuePage:
    page = RescuePage(presenter, theme, lambda: None, [QAction("Try again"), QAction("Open project…")])
    qtbot.addWidget(page)
    page.show()
    return page


def said(page: RescuePage) -> str:
    return " ".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def test_the_page_says_what_each_way_saves(
    page: RescuePage, presenter: RescuePresenter, elsewhere: AtOnce
) -> None:
    assert "Looking for it…" in said(page) and "Reading it…" in said(page)
    assert not page.restore.isEnabled() and not page.salvage.isEnabled()
    presenter.start()
    assert presenter.state.salvaged is not None
    assert "with 20 verdicts." in said(page)
    assert f"{presenter.state.salvaged.verdicts} verdicts. Lost: " in said(page)
    assert page.restore.isEnabled() and page.salvage.isEnabled()
    assert page.salvage.property("role") == "primary" and page.restore.property("role") == ""
    assert all(button.text() for button in page.findChildren(QAbstractButton))
    presenter.let_go()


def test_the_page_carries_it_out(
    page: RescuePage, presenter: RescuePresenter, rescued: list[Rescued]
) -> None:
    presenter.start()
    page.salvage.click()
    assert len(rescued) == 1
    assert not page.restore.isEnabled()


def test_without_backups_there_is_one_way(page: RescuePage, presenter: RescuePresenter, path: Path) -> None:
    backups.backups_of(path)[0].path.unlink()
    presenter.start()
    assert "no backup of this project" in said(page)
    assert not page.restore.isEnabled() and page.salvage.isEnabled()
    presenter.let_go()
