"""The pairs that a line is about, as a list to pick from: number, tokens, and what is with it."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.shell.theme import Theme
from app.train.preflight.facts import FactTable, Places
from app.train.preflight.wording import number_of
from dpo_engine.preflight import CUT, Mark

HEADINGS = ("Pair", "Length", "± Chosen", "Remark")
TIPS = (
    "The comparison's number",
    "Tokens of the prompt with the longer response",
    "How many tokens longer the chosen response is than the rejected one",
    "",
)
_REMARK = 3
_WIDTHS = (56, 60, 76)
_ROW = 28
_Index = QModelIndex | QPersistentModelIndex
_CUT_WORDS = {
    Mark.PROMPT_CUT: "prompt",
    Mark.CHOSEN_CUT: "chosen",
    Mark.REJECTED_CUT: "rejected",
}


class PairListModel(QAbstractTableModel):
    """`places` of a table; of the refused ones when `refused`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = FactTable()
        self._places: list[int] = []
        self._refused = False

    def show_pairs(self, table: FactTable, places: Places, *, refused: bool) -> None:
        self.beginResetModel()
        self._table, self._places, self._refused = table, places.tolist(), refused
        self.endResetModel()

    def place(self, row: int) -> int:
        return self._places[row]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(self._places)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = 0) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        place, column = self._places[index.row()], index.column()
        if self._refused:
            one = self._table.refused[place]
            text = {0: number_of(one.pair), _REMARK: one.reason}.get(column, "")
        else:
            text = self._text(place, column)
        return text if role == Qt.ItemDataRole.DisplayRole or column in (0, _REMARK) else None

    def _text(self, place: int, column: int) -> str:
        table = self._table
        if column == 0:
            return number_of(table.ids[place])
        if column == _REMARK:
            return remark(table, place)
        longer = max(int(table.chosen[place]), int(table.rejected[place]))
        if column == 1:
            return f"{int(table.prompt[place]) + longer:,}"
        return f"{int(table.chosen[place]) - int(table.rejected[place]):+,}".replace("-", "−")


class PairList(QTableView):
    """`picked` with a place of the table it shows."""

    picked = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.pairs = PairListModel(self)
        self.setModel(self.pairs)
        self.setAccessibleName("Pairs concerned")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setStretchLastSection(True)
        self.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_pairs(self, table: FactTable, places: Places, *, refused: bool) -> None:
        self.pairs.show_pairs(table, places, refused=refused)
        for column in (1, 2):
            self.setColumnHidden(column, refused)
        if len(places):
            self.selectRow(0)

    def _on_current_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.picked.emit(self.pairs.place(current.row()))

    def _restyle(self) -> None:
        self.setFont(self._theme.figures())
        self.verticalHeader().setDefaultSectionSize(self._theme.px(_ROW))
        for column, width in enumerate(_WIDTHS):
            self.setColumnWidth(column, self._theme.px(width))


def remark(table: FactTable, place: int) -> str:
    """What is with a pair, in a few words."""
    name, marks = table.ids[place], Mark(int(table.marks[place]))
    said = []
    if name in table.contradictions:
        said.append(f"against {number_of(table.contradictions[name])}")
    if name in table.duplicates:
        said.append(f"same as {number_of(table.duplicates[name])}")
    if marks & Mark.IDENTICAL:
        said.append("same on both sides")
    if marks & CUT:
        said.append("cut: " + ", ".join(words for mark, words in _CUT_WORDS.items() if marks & mark))
    if marks & Mark.HELD_OUT:
        said.append("held out")
    return "; ".join(said)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in (1, 2) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
