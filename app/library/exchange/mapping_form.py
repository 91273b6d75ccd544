"""Saying by hand which column of a file is what."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from app.library.exchange.parts import choose, combo
from app.shell.palette import Space
from app.store.exchange.mapped import ColumnMapping
from app.store.records import Choice

_ROLES: Sequence[tuple[str, str, str]] = (
    ("prompt", "Prompt", ""),
    ("left", "First response", "None: a list of prompts"),
    ("right", "Second response", "None: a list of prompts"),
    ("choice", "Which is better", "A column that names the better one: a, b, tie, both bad and the like"),
    ("system", "Instructions", "For the model, before the prompt"),
    ("left_model", "Model of the first", "What wrote it"),
    ("right_model", "Model of the second", "What wrote it"),
    ("annotator", "Annotator", "Who judged"),
    ("seconds", "Seconds", "How long the verdict took"),
    ("split", "Split", "Says which rows are held out: test, validation and the like"),
)
_MAIN = 4
"""The roles before those that are seldom wanted; what values mean stands between."""
_JUDGE, _FIRST = "\x00judge", "\x00first"
"""What no column is called: the choice is still to be made, or the first response is the better one."""
_MEANINGS: Sequence[tuple[str, Choice | None]] = (
    ("Choose…", None),
    ("The first is better", "left"),
    ("The second is better", "right"),
    ("Tie", "tie"),
    ("Both bad", "both_bad"),
)


class MappingForm(QWidget):
    """Emits `changed` with the whole `ColumnMapping` after every choice."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns: tuple[str, ...] = ()
        self._choices: dict[str, Choice] = {}
        self.boxes: dict[str, QComboBox] = {}
        self.meanings: dict[str, QComboBox] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(Space.S)
        self._form.setVerticalSpacing(Space.S)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for role, title, tip in _ROLES:
            box = combo(title, ())
            box.setToolTip(tip)
            box.activated.connect(self._on_chosen)
            self.boxes[role] = box
            self._form.addRow(_label(title, box), box)

    def show_mapping(self, columns: tuple[str, ...], mapping: ColumnMapping, values: Sequence[str]) -> None:
        """`values` of the column that says which is better, as the first rows have them."""
        if columns != self._columns:
            self._columns = columns
            for role, box in self.boxes.items():
                box.clear()
                for words, value in _items(role, columns):
                    box.addItem(words, value)
        self._choices = dict(mapping.choices)
        for role, box in self.boxes.items():
            choose(box, _chosen(mapping, role))
        has_pair = bool(mapping.left and mapping.right)
        for role in ("choice", "left_model", "right_model", "annotator", "seconds"):
            self.boxes[role].setEnabled(has_pair)
        self._show_meanings(values if mapping.choice and has_pair else (), mapping.choices)

    def mapping(self) -> ColumnMapping:
        told = {role: str(box.currentData() or "") for role, box in self.boxes.items()}
        choice = told.pop("choice")
        return ColumnMapping(
            **told,
            choice="" if choice in (_JUDGE, _FIRST) else choice,
            choices=self._choices,
            left_is_better=choice == _FIRST,
        )

    def _show_meanings(self, values: Sequence[str], known: Mapping[str, Choice]) -> None:
        if list(self.meanings) != list(values):
            for box in self.meanings.values():
                self._form.removeRow(box)
            self.meanings = {}
            before = self.boxes["choice"]
            for number, value in enumerate(values):
                box = combo(f"What “{value}” says", _MEANINGS)
                box.activated.connect(self._on_meaning)
                self.meanings[value] = box
                self._form.insertRow(_MAIN + number, _label(f"“{_short(value)}” says", box), box)
                QWidget.setTabOrder(before, box)
                before = box
        for value, box in self.meanings.items():
            choose(box, known.get(value))

    def _on_meaning(self) -> None:
        self._choices = {
            value: box.currentData() for value, box in self.meanings.items() if box.currentData() is not None
        }
        self.changed.emit(self.mapping())

    def _on_chosen(self) -> None:
        self.changed.emit(self.mapping())


def _items(role: str, columns: tuple[str, ...]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [(column, column) for column in columns]
    if role == "choice":
        return [("Nobody judged yet", _JUDGE), ("Always the first", _FIRST), *found]
    return found if role == "prompt" else [("None", ""), *found]


def _chosen(mapping: ColumnMapping, role: str) -> object:
    if role != "choice":
        return getattr(mapping, role)
    return mapping.choice or (_FIRST if mapping.left_is_better else _JUDGE)


def _label(text: str, box: QComboBox) -> QLabel:
    label = QLabel(text)
    label.setBuddy(box)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _short(text: str) -> str:
    return text if len(text) <= 14 else text[:13] + "…"
