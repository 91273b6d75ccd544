"""A few choices of which one holds, side by side."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QHBoxLayout, QPushButton, QWidget

from app.shell.theme import set_role


class Segments(QFrame):
    """A few choices of which one holds, with a count each. Arrow keys move, as in any group of buttons."""

    chosen = Signal(int)

    def __init__(self, name: str, titles: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("segments")
        self.setAccessibleName(name)
        self._titles = tuple(titles)
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        for number, title in enumerate(titles):
            button = QPushButton(title)
            button.setCheckable(True)
            button.setChecked(number == 0)
            button.setAccessibleName(f"{name}: {title}")
            set_role(button, "segment")
            self._group.addButton(button, number)
            row.addWidget(button)
        self._group.idToggled.connect(self._on_toggled)

    def button(self, number: int) -> QAbstractButton:
        return self._group.button(number)

    def choice(self) -> int:
        return self._group.checkedId()

    def choose(self, number: int) -> None:
        self._group.button(number).setChecked(True)

    def show_counts(self, counts: Sequence[int]) -> None:
        for number, (title, count) in enumerate(zip(self._titles, counts, strict=True)):
            self._group.button(number).setText(f"{title}  {count:,}")

    def hide_counts(self) -> None:
        for number, title in enumerate(self._titles):
            self._group.button(number).setText(title)

    def set_icons(self, icons: Sequence[QIcon | None]) -> None:
        for number, icon in enumerate(icons):
            if icon is not None:
                self._group.button(number).setIcon(icon)

    def _on_toggled(self, number: int, checked: bool) -> None:
        if checked:
            self.chosen.emit(number)
