"""Addresses in a text: copied at once, opened only after a question that shows all of them."""

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QTextCursor
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.widgets.links import add_link_actions, ask_to_open, is_openable, links_of
from app.widgets.reading_text import ReadingText

TEXT = "See [this](https://example.com/a?b=1&c=2) or [that](ftp://example.com/x), and [this](https://example.com/a?b=1&c=2)."


@pytest.fixture
def reading(qtbot: QtBot, qapp: QApplication) -> ReadingText:
    widget = ReadingText(Theme(qapp, "light"))
    qtbot.addWidget(widget)
    widget.show()
    widget.show_text(TEXT)
    return widget


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: found.append(QUrl(url).toString()))
    return found


def question(reading: ReadingText) -> QMessageBox:
    (box,) = reading.findChildren(QMessageBox)
    return box


def pressed(box: QMessageBox, words: str) -> None:
    next(button for button in box.findChildren(QPushButton) if button.text() == words).click()


def test_a_menu_by_key_has_every_address_once(reading: ReadingText) -> None:
    assert links_of(reading, None) == ["https://example.com/a?b=1&c=2", "ftp://example.com/x"]
    menu = QMenu(reading)
    add_link_actions(menu, reading, None)
    assert [action.text() for action in menu.actions() if action.text()] == [
        "Copy https://example.com/a?b=1&&c=2",
        "Open https://example.com/a?b=1&&c=2…",
        "Copy ftp://example.com/x",
    ]
    menu.actions()[1].trigger()
    assert QGuiApplication.clipboard().text() == "https://example.com/a?b=1&c=2"


def test_a_menu_by_mouse_has_the_address_under_it(reading: ReadingText) -> None:
    place = QTextCursor(reading.document().find("that"))
    assert links_of(reading, place) == ["ftp://example.com/x"]
    assert links_of(reading, reading.document().find("See")) == []


def test_nothing_is_opened_before_the_person_says_so(reading: ReadingText, opened: list[str]) -> None:
    ask_to_open("https://example.com/a?b=1", reading)
    box = question(reading)
    assert "https://example.com/a?b=1" in box.informativeText()
    assert box.textFormat() == Qt.TextFormat.PlainText
    assert opened == []
    pressed(box, "Open in the browser")
    assert opened == ["https://example.com/a?b=1"]


def test_enter_on_the_question_opens_nothing(reading: ReadingText, opened: list[str]) -> None:
    ask_to_open("https://example.com/", reading)
    default = question(reading).defaultButton()
    assert default is not None
    default.click()
    assert opened == []


@pytest.mark.parametrize(
    ("address", "openable"),
    [
        ("https://example.com/x", True),
        ("HTTP://example.com", True),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("mailto:a@b.c", False),
        ("data:text/html,x", False),
        ("https://", False),
        ("http://[", False),
        ("x", False),
    ],
)
def test_only_pages_of_the_web_can_be_opened(address: str, openable: bool) -> None:
    assert is_openable(address) is openable
