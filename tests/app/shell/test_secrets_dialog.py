"""The dialog of tokens: says whether there is one and where, replaces and forgets, and never shows it."""

from collections.abc import Callable

import keyring
import pytest
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.SecretService import Keyring as SecretServiceKeyring
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.shell.gui_thread import GuiThread
from app.shell.secret_keeping import SecretKeeping
from app.shell.secrets import Held, KeyringSecrets, Name
from app.shell.secrets_dialog import SecretsDialog
from app.shell.theme import Theme

TOKEN = "hf_nobody-sees-this"  # noqa: S105


class Ring:
    """A keyring that can refuse."""

    def __init__(self, name: str = "a test's keyring") -> None:
        self.kept: dict[str, str] = {}
        self.name, self.locked = name, False

    def get(self, name: Name) -> str:
        return self.kept.get(name, "")

    def keep(self, name: Name, secret: str) -> str:
        if not secret.startswith("hf_"):
            raise ValueError("A token is one line of text. Nothing was kept.")
        self.kept[name] = secret
        return "" if self.name else "It is in memory."

    def forget(self, name: Name) -> bool:
        if not self.locked:
            self.kept.pop(name, None)
        return not self.locked

    def held(self, name: Name) -> Held:
        return ("keyring" if self.name else "memory") if name in self.kept else "nowhere"

    def keyring_name(self) -> str:
        return self.name


def at_once(work: Callable[[], None]) -> None:
    work()


@pytest.fixture
def ring() -> Ring:
    return Ring()


def opened(ring: Ring, theme: Theme, qtbot: QtBot) -> SecretsDialog:
    dialog = SecretsDialog(SecretKeeping("hub-token", ring, at_once, at_once), theme)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def words(dialog: SecretsDialog) -> str:
    """All that can be read in it."""
    labels = " ".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())
    buttons = " ".join(button.text() for button in dialog.findChildren(QPushButton))
    return f"{labels} {buttons} {dialog.field.displayText()}"


def test_a_token_is_kept_replaced_and_forgotten_by_keys(ring: Ring, theme: Theme, qtbot: QtBot) -> None:
    dialog = opened(ring, theme, qtbot)
    assert "There is none. One would be kept in a test's keyring." in words(dialog)
    assert not dialog.keep.isEnabled() and not dialog.forget.isEnabled()
    assert dialog.field.echoMode() == QLineEdit.EchoMode.Password and dialog.field.accessibleName()
    QTest.keyClicks(dialog.field, TOKEN)
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert ring.kept == {"hub-token": TOKEN} and dialog.isVisible()
    assert "There is one, kept in a test's keyring." in words(dialog) and dialog.keep.text() == "Replace"
    assert dialog.field.text() == "" and TOKEN not in words(dialog)
    QTest.keyClicks(dialog.field, "hf_other")
    QTest.keyClick(dialog.keep, Qt.Key.Key_Space)
    assert ring.kept == {"hub-token": "hf_other"}
    QTest.keyClick(dialog.forget, Qt.Key.Key_Space)
    assert not ring.kept and "There is none." in words(dialog) and "revoked" in words(dialog)


def test_what_is_no_token_is_said(ring: Ring, theme: Theme, qtbot: QtBot) -> None:
    dialog = opened(ring, theme, qtbot)
    QTest.keyClicks(dialog.field, "??")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert not ring.kept and "Nothing was kept." in words(dialog)


def test_a_keyring_that_does_not_let_go_is_said(ring: Ring, theme: Theme, qtbot: QtBot) -> None:
    ring.kept["hub-token"], ring.locked = TOKEN, True
    dialog = opened(ring, theme, qtbot)
    QTest.keyClick(dialog.forget, Qt.Key.Key_Space)
    assert "did not let go of it" in words(dialog) and dialog.forget.isEnabled()


def test_without_a_keyring_it_says_what_to_do(theme: Theme, qtbot: QtBot) -> None:
    dialog = opened(Ring(""), theme, qtbot)
    assert "no keyring" in words(dialog) and "install and unlock GNOME Keyring or KWallet" in words(dialog)
    QTest.keyClicks(dialog.field, TOKEN)
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert "There is one, in memory until DPO Studio is closed." in words(dialog)


def test_a_slow_keyring_holds_up_nothing_and_may_answer_too_late(theme: Theme, qtbot: QtBot) -> None:
    late: list[Callable[[], None]] = []
    gui = GuiThread()
    dialog = SecretsDialog(SecretKeeping("hub-token", Ring(), gui.post, late.append), theme)
    dialog.show()
    assert "Asking" in dialog.state.text() and not dialog.keep.isEnabled()
    dialog.accept()
    dialog.deleteLater()
    qtbot.waitUntil(lambda: True)
    (asked,) = late
    asked()
    qtbot.wait(1)


def test_the_keyring_is_called_what_a_person_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: object.__new__(SecretServiceKeyring))
    assert KeyringSecrets().keyring_name() == "the desktop's keyring (Secret Service)"
    monkeypatch.setattr(keyring, "get_keyring", FailKeyring)
    secrets = KeyringSecrets()
    assert secrets.keyring_name() == "" and secrets.held("hub-token") == "nowhere"
    secrets.keep("hub-token", TOKEN)
    assert secrets.held("hub-token") == "memory" and secrets.forget("hub-token")
    assert secrets.held("hub-token") == "nowhere"
