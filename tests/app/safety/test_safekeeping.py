"""What the window hears of the caretaker, and that the dialog's choice goes where it belongs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.safety.dialog import BackupsDialog
from app.safety.rescue_page import RescuePage
from app.safety.safekeeping import Safekeeping
from app.shell.gui_thread import GuiThread
from app.shell.theme import Theme
from app.shell.window import MainWindow
from app.store.errors import ProjectDamaged, StoreError, StoreFull
from app.store.safekeeping import caretaker
from app.store.safekeeping.backups import Backup, backups_of
from tests.store.safekeeping.test_salvage import destroy, pages_of


@dataclass
class Asked:
    restored: list[Backup] = field(default_factory=list)
    mended: list[ProjectDamaged] = field(default_factory=list)
    rescued: list[object] = field(default_factory=list)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> MainWindow:
    window = MainWindow(theme)
    qtbot.addWidget(window, before_close_func=lambda shown: shown.let_close())
    window.show()
    return window


@pytest.fixture
def safety(window: MainWindow, theme: Theme, asked: Asked) -> Iterator[Safekeeping]:
    gui = GuiThread(window)
    safety = Safekeeping(window, theme, gui, restore=asked.restored.append, mend=asked.mended.append)
    yield safety
    safety.let_go()
    safety.drop_rescue()()


def test_damage_found_meanwhile_is_told_with_a_way_on(
    safety: Safekeeping,
    window: MainWindow,
    asked: Asked,
    path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caretaker.health, "WHOLE_AT_ONCE", 0)
    destroy(path, pages_of(path, "prompts")[1][2])
    safety.look_after(path)
    qtbot.waitUntil(lambda: bool(window.banner.text), timeout=20_000)
    assert "is damaged: a check found it while you were working" in window.banner.text
    button = next(one for one in window.banner.findChildren(QPushButton) if one.isVisible())
    assert button.text() == "See what can be done"
    button.click()
    assert len(asked.mended) == 1


def test_a_backup_that_failed_is_told(
    safety: Safekeeping, window: MainWindow, path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **named: object) -> None:
        raise StoreFull("There is no room for a backup.")

    monkeypatch.setattr(caretaker, "back_up", full)
    monkeypatch.setattr(caretaker, "EVERY", 0.01)
    monkeypatch.setattr(caretaker.Caretaker.__init__, "__kwdefaults__", {"every": 0.01})
    monkeypatch.setattr(caretaker, "_is_backed_up", lambda path: False)
    safety.look_after(path)
    qtbot.waitUntil(lambda: "did not succeed" in window.banner.text, timeout=20_000)
    assert window.banner.text == "The regular backup did not succeed. There is no room for a backup."


def test_a_backup_chosen_of_an_open_project_goes_to_the_app(
    safety: Safekeeping, window: MainWindow, asked: Asked, path: Path, qtbot: QtBot
) -> None:
    safety.show_backups(path)
    dialog = window.findChild(BackupsDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.list.topLevelItemCount() == 1, timeout=20_000)
    dialog.restore_button.click()
    dialog.confirm.click()
    assert asked.restored == backups_of(path)


def test_a_backup_chosen_of_a_damaged_project_is_restored(
    safety: Safekeeping, window: MainWindow, asked: Asked, path: Path, qtbot: QtBot
) -> None:
    destroy(path, pages_of(path, "prompts")[1][2])
    safety.offer_rescue(path, ProjectDamaged("It is damaged."), asked.rescued.append, [])
    page = window.findChild(RescuePage)
    assert page is not None
    qtbot.waitUntil(page.older.isEnabled, timeout=20_000)
    page.older.click()
    dialog = window.findChild(BackupsDialog)
    qtbot.waitUntil(lambda: dialog.list.topLevelItemCount() == 1, timeout=20_000)
    dialog.restore_button.click()
    dialog.confirm.click()
    qtbot.waitUntil(lambda: bool(asked.rescued), timeout=20_000)
    assert not asked.restored


def test_the_backup_at_the_end_never_keeps_the_app_open(
    safety: Safekeeping, path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    safety.back_up_closed(path, lambda: ended.append(1))
    qtbot.waitUntil(lambda: len(ended) == 1, timeout=20_000)
    assert len(backups_of(path)) == 2

    def fail(path: Path) -> None:
        raise StoreError("The disk is gone.")

    monkeypatch.setattr("app.safety.safekeeping.back_up_closed", fail)
    safety.back_up_closed(path, lambda: ended.append(2))
    qtbot.waitUntil(lambda: ended == [1, 2], timeout=20_000)
