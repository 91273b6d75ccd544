"""The window: places, their keys, the palette, the banner, closing."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.shell.actions import SPECS, build_menus
from app.shell.command_palette import CommandPalette, matches
from app.shell.keymap import Keymap
from app.shell.navigation import PLACES
from app.shell.theme import Theme
from app.shell.window import MainWindow


@pytest.fixture
def made() -> list[str]:
    """Which pages were made, in order."""
    return []


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, made: list[str]) -> MainWindow:
    window = MainWindow(theme)
    qtbot.addWidget(window, before_close_func=lambda w: w.let_close())

    def maker(key: str, parent: QWidget) -> QWidget:
        made.append(key)
        return QLabel(key, parent)

    build_menus(
        window,
        {spec.key: lambda: None for spec in SPECS}
        | {f"go-{place.key}": lambda key=place.key: window.show_place(key) for place in PLACES}
        | {"palette": window.open_palette},
        Keymap(),
    )
    window.set_pages({place.key: lambda parent, key=place.key: maker(key, parent) for place in PLACES})
    window.show()
    qtbot.waitExposed(window)
    return window


def test_pages_are_made_when_first_shown(window: MainWindow, made: list[str]) -> None:
    assert made == ["annotate"]
    window.show_place("train")
    window.show_place("annotate")
    window.show_place("train")
    assert made == ["annotate", "train"]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.key)
def test_every_place_has_a_key(window: MainWindow, place: object) -> None:
    QTest.keyClick(window, getattr(Qt.Key, "Key_" + place.shortcut[-1]), Qt.KeyboardModifier.ControlModifier)
    assert isinstance(window.current_page, QLabel)
    assert window.current_page.text() == place.key


def test_shortcuts_are_unique() -> None:
    keys = [keys for spec in SPECS for keys in spec.keys]
    assert len(keys) == len(set(keys))


def test_palette_finds_and_triggers(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.findChild(CommandPalette)
    assert palette is not None and palette.isVisible()
    field = palette.findChild(QLineEdit)
    QTest.keyClicks(field, "insp")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert window.current_page.text() == "inspector"


def test_a_disabled_action_is_not_offered(theme: Theme, window: MainWindow) -> None:
    palette = CommandPalette(theme, window)
    off = QAction("Do it", window)
    off.setEnabled(False)
    palette.open_with([off, QAction("Leave it", window)])
    assert palette._list.count() == 1
    palette.hide()


@pytest.mark.parametrize(
    ("query", "name", "found"),
    [
        ("", "Go to Train", True),
        ("go tr", "Go to Train", True),
        ("gtt", "Go to Train", True),
        ("xyz", "Go to Train", False),
    ],
)
def test_matching(query: str, name: str, found: bool) -> None:
    assert (matches(query, name) is not None) is found


def test_banner_says_it_and_acts(window: MainWindow, qtbot: QtBot) -> None:
    acted: list[int] = []
    window.banner.show_message("The engine stopped.", "Restart", lambda: acted.append(1))
    assert window.banner.text == "The engine stopped."
    window.banner._button.click()
    assert acted == [1]
    assert window.banner.text == ""


def test_closing_waits_for_leave(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.close_requested):
        window.close()
    assert window.isVisible()
    window.let_close()
    assert not window.isVisible()


def test_theme_change_reaches_the_icons(window: MainWindow, theme: Theme) -> None:
    before = window.navigation._buttons["train"].icon().pixmap(18).toImage()
    theme.set_mode("dark")
    after = window.navigation._buttons["train"].icon().pixmap(18).toImage()
    assert before != after
    theme.set_mode("light")
