"""Two lines of means below the filters: the pairs the run learned from, and those it never saw."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.inspector.pair_table import PairTable, summary_of
from app.inspector.wording import count, summary_cells
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from dpo_engine.preferences import Split

_LINES: tuple[tuple[str, Split], ...] = (("Train", "train"), ("Held-out", "held_out"))


class SummaryLines(QWidget):
    """Of all pairs of the checkpoint, whatever is filtered."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cells = [[QLabel() for _cell in range(6)] for _line in _LINES]
        self._note = QLabel()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(Space.XL)
        grid.setVerticalSpacing(2)
        for line, cells in enumerate(self._cells):
            for column, cell in enumerate(cells):
                set_role(cell, "caption")
                grid.addWidget(cell, line, column)
            cells[1].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        set_role(self._note, "error")
        grid.addWidget(self._note, 0, 6)
        grid.setColumnStretch(7, 1)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_table(self, table: PairTable) -> None:
        for (title, split), cells in zip(_LINES, self._cells, strict=True):
            summary = summary_of(table, split)
            words = summary_cells(title, summary)
            for cell, text in zip(cells, words, strict=True):
                cell.setText(text)
                cell.setVisible(summary.pairs > 0 or split == "train")
        self._note.setText(f"{count(table.left_out)} without figures" if table.left_out else "")

    def lines(self) -> list[str]:
        return ["  ".join(cell.text() for cell in cells) for cells in self._cells]

    def _on_theme_changed(self) -> None:
        for cells in self._cells:
            for cell in cells:
                cell.setFont(self._theme.figures(FontSize.CAPTION))
