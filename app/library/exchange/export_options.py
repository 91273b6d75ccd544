"""How verdicts are to be exported: what, in which layout and files, with what beside them, and where to."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.export_presenter import ExportPresenter
from app.library.exchange.export_state import Counts, ExportState, ExportWishes
from app.library.exchange.parts import Choices, choose, combo, put_below, show_hint
from app.library.exchange.wording import KIND_WORDS
from app.library.wording import count
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.exchange.studio_format import Kind

_LAYOUTS = (("Conversational (TRL)", "conversational"), ("Standard (TRL)", "standard"))
_LAYOUT_HINTS = {
    "conversational": "Prompt and responses as messages, which a trainer puts into its own chat template.",
    "standard": "Prompt and responses as plain text.",
}
_FILES = (("JSONL", "jsonl"), ("Parquet", "parquet"), ("Arrow (save_to_disk)", "arrow"))
_SCOPES = (("Everything", False), ("What the Library shows", True))


class ExportOptions(QFrame):
    """Follows an `ExportState`."""

    def __init__(self, presenter: ExportPresenter, theme: Theme) -> None:
        super().__init__()
        self._presenter = presenter
        self.choices = Choices("How to export", theme)
        self.scope = combo("What", _SCOPES)
        self.kinds: dict[Kind, QCheckBox] = {kind: QCheckBox(KIND_WORDS[kind]) for kind in get_args(Kind)}
        self.layouts, self.files = combo("Layout", _LAYOUTS), combo("Files", _FILES)
        self.provenance = QCheckBox("Where each row comes from")
        self.names = QCheckBox("The annotators' names")
        self.folder, self.browse = QLineEdit(), QPushButton("Choose…")
        self.start = QPushButton("Export")
        self._lay_out()
        self._connect()

    def show_state(self, state: ExportState) -> None:
        wishes = state.wishes
        choose(self.scope, wishes.only_shown)
        self.scope.setEnabled(state.shown is not None)
        for kind, box in self.kinds.items():
            _tick(box, kind in wishes.kinds)
            number = _number(state.counts, kind)
            box.setText(KIND_WORDS[kind] + (f"  {number:,}" if number is not None else ""))
            # Of what there is none there is nothing to decide.
            box.setVisible(number != 0 or kind == "preferences")
            box.setEnabled(number != 0)
        choose(self.layouts, wishes.layout)
        choose(self.files, wishes.file_format)
        show_hint(self._layout_hint, _LAYOUT_HINTS[wishes.layout])
        _tick(self.provenance, wishes.provenance)
        _tick(self.names, wishes.names)
        self.names.setEnabled(wishes.provenance)
        if self.folder.text() != wishes.folder:
            self.folder.setText(wishes.folder)
        total = self._presenter.total
        self.start.setEnabled(self._presenter.can_start)
        self.start.setText("Export" if not total else f"Export {count(total, 'row')}")

    def _connect(self) -> None:
        self.scope.activated.connect(lambda: self._wish(only_shown=self.scope.currentData()))
        for box in self.kinds.values():
            box.toggled.connect(self._on_kinds)
        self.layouts.activated.connect(lambda: self._wish(layout=self.layouts.currentData()))
        self.files.activated.connect(lambda: self._wish(file_format=self.files.currentData()))
        self.provenance.toggled.connect(lambda wanted: self._wish(provenance=wanted))
        self.names.toggled.connect(lambda wanted: self._wish(names=wanted))
        self.folder.textEdited.connect(lambda text: self._wish(folder=text))
        self.browse.clicked.connect(self._on_browse)
        self.start.clicked.connect(self._presenter.start)

    def _wish(self, **changes: object) -> None:
        wishes: ExportWishes = self._presenter.state.wishes
        self._presenter.set_wishes(replace(wishes, **changes))  # type: ignore[arg-type]

    def _on_kinds(self) -> None:
        self._wish(kinds=frozenset(kind for kind, box in self.kinds.items() if box.isChecked()))

    def _on_browse(self) -> None:
        """A folder that is there; the export becomes a new one in it."""
        wanted = Path(self._presenter.state.wishes.folder or Path.home())
        path = QFileDialog.getExistingDirectory(self, "Where to export to", str(wanted.parent))
        if path:
            self._wish(folder=str(Path(path) / wanted.name))

    def _lay_out(self) -> None:
        set_role(self.start, "primary")
        self.choices.add_field("What", self.scope)
        self.choices.add_field(
            "Kinds",
            _stack(*self.kinds.values()),
            first=self.kinds["preferences"],
            hint="Each in a folder of its own.",
        )
        self._layout_hint = self.choices.add_field("Layout", self.layouts, hint=_LAYOUT_HINTS["standard"])
        self.choices.add_field("Files", self.files)
        self.provenance.setToolTip("Models, settings, seeds, times, edits, flags, comments and tags")
        self.names.setToolTip("Else they are numbered")
        beside = _stack(self.provenance, self.names)
        self.choices.add_field(
            "With", beside, first=self.provenance, hint="With it, an import finds everything again."
        )
        place = QWidget()
        row = QHBoxLayout(place)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        self.folder.setAccessibleName("Folder to export to")
        self.browse.setAccessibleName("Choose where the folder is made")
        self.choices.add_field(
            "Folder", place, first=self.folder, hint="Made for it; one that is there is never replaced."
        )
        self.choices.column.addStretch(1)
        put_below(self, self.choices, self.start)


def _number(counts: Counts | None, kind: Kind) -> int | None:
    if counts is None:
        return None
    return sum(number for (one, _), number in counts.items() if one == kind)


def _tick(box: QCheckBox, on: bool) -> None:
    blocked = box.blockSignals(True)
    box.setChecked(on)
    box.blockSignals(blocked)


def _stack(*boxes: QCheckBox) -> QWidget:
    stack = QWidget()
    column = QVBoxLayout(stack)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for box in boxes:
        column.addWidget(box)
    return stack
