"""What is said on the desktop, to a bus of our own."""

import gc
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.shell import notifications
from app.shell.notifications import DesktopNotifications


@pytest.fixture
def silent_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """Lets everybody in and never says a word after that; the connections it has."""
    address = tmp_path / "bus"
    bus, guests = socket.socket(socket.AF_UNIX), list[socket.socket]()
    bus.bind(str(address))
    bus.listen()

    def serve() -> None:
        while True:
            try:
                guest, _ = bus.accept()
                said = b""
                while b"AUTH" not in said and (heard := guest.recv(1024)):
                    said += heard
                guest.sendall(b"OK 1234deadbeef\r\n")
            except OSError:
                return
            # Only now: a test may hang up on whoever it sees here.
            guests.append(guest)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={address}")
    yield guests
    bus.shutdown(socket.SHUT_RDWR)
    bus.close()
    for guest in guests:
        guest.close()
    thread.join(timeout=5)


def telling() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "notify"]


def test_a_bus_that_says_nothing_holds_one_thread_and_no_more(
    qapp: QApplication,
    qtbot: QtBot,
    silent_bus: list[socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notifications.sys, "platform", "linux")
    window = QWidget()
    qtbot.addWidget(window)
    desktop = DesktopNotifications(window)
    for _ in range(3):
        desktop.notify("The training has ended", "100 pairs")
    qtbot.waitUntil(lambda: len(silent_bus) == 1)
    assert len(telling()) == 1
    silent_bus[0].close()
    qtbot.waitUntil(lambda: not telling())
    desktop.notify("The training has ended", "100 pairs")
    qtbot.waitUntil(lambda: len(silent_bus) == 2)
    silent_bus[1].close()
    qtbot.waitUntil(lambda: not telling())
    gc.collect()


def test_without_a_bus_nothing_is_said_and_nothing_happens(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'nobody'}")
    window = QWidget()
    qtbot.addWidget(window)
    DesktopNotifications(window).notify("The training has ended", "100 pairs")
    qtbot.waitUntil(lambda: not telling())
