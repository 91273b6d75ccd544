"""What the window's own actions do: theme, text size, projects, log files."""

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QProcess, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.shell.keymap import Keymap
from app.shell.keys_dialog import KeysDialog
from app.shell.navigation import PLACES
from app.shell.settings import SettingsFile
from app.shell.theme import Mode, Theme
from app.shell.window import MainWindow
from dpo_engine import __version__
from dpo_engine.locations import data_dir, log_dir

_FILTER = "DPO Studio project (*.dpo)"


class Commands:
    """`handlers` has one for every action of `actions.SPECS` but those of the engine and the project."""

    def __init__(
        self,
        window: MainWindow,
        theme: Theme,
        settings: SettingsFile,
        keymap: Keymap,
        project: Callable[[], Path],
    ) -> None:
        self._window = window
        self._theme = theme
        self._settings, self._keymap = settings, keymap
        self._project = project
        self.handlers: dict[str, Callable[[], None]] = {
            "new-project": self._new_project,
            "open-project": self._open_project,
            "show-project-folder": lambda: self._show_folder(self._project().parent),
            "quit": window.close_requested.emit,
            **{f"go-{place.key}": self._going_to(place.key) for place in PLACES},
            "palette": window.open_palette,
            "keys": self._show_keys,
            "theme-system": lambda: self._set_mode("system"),
            "theme-light": lambda: self._set_mode("light"),
            "theme-dark": lambda: self._set_mode("dark"),
            "text-larger": lambda: self._set_scale(theme.scale + 0.1),
            "text-smaller": lambda: self._set_scale(theme.scale - 0.1),
            "text-usual": lambda: self._set_scale(1.0),
            "show-logs": lambda: self._show_folder(log_dir()),
            "about": self._show_about,
        }

    def _going_to(self, key: str) -> Callable[[], None]:
        return lambda: self._window.show_place(key)

    def _set_mode(self, mode: Mode) -> None:
        self._theme.set_mode(mode)
        self._settings.change(theme=mode)

    def _set_scale(self, scale: float) -> None:
        self._theme.set_scale(round(scale, 1))
        self._settings.change(text_scale=self._theme.scale)

    def _new_project(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self._window, "New project", str(data_dir()), _FILTER)
        if path:
            self._open_window(Path(path).with_suffix(".dpo"))

    def _open_project(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._window, "Open project", str(data_dir()), _FILTER)
        if path:
            self._open_window(Path(path))

    def _open_window(self, path: Path) -> None:
        """Each project has a window, and an engine, of its own: what runs in this one goes on."""
        command = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "app"]
        QProcess.startDetached(command[0], [*command[1:], "--project", str(path)])

    def _show_folder(self, folder: Path) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _show_keys(self) -> None:
        dialog = KeysDialog(self._keymap, self._theme, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        dialog.list.setFocus()

    def _show_about(self) -> None:
        QMessageBox.about(
            self._window,
            "About DPO Studio",
            f"<b>DPO Studio {__version__}</b><p>Teach a language model your taste, on your own machine.</p>"
            "<p>With Inter (SIL OFL 1.1), JetBrains Mono (Apache 2.0), Lucide icons (ISC) and Qt (LGPL).</p>",
        )
