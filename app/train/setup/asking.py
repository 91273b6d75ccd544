"""Where settings are saved to and loaded from, and the command line on the clipboard."""

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.train.presenter import TrainPresenter
from app.train.setup.panel import SetupPanel

_FILES = "Settings (*.toml)"


class SettingsErrands(QObject):
    """Does what the settings' menu offers, asking for a file where one is needed."""

    def __init__(self, page: QWidget, panel: SetupPanel, presenter: TrainPresenter) -> None:
        super().__init__(page)
        self._page, self._panel, self._presenter = page, panel, presenter
        panel.bar.preset_chosen.connect(presenter.use_preset)
        panel.bar.save_wanted.connect(self.save)
        panel.bar.load_wanted.connect(self.load)
        panel.bar.command_wanted.connect(self.copy_command)

    def save(self) -> None:
        if self._panel.errors():
            self._panel.focus_first_error()
            return
        dialog = QFileDialog(self._page, "Save the settings", "settings.toml", _FILES)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        self._open(dialog)
        dialog.fileSelected.connect(lambda path: self._presenter.form.save(Path(path), self._panel.say))

    def load(self) -> None:
        dialog = QFileDialog(self._page, "Load settings", "", _FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._open(dialog)
        dialog.fileSelected.connect(lambda path: self._presenter.form.load(Path(path), self._panel.say))

    def copy_command(self) -> None:
        if self._panel.errors():
            self._panel.focus_first_error()
        else:
            self._presenter.write_command(self._on_command_written)

    def _open(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_command_written(self, command: str) -> None:
        QGuiApplication.clipboard().setText(command)
        self._panel.say("Copied. The pairs as they are now are kept beside the runs for it.")
