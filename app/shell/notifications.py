"""A word on the desktop when something long has ended and the person looks elsewhere."""

import logging
import sys
import threading

from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

_log = logging.getLogger(__name__)
_SHOWN_MS = 10_000
_PATIENCE = 5.0
"""Seconds that the desktop has for an answer."""


class DesktopNotifications:
    """Says nothing while the window is in front: what it would say is on the screen."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._tray: QSystemTrayIcon | None = None
        self._telling: threading.Thread | None = None

    def notify(self, title: str, text: str) -> None:
        """Show both as plain text, and mark the window as one that wants attention."""
        if self._window.isActiveWindow():
            return
        QApplication.alert(self._window)
        if sys.platform == "linux":
            # Its desktops have a service for this, also those without a tray.
            self._tell_on_a_thread(title, text)
        elif QSystemTrayIcon.isSystemTrayAvailable():
            self._tell_tray(title, text)

    def _tell_on_a_thread(self, title: str, text: str) -> None:
        """One at a time: a bus that takes a connection and then stays silent holds its thread for ever."""
        if self._telling is not None and self._telling.is_alive():
            _log.info("No desktop notification: the last one is still on its way.")
            return
        self._telling = threading.Thread(target=_tell_service, args=(title, text), name="notify", daemon=True)
        self._telling.start()

    def _tell_tray(self, title: str, text: str) -> None:
        if self._tray is None:
            self._tray = QSystemTrayIcon(QApplication.windowIcon(), self._window)
            self._tray.messageClicked.connect(self._on_clicked)
            self._tray.activated.connect(self._on_clicked)
        self._tray.show()
        self._tray.showMessage(title, text, QApplication.windowIcon(), _SHOWN_MS)

    def _on_clicked(self) -> None:
        if self._tray is not None:
            self._tray.hide()
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()


def _tell_service(title: str, text: str) -> None:
    """By the notification service of the freedesktop.org specification; without one nothing is said."""
    try:
        from jeepney import DBusAddress, new_method_call
        from jeepney.bus import find_session_bus
        from jeepney.io.blocking import DBusConnection, prep_socket

        service = DBusAddress(
            "/org/freedesktop/Notifications",
            bus_name="org.freedesktop.Notifications",
            interface="org.freedesktop.Notifications",
        )
        # Markup is allowed in the body there: what is not meant as such must not become it.
        body = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        content: tuple[object, ...] = ("DPO Studio", 0, "dpo-studio", title, body, [], {}, _SHOWN_MS)
        # The library leaves a socket open where the bus hangs up on its first word.
        with prep_socket(find_session_bus(), timeout=_PATIENCE) as bus, DBusConnection(bus) as connection:
            connection.send_and_get_reply(
                new_method_call(service, "Notify", "susssasa{sv}i", content), timeout=_PATIENCE
            )
    except Exception as error:
        _log.info("No desktop notification: %s", error)
