"""The list of backups: what it says, making one, restoring one by a second press."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QTreeWidget
from pytestqt.qtbot import QtBot

from app.safety import wording
from app.safety.dialog import BackupsDialog
from app.safety.presenter import BackupsPresenter
from app.shell.theme import Theme
from app.store.errors import StoreError, StoreFull
from app.store.safekeeping import backups
from app.store.safekeeping.backups import Backup
from tests.app.safety.conftest import AtOnce

Done = Callable[[Backup], None]
Failed = Callable[[StoreError], None]


class Maker:
    """In the caretaker's place."""

    def __init__(self) -> None:
        self.asked: list[tuple[Done, Failed]] = []

    def back_up_now(self, done: Done, failed: Failed) -> None:
        self.asked.append((done, failed))


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def restored() -> list[Backup]:
    return []


@pytest.fixture
def dialog(
    qtbot: QtBot, theme: Theme, path: Path, elsewhere: AtOnce, maker: Maker, restored: list[Backup]
) -> BackupsDialog:
    presenter = BackupsPresenter(path, elsewhere, maker)  # type: ignore[arg-type]
    dialog = BackupsDialog(presenter, theme, restored.append)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def rows(list_: QTreeWidget) -> list[list[str]]:
    items = [list_.topLevelItem(row) for row in range(list_.topLevelItemCount())]
    return [[item.text(column) for column in range(4)] for item in items if item is not None]


def test_what_each_holds(dialog: BackupsDialog, path: Path) -> None:
    (backup,) = backups.backups_of(path)
    assert rows(dialog.list) == [
        [f"Today, {backup.at:%H:%M}", "before an import", "20 verdicts", wording.size(backup.size)]
    ]


def test_restoring_takes_a_second_press_and_says_what_it_does(
    dialog: BackupsDialog, restored: list[Backup], path: Path, qtbot: QtBot
) -> None:
    QTest.keyClick(dialog.list, Qt.Key.Key_Return)
    qtbot.waitUntil(dialog.confirm.isVisible)
    assert not restored and not dialog.restore_button.isVisible()
    assert "kept beside it" in dialog.said.text()
    dialog.cancel.click()
    assert dialog.restore_button.isVisible() and not dialog.confirm.isVisible()
    dialog.restore_button.click()
    QTest.keyClick(dialog.confirm, Qt.Key.Key_Return)
    assert restored == backups.backups_of(path)
    assert not dialog.isVisible()


def test_a_backup_by_hand(dialog: BackupsDialog, maker: Maker, path: Path) -> None:
    dialog.back_up.click()
    assert dialog.said.text() == "Making a backup…" and not dialog.back_up.isEnabled()
    (backup,) = backups.backups_of(path)
    other = backup.path.with_name("demo-20250101-101500-asked.dpo")
    other.write_bytes(backup.path.read_bytes())
    maker.asked[0][0](backup)
    assert dialog.said.text() == "A backup was made and checked." and dialog.back_up.isEnabled()
    assert rows(dialog.list)[1][:3] == ["1 Jan 2025, 10:15", "asked for", "20 verdicts"]
    dialog.back_up.click()
    maker.asked[1][1](StoreFull("There is no room for a backup."))
    assert dialog.said.text() == "There is no room for a backup."


def test_a_backup_that_cannot_be_read_says_nothing_of_what_it_holds(
    dialog: BackupsDialog, path: Path
) -> None:
    (backup,) = backups.backups_of(path)
    backup.path.with_name("demo-20250101-101500.dpo").write_bytes(b"no database" * 100)
    dialog._presenter.refresh()
    assert rows(dialog.list)[1] == ["1 Jan 2025, 10:15", "", "", "1.1 kB"]


def test_none_yet(qtbot: QtBot, theme: Theme, tmp_path: Path, elsewhere: AtOnce) -> None:
    dialog = BackupsDialog(
        BackupsPresenter(tmp_path / "new.dpo", elsewhere, None), theme, lambda backup: None
    )
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.empty.isVisible() and not dialog.list.isVisible()
    assert not dialog.restore_button.isEnabled() and not dialog.back_up.isEnabled()


def test_every_control_has_a_name(dialog: BackupsDialog) -> None:
    assert dialog.list.accessibleName()
    assert all(button.text() for button in dialog.findChildren(QAbstractButton))


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 23, 9, 5), "Today, 09:05"),
        (datetime(2026, 11, 22, 23, 59), "Yesterday, 23:59"),
        (datetime(2026, 3, 1, 0, 0), "1 Mar, 00:00"),
        (datetime(2025, 11, 23, 9, 5), "23 Nov 2025, 09:05"),
    ],
)
def test_when(at: datetime, said: str) -> None:
    assert wording.when(Backup(Path("x"), at, "regular", 1), date(2026, 11, 23)) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (45_600_000, "46 MB"), (2.1e12, "2.1 TB")],
)
def test_size(number: int, said: str) -> None:
    assert wording.size(number) == said
