"""Where an import comes from: files, a folder, or a data set of the hub, which is fetched when asked for."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.parts import hint_label
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.exchange.sources import ENDINGS

_KNOWN = (
    "JSONL, JSON, CSV, Parquet, Arrow and text. Recognised by themselves: TRL preferences and prompts, "
    "hh-rlhf, UltraFeedback, Argilla and Label Studio exports, Arena battles, and what DPO Studio exports. "
    "For others you say which column is what."
)
_ONLINE = (
    "Fetched from huggingface.co to this machine when you press Fetch. Nothing is sent but its name, and "
    "your token if one is kept in the keyring."
)


class SourceChooser(QFrame):
    files_chosen = Signal(list)
    """Paths: files, or one folder."""
    dataset_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._folder = str(Path.home())
        set_role(self, "card")
        self._icon = QLabel()
        self.files, self.folder = QPushButton("Choose files…"), QPushButton("Choose a folder…")
        self.dataset, self.fetch = QLineEdit(), QPushButton("Fetch")
        self._lay_out()
        self.files.clicked.connect(self._on_files)
        self.folder.clicked.connect(self._on_folder)
        self.dataset.textChanged.connect(lambda text: self.fetch.setEnabled(bool(text.strip())))
        self.dataset.returnPressed.connect(self._on_fetch)
        self.fetch.clicked.connect(self._on_fetch)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _on_files(self) -> None:
        pattern = " ".join(f"*{ending}" for ending in ENDINGS)
        paths, _ = QFileDialog.getOpenFileNames(
            self, "Import", self._folder, f"Files that can be imported ({pattern});;All files (*)"
        )
        self._take([Path(path) for path in paths])

    def _on_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Import a folder", self._folder)
        self._take([Path(path)] if path else [])

    def _take(self, paths: list[Path]) -> None:
        if paths:
            self._folder = str(paths[0].parent)
            self.files_chosen.emit(paths)

    def _on_fetch(self) -> None:
        if self.dataset.text().strip():
            self.dataset_chosen.emit(self.dataset.text().strip())

    def _lay_out(self) -> None:
        heading = QLabel("Drop files here")
        set_role(heading, "heading")
        for label in (self._icon, heading):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        set_role(self.files, "primary")
        buttons = _row(self.files, self.folder)
        known = hint_label(_KNOWN)
        known.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        line = QFrame()
        set_role(line, "line")
        title = QLabel("Or a data set of the Hugging Face hub")
        set_role(title, "strong")
        title.setBuddy(self.dataset)
        self.dataset.setPlaceholderText("owner/name")
        self.dataset.setAccessibleName("Data set of the hub, as owner/name")
        self.dataset.setToolTip("Where it has several parts, add the part's name after a blank")
        self.dataset.setMaxLength(400)
        self.fetch.setEnabled(False)
        online = QHBoxLayout()
        online.setSpacing(Space.S)
        online.addWidget(self.dataset, 1)
        online.addWidget(self.fetch)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XXL, Space.XXL, Space.XXL, Space.XL)
        column.setSpacing(Space.M)
        column.addWidget(self._icon)
        column.addWidget(heading)
        column.addLayout(buttons)
        column.addWidget(known)
        column.addSpacing(Space.S)
        column.addWidget(line)
        column.addSpacing(Space.S)
        column.addWidget(title)
        column.addLayout(online)
        column.addWidget(hint_label(_ONLINE))

    def _on_theme_changed(self) -> None:
        size = self._theme.px(32)
        self._icon.setPixmap(self._theme.icon("download", "faint").pixmap(size, size))
        self.setFixedWidth(self._theme.px(560))


def _row(*buttons: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(Space.S)
    row.addStretch(1)
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    return row
