"""The runs as rows of a table: a check for drawing beside others, notes that are written in place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.shell.theme import Theme
from app.train.runs.disk import size_words
from app.train.runs.wording import state_words
from app.train.state import RunLine
from app.train.wording import STATUS_ICONS, figure, short_name, when

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_Role = Qt.ItemDataRole


@dataclass(frozen=True, kw_only=True)
class Column:
    title: str
    width: int
    """Pixels at 100 % text size; 0 takes what is left."""
    words: Callable[[RunLine], str]
    number: bool = False
    tip: str = ""
    from_width: int = 0
    """Shown where the table has so many pixels at 100 % text size."""


def _pairs(line: RunLine) -> str:
    run = line.run
    return f"{run.train_pairs:,} + {run.held_out_pairs:,}" if run.held_out_pairs else f"{run.train_pairs:,}"


def _steps(line: RunLine) -> str:
    return f"{line.run.step:,} / {line.run.total_steps:,}" if line.run.total_steps else "–"


def _method(line: RunLine) -> str:
    return {"lora": "LoRA", "full": "Full", "qlora": "QLoRA"}.get(line.run.method, line.run.method)


COLUMNS = (
    Column(
        title="Run",
        width=164,
        words=lambda line: short_name(line.run.name),
        tip="Check runs to draw their curves beside those of the selected one",
    ),
    Column(title="Note", width=0, words=lambda line: line.run.notes, tip="Write here with F2"),
    Column(title="State", width=152, words=state_words),
    Column(title="Method", width=72, words=_method, from_width=900),
    Column(
        title="Pairs",
        width=132,
        words=_pairs,
        number=True,
        tip="Preferences trained on, and those held out for measuring",
        from_width=820,
    ),
    Column(title="Steps", width=92, words=_steps, number=True),
    Column(
        title="Margin",
        width=76,
        words=lambda line: "–" if line.margin is None else figure("{:.3f}", line.margin),
        number=True,
        tip="Reward margin of the last step",
    ),
    Column(
        title="Disk",
        width=76,
        words=lambda line: "…" if line.disk is None else size_words(line.disk),
        number=True,
        tip="What the run's folder takes up",
        from_width=900,
    ),
    Column(title="Made", width=84, words=lambda line: when(line.run.created_at)),
)
RUN, NOTE, STATE = 0, 1, 2


class RunsModel(QAbstractTableModel):
    """`note_written`: a person wrote one; the model shows it once the project has it."""

    note_written = Signal(int, str)
    compare_wanted = Signal(int, bool)

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: tuple[RunLine, ...] = ()
        theme.changed.connect(self._on_theme_changed)

    def show_lines(self, lines: tuple[RunLine, ...]) -> None:
        """The same runs keep the selection, and what is being written; other runs reset the table."""
        before = self._lines
        same = [line.run.id for line in lines] == [line.run.id for line in before]
        if not same:
            self.beginResetModel()
            self._lines = lines
            self.endResetModel()
            return
        self._lines = lines
        for row, (line, old) in enumerate(zip(lines, before, strict=True)):
            if line is not old and line != old:
                self._row_changed(row, with_note=line.run.notes != old.run.notes)

    def line(self, row: int) -> RunLine | None:
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def row_of(self, run_id: int | None) -> int | None:
        return next((row for row, line in enumerate(self._lines) if line.run.id == run_id), None)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case _Role.DisplayRole:
                return COLUMNS[section].title
            case _Role.ToolTipRole:
                return COLUMNS[section].tip or None
            case _Role.TextAlignmentRole:
                return _alignment(section)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.column() == RUN:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        if index.column() == NOTE:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        line, column = self.line(index.row()), index.column()
        if line is None:
            return None
        match role:
            case _Role.DisplayRole:
                return COLUMNS[column].words(line)
            case _Role.EditRole if column == NOTE:
                return line.run.notes
            case _Role.AccessibleTextRole:
                return _spoken(line, column)
            case _Role.CheckStateRole if column == RUN:
                return Qt.CheckState.Checked if line.compared else Qt.CheckState.Unchecked
            case _Role.TextAlignmentRole:
                return _alignment(column)
            case _Role.DecorationRole:
                return self._icon(line, column)
            case _Role.ForegroundRole if column == NOTE:
                return self._theme.colour("secondary")
            case _Role.FontRole if COLUMNS[column].number:
                return self._theme.figures()
            case _Role.ToolTipRole:
                return "\n".join(part for part in (line.run.name, line.run.notes, line.run.message) if part)
        return None

    def setData(self, index: Index, value: Any, role: int = _Role.EditRole) -> bool:
        line = self.line(index.row())
        if line is None:
            return False
        if role == _Role.CheckStateRole and index.column() == RUN:
            self.compare_wanted.emit(line.run.id, Qt.CheckState(value) == Qt.CheckState.Checked)
            return True
        if role == _Role.EditRole and index.column() == NOTE:
            if str(value) != line.run.notes:
                self.note_written.emit(line.run.id, str(value))
            return True
        return False

    def _icon(self, line: RunLine, column: int) -> Any:
        if column == RUN and line.run.pinned:
            return self._theme.icon("bookmark", "accent")
        if column != STATE:
            return None
        if line.place:
            return self._theme.icon("clock", "accent")
        if line.phase is None:
            return self._theme.icon(*STATUS_ICONS[line.run.status])
        return self._theme.icon(*STATUS_ICONS["paused" if line.phase == "paused" else "running"])

    def _row_changed(self, row: int, *, with_note: bool) -> None:
        """Not the note's own cell unless it is another one: a field open there would be filled anew."""
        spans = ((RUN, len(COLUMNS) - 1),) if with_note else ((RUN, RUN), (NOTE + 1, len(COLUMNS) - 1))
        for first, last in spans:
            self.dataChanged.emit(self.index(row, first), self.index(row, last))

    def _on_theme_changed(self) -> None:
        for row in range(len(self._lines)):
            self._row_changed(row, with_note=True)


def _spoken(line: RunLine, column: int) -> str:
    words = COLUMNS[column].words(line)
    if column == RUN:
        marks = [mark for mark, on in (("pinned", line.run.pinned), ("compared", line.compared)) if on]
        return ", ".join((words, *marks))
    return words


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if COLUMNS[column].number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
