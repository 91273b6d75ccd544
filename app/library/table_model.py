"""The rows as a Qt model: as many as there are keys, each filled in when it is first looked at."""

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.library.columns import COLUMNS, marks
from app.library.table_rows import TableRows
from app.library.wording import STANDING_ICONS
from app.shell.theme import Theme
from app.store.library.table import LibraryRow

Index = QModelIndex | QPersistentModelIndex

ROW_ROLE = Qt.ItemDataRole.UserRole
"""The `LibraryRow` itself, or None while it is being fetched."""

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
# Absolute: a prompt in a right-to-left script keeps to the side of its column.
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter
_MOST_WITH_A_TIP = 24
"""Letters; what is longer may be cut in its cell."""


class LibraryTableModel(QAbstractTableModel):
    def __init__(self, rows: TableRows, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows, self._theme = rows, theme
        self._keys = rows.keys

    def take_rows(self) -> bool:
        """Show the keys that there are now; whether they are other ones, so that nothing is selected."""
        if np.array_equal(self._keys, self._rows.keys):
            self.fill(0, len(self._keys) - 1)
            return False
        # Not row by row: a table of a million rows becomes another one at once.
        self.beginResetModel()
        self._keys = self._rows.keys
        self.endResetModel()
        return True

    def fill(self, first: int, last: int) -> None:
        """What stands in these rows is known now."""
        last = min(last, len(self._keys) - 1)
        if first <= last:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(COLUMNS) - 1))

    def row(self, place: int) -> LibraryRow | None:
        return self._rows.row(place) if 0 <= place < len(self._keys) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(self._keys)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if COLUMNS[index.column()].number else _LEFT
        row = self.row(index.row())
        if role == ROW_ROLE:
            return row
        if row is None:
            return "…" if role == Qt.ItemDataRole.DisplayRole and index.column() == 0 else None
        return self._value(row, index.column(), role)

    def _value(self, row: LibraryRow, number: int, role: int) -> object:
        column = COLUMNS[number]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(row)
            case Qt.ItemDataRole.AccessibleTextRole:
                return (
                    f"{column.name}: {(marks(row) if column.key == 'marks' else column.text(row)) or 'none'}"
                )
            case Qt.ItemDataRole.DecorationRole if column.key == "verdict":
                name = "triangle-alert" if row.disputed else STANDING_ICONS[row.standing]
                return self._theme.icon(name, "warning" if row.disputed else "secondary")
            case Qt.ItemDataRole.ToolTipRole:
                text = _words(row, number)
                return text if len(text) > _MOST_WITH_A_TIP or column.key == "marks" else None
            case Qt.ItemDataRole.ForegroundRole if column.key not in ("prompt", "verdict"):
                return self._theme.colour("secondary")
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Vertical:
            return None
        column = COLUMNS[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.title
            case Qt.ItemDataRole.ToolTipRole:
                return f"{column.name}: click to sort" if column.sort else column.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return column.name
        return None


def _words(row: LibraryRow, number: int) -> str:
    """A cell in words, also where it is drawn."""
    column = COLUMNS[number]
    return marks(row) if column.key == "marks" else column.text(row)
