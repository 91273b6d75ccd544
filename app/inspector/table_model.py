"""The pairs of a checkpoint as a Qt model: numpy columns below, one row a pair in the order asked for."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon

from app.inspector.columns import COLUMNS, Column
from app.inspector.figures import CASES
from app.inspector.pair_table import PairTable, Rows
from app.inspector.wording import CASE_MEANINGS
from app.shell.theme import Theme
from dpo_engine.pair_math import Case

Index = QModelIndex | QPersistentModelIndex

CASE_ICONS: dict[Case, tuple[str, str]] = {
    "learned": ("check", "good"),
    "undecided": ("equal", "secondary"),
    "against": ("x", "danger"),
}
"""Icon and palette colour: three shapes, so that the colour only repeats them."""

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class PairTableModel(QAbstractTableModel):
    """Sorting and filtering are numpy's: the model only knows the resulting places."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._table = PairTable.empty()
        self._rows: Rows = np.empty(0, dtype=np.intp)

    @property
    def table(self) -> PairTable:
        return self._table

    def show(self, table: PairTable, rows: Rows) -> None:
        """Pairs of this table, those at these places and in their order."""
        self.beginResetModel()
        self._table, self._rows = table, rows
        self.endResetModel()

    def place(self, row: int) -> int:
        """The pair's place in the table, from its row on screen."""
        return int(self._rows[row])

    def row_of(self, place: int) -> int:
        """The row on screen of a pair's place in the table; -1 when it is filtered out."""
        found = np.flatnonzero(self._rows == place)
        return int(found[0]) if found.size else -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or role not in _ANSWERS:
            return None
        return _ANSWERS[Qt.ItemDataRole(role)](self, COLUMNS[index.column()], self.place(index.row()))

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Vertical:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            case Qt.ItemDataRole.ToolTipRole:
                return f"{COLUMNS[section].name}: {COLUMNS[section].tip}"
            case Qt.ItemDataRole.AccessibleTextRole:
                return COLUMNS[section].name
        return None

    def as_tsv(self, rows: list[int]) -> str:
        """These rows with a line of column names, six decimals, for a spreadsheet."""
        lines = ["\t".join(["pair", *(column.name for column in COLUMNS)])]
        for row in rows:
            place = self.place(row)
            cells = [self._plain(column, place) for column in range(len(COLUMNS))]
            lines.append("\t".join([self._table.ids[place], *cells]))
        return "\n".join(lines) + "\n"

    def _plain(self, column: int, place: int) -> str:
        described = COLUMNS[column]
        if not described.number or described.values is None:
            return described.text(self._table, place)
        value = described.values(self._table)[place]
        return f"{value:.6f}" if isinstance(value, np.floating) else str(int(value))

    def _text(self, column: Column, place: int) -> str:
        return column.text(self._table, place)

    def _accessible(self, column: Column, place: int) -> str:
        return f"{column.name}: {column.text(self._table, place)}"

    def _alignment(self, column: Column, _place: int) -> Qt.AlignmentFlag:
        return _RIGHT if column.number else _LEFT

    def _icon(self, column: Column, place: int) -> QIcon | None:
        return self._theme.icon(*CASE_ICONS[self._case(place)]) if column.key == "case" else None

    def _case(self, place: int) -> Case:
        return CASES[int(self._table.figures.case[place])]

    def _tip(self, column: Column, place: int) -> str | None:
        if column.key == "case":
            return CASE_MEANINGS[self._case(place)]
        if column.key.endswith("_tokens") and self._table.truncated[place]:
            return "Cut to the run's max length"
        return None


_ANSWERS: dict[Qt.ItemDataRole, Callable[[PairTableModel, Column, int], object]] = {
    Qt.ItemDataRole.DisplayRole: PairTableModel._text,
    Qt.ItemDataRole.TextAlignmentRole: PairTableModel._alignment,
    Qt.ItemDataRole.DecorationRole: PairTableModel._icon,
    Qt.ItemDataRole.ToolTipRole: PairTableModel._tip,
    Qt.ItemDataRole.AccessibleTextRole: PairTableModel._accessible,
}
