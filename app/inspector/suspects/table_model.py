"""The ranked verdicts as a Qt model: one row a pair, the most suspect first, or by another column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon

from app.inspector.suspects.material import SuspectRow
from app.inspector.suspects.wording import OUTCOME_MEANINGS, OUTCOME_WORDS
from app.inspector.wording import decimal, percent
from app.shell.theme import Theme
from app.store.training.studies import Outcome

Index = QModelIndex | QPersistentModelIndex
Key = Callable[[SuspectRow], float | str]

OUTCOME_ICONS: dict[Outcome, tuple[str, str]] = {
    "waiting": ("clock", "secondary"),
    "later": ("skip-forward", "secondary"),
    "confirmed": ("check", "good"),
    "turned": ("rotate-cw", "accent"),
    "tie": ("equal", "secondary"),
    "both_bad": ("thumbs-down", "secondary"),
    "changed": ("pen-line", "secondary"),
    "deleted": ("trash-2", "faint"),
}
"""Icon and palette colour: the shapes differ, so that the colour only repeats them."""

_WITHOUT = "Trained without it"
_STRENGTHS = {1: "Better", 2: "Much better", 3: "Far better"}
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, kw_only=True)
class Column:
    title: str
    tip: str
    width: int
    text: Callable[[SuspectRow], str]
    key: Key
    group: str = ""
    number: bool = True
    frozen: bool = False


COLUMNS: Sequence[Column] = (
    Column(
        title="#",
        tip="1 is the most suspect: by the difference of the log-ratios over the square root of the tokens",
        width=52,
        text=lambda one: f"{one.found.rank:,}",
        key=lambda one: one.found.rank,
        frozen=True,
    ),
    Column(
        title="Prompt",
        tip="How the prompt's last turn begins",
        width=260,
        text=lambda one: one.row.opening,
        key=lambda one: one.row.opening.casefold(),
        number=False,
        frozen=True,
    ),
    Column(
        title="Agrees",
        group=_WITHOUT,
        tip="σ(margin): how likely the policy that never saw this verdict holds the chosen response better",
        width=84,
        text=lambda one: percent(one.found.probability, 0),
        key=lambda one: one.found.probability,
    ),
    Column(
        title="Margin",
        group=_WITHOUT,
        tip="β times the difference of the two log-ratios, under that policy; below 0 it disagrees",
        width=92,
        text=lambda one: decimal(one.found.margin, 3),
        key=lambda one: one.found.margin,
    ),
    Column(
        title="Tokens",
        tip="Of the chosen and of the rejected response",
        width=104,
        text=lambda one: f"{one.row.score.chosen_tokens:,} · {one.row.score.rejected_tokens:,}",
        key=lambda one: one.row.score.chosen_tokens + one.row.score.rejected_tokens,
    ),
    Column(
        title="Strength",
        tip="How much better the chosen response was called",
        width=110,
        text=lambda one: _STRENGTHS.get(one.row.strength, ""),
        key=lambda one: one.row.strength,
        number=False,
    ),
    Column(
        title="Said by",
        tip="Whose verdict it is",
        width=110,
        text=lambda one: one.row.annotator,
        key=lambda one: one.row.annotator.casefold(),
        number=False,
    ),
    Column(
        title="Second look",
        tip="What came of it when it was asked again",
        width=150,
        text=lambda one: OUTCOME_WORDS[one.row.outcome],
        key=lambda one: tuple(OUTCOME_WORDS).index(one.row.outcome),
        number=False,
    ),
)
OUTCOME_COLUMN = len(COLUMNS) - 1


class SuspectsModel(QAbstractTableModel):
    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: tuple[SuspectRow, ...] = ()

    @property
    def rows(self) -> tuple[SuspectRow, ...]:
        return self._rows

    def show(self, rows: Sequence[SuspectRow], column: int = 0, *, descending: bool = False) -> None:
        """These, which come ranked, in the order of a column; of equals the more suspect first."""
        self.beginResetModel()
        by_rank = column == 0 and not descending
        self._rows = tuple(rows if by_rank else sorted(rows, key=COLUMNS[column].key, reverse=descending))
        self.endResetModel()

    def row_of(self, comparison_id: int | None) -> int:
        """-1 where it is not shown."""
        if comparison_id is None:
            return -1
        places = (place for place, one in enumerate(self._rows) if one.row.comparison_id == comparison_id)
        return next(places, -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        column, one = COLUMNS[index.column()], self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(one)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if column.number else _LEFT
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{column.title}: {column.text(one)}"
            case Qt.ItemDataRole.DecorationRole:
                return self._icon(one) if index.column() == OUTCOME_COLUMN else None
            case Qt.ItemDataRole.ForegroundRole:
                return None if one.disagrees else self._theme.colour("secondary")
            case Qt.ItemDataRole.ToolTipRole:
                return OUTCOME_MEANINGS.get(one.row.outcome) if index.column() == OUTCOME_COLUMN else None
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Vertical:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return COLUMNS[section].title
            case Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section].tip
        return None

    def as_tsv(self, rows: Sequence[int]) -> str:
        """These rows with a line of titles, for a spreadsheet."""
        lines = ["\t".join(["comparison", *(column.title for column in COLUMNS)])]
        for row in rows:
            one = self._rows[row]
            cells = [" ".join(column.text(one).split()) for column in COLUMNS]
            lines.append("\t".join([str(one.row.comparison_id), *cells]))
        return "\n".join(lines) + "\n"

    def _icon(self, one: SuspectRow) -> QIcon | None:
        known = OUTCOME_ICONS.get(one.row.outcome)
        return self._theme.icon(*known) if known else None
