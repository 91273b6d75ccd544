"""Settings of two runs side by side, only those that differ."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.shell.palette import Space
from app.shell.theme import set_role
from app.train.runs.differences import SettingDifference


class DifferencesGrid(QWidget):
    """Three columns: the setting, here, there; a sentence where no setting differs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: object = None
        self._labels: list[QLabel] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(Space.XL)
        self._grid.setVerticalSpacing(Space.XS)
        self._grid.setColumnStretch(3, 1)

    def show_differences(self, found: Sequence[SettingDifference], first: str, second: str) -> None:
        """`first` and `second` are what the runs are called."""
        if self._shown == (tuple(found), first, second):
            return
        self._shown = (tuple(found), first, second)
        self._clear()
        if not second:
            return
        if not found:
            self._put(0, 0, "No setting differs.", "")
            return
        for column, words in enumerate(("", first, second)):
            self._put(0, column, words, "caption")
        for row, difference in enumerate(found, 1):
            self._put(row, 0, difference.label, "secondary").setToolTip(difference.name)
            self._put(row, 1, difference.first, "strong")
            self._put(row, 2, difference.second, "")

    def words(self) -> list[str]:
        """Row by row, for a look from outside."""
        return [label.text() for label in self._labels]

    def _put(self, row: int, column: int, text: str, role: str) -> QLabel:
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_role(label, role)
        self._grid.addWidget(label, row, column)
        self._labels.append(label)
        return label

    def _clear(self) -> None:
        for label in self._labels:
            self._grid.removeWidget(label)
            label.deleteLater()
        self._labels.clear()
