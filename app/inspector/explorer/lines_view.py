"""The figures of the pair, a line each: name, value, arithmetic."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from app.inspector.explorer.figure_lines import Line
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_STRONG = ("margin", "loss", "case")
_VALUE_WIDTH = 84


class LinesView(QWidget):
    """As many lines as it is given the first time."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: tuple[Line, ...] = ()
        self._labels: list[tuple[QLabel, QLabel, QLabel]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(Space.M)
        self._grid.setVerticalSpacing(Space.XS)
        self._grid.setColumnStretch(2, 1)
        theme.changed.connect(self._on_theme_changed)

    def show_lines(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(lines)
        for line in lines[len(self._labels) :]:
            self._add_row(strong=line.key in _STRONG)
        for line, (name, arithmetic, value) in zip(lines, self._labels, strict=True):
            name.setText(line.name)
            arithmetic.setText(f"=  {line.arithmetic}" if line.number is not None else line.arithmetic)
            value.setText(line.value)
            name.setAccessibleName(line.sentence)

    def text_of(self, key: str) -> str:
        """The line of this figure as it stands."""
        return next(line.sentence for line in self._lines if line.key == key)

    def copy(self) -> None:
        """All lines as a table for the clipboard."""
        QGuiApplication.clipboard().setText(
            "\n".join(f"{line.name}\t{line.value}\t{line.arithmetic}" for line in self._lines)
        )

    def _add_row(self, *, strong: bool) -> None:
        name, arithmetic, value = QLabel(), QLabel(), QLabel()
        row = len(self._labels)
        set_role(name, "secondary")
        set_role(arithmetic, "secondary")
        if strong:
            set_role(value, "strong")
        for label in (name, arithmetic, value):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # A long line is cut at the right rather than making the page wider.
        arithmetic.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        arithmetic.setAlignment(Qt.AlignmentFlag.AlignLeft)
        value.setAlignment(Qt.AlignmentFlag.AlignRight)
        for column, label in enumerate((name, value, arithmetic)):
            self._grid.addWidget(label, row, column)
        self._labels.append((name, arithmetic, value))
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        for _name, arithmetic, value in self._labels:
            arithmetic.setFont(self._theme.figures())
            value.setFont(self._theme.figures())
            value.setMinimumWidth(self._theme.px(_VALUE_WIDTH))
