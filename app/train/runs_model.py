"""The runs as rows of a table."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.shell.theme import Theme
from app.train.state import RunLine
from app.train.wording import PHASE_WORDS, STATUS_ICONS, STATUS_WORDS, figure, short_name, when

HEADINGS = ("Run", "State", "Method", "Pairs", "Steps", "Margin", "Started")
_TOOLTIPS = {
    3: "Preferences trained on, and those held out for measuring",
    5: "Reward margin of the last step",
}
_NUMBERS = (3, 4, 5)

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_Role = Qt.ItemDataRole


class RunsModel(QAbstractTableModel):
    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: tuple[RunLine, ...] = ()
        theme.changed.connect(self._on_theme_changed)

    def show_lines(self, lines: tuple[RunLine, ...]) -> None:
        """The same runs keep the selection; other runs reset the table."""
        same = [line.run.id for line in lines] == [line.run.id for line in self._lines]
        if not same:
            self.beginResetModel()
        self._lines = lines
        if same:
            self._all_changed()
        else:
            self.endResetModel()

    def line(self, row: int) -> RunLine | None:
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def row_of(self, run_id: int | None) -> int | None:
        return next((row for row, line in enumerate(self._lines) if line.run.id == run_id), None)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case _Role.DisplayRole:
                return HEADINGS[section]
            case _Role.ToolTipRole:
                return _TOOLTIPS.get(section)
            case _Role.TextAlignmentRole:
                return _alignment(section)
        return None

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        line = self.line(index.row())
        if line is None:
            return None
        match role:
            case _Role.DisplayRole | _Role.AccessibleTextRole:
                return _cells(line)[index.column()]
            case _Role.TextAlignmentRole:
                return _alignment(index.column())
            case _Role.DecorationRole if index.column() == 1:
                return self._theme.icon(*_icon(line))
            case _Role.FontRole if index.column() in _NUMBERS:
                return self._theme.figures()
            case _Role.ToolTipRole:
                return f"{line.run.name}\n{line.run.message}".strip()
        return None

    def _all_changed(self) -> None:
        if self._lines:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._lines) - 1, len(HEADINGS) - 1))

    def _on_theme_changed(self) -> None:
        self._all_changed()


def state_words(line: RunLine) -> str:
    words = PHASE_WORDS[line.phase] if line.phase else STATUS_WORDS[line.run.status]
    return f"{words} · in use" if line.in_use else words


def _icon(line: RunLine) -> tuple[str, str]:
    if line.phase is None:
        return STATUS_ICONS[line.run.status]
    return STATUS_ICONS["paused" if line.phase == "paused" else "running"]


def _cells(line: RunLine) -> tuple[str, ...]:
    run = line.run
    return (
        short_name(run.name),
        state_words(line),
        {"lora": "LoRA", "full": "Full"}.get(run.method, run.method),
        f"{run.train_pairs:,} + {run.held_out_pairs:,}" if run.held_out_pairs else f"{run.train_pairs:,}",
        f"{run.step:,} / {run.total_steps:,}" if run.total_steps else "–",
        "–" if line.margin is None else figure("{:.3f}", line.margin),
        when(run.created_at),
    )


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
