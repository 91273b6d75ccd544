"""How a file is to be imported: what of it, what is held out, whose verdicts, which column is what."""

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QLabel, QLineEdit, QPushButton

from app.library.exchange.import_presenter import ImportPresenter
from app.library.exchange.import_state import ImportState
from app.library.exchange.mapping_form import MappingForm
from app.library.exchange.parts import Choices, choose, combo, hint_label, put_below, show_hint
from app.library.exchange.wording import looked_at
from app.library.wording import count
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.collecting.annotators import LONGEST_NAME
from app.store.exchange.preview import Preview

_TAKES = (
    ("Prompts, responses and verdicts", "verdicts"),
    ("Prompts and responses, to be judged", "comparisons"),
    ("Prompts alone", "prompts"),
)
_SHARES = (0, 5, 10, 20, 30, 50)


class ImportOptions(QFrame):
    """Follows an `ImportState` with a preview."""

    other_wanted = Signal()

    def __init__(self, presenter: ImportPresenter, theme: Theme) -> None:
        super().__init__()
        self._presenter = presenter
        self.choices = Choices("How to import", theme)
        self.name, self.format, self.rows = QLabel(), QLabel(), QLabel()
        self.take = combo("What to take", _TAKES)
        self.held_out = combo("Hold out", [(f"{share} %" if share else "None", share) for share in _SHARES])
        self.unsigned = QLineEdit()
        self.by_hand = QCheckBox("Name the columns by hand")
        self.mapping = MappingForm()
        self.problems = hint_label("")
        self.start, self.other = QPushButton("Import"), QPushButton("Another file")
        self._lay_out()
        self._connect()

    def show_state(self, state: ImportState) -> None:
        found = state.preview
        if found is None:
            return
        self.name.setText(found.source.name)
        self.name.setToolTip(found.source.name)
        self.format.setText(found.title if state.mapping is None else "Columns named by hand")
        self.rows.setText(looked_at(found))
        wishes = state.wishes
        choose(self.take, wishes.take)
        has_pairs, has_verdicts = _holds(found)
        self.take.setEnabled(has_pairs)
        self.unsigned.setEnabled(has_verdicts and wishes.take == "verdicts")
        if self.unsigned.text() != wishes.unsigned:
            self.unsigned.setText(wishes.unsigned)
        choose(self.held_out, wishes.held_out_percent)
        self._show_mapping(state, found)
        show_hint(self.problems, "\n".join(found.problems))
        self.start.setEnabled(self._presenter.can_start)
        usable = sum(row.entry is not None for row in found.rows)
        self.start.setText(f"Import {count(usable, 'row')}" if found.complete and usable else "Import")

    def _show_mapping(self, state: ImportState, found: Preview) -> None:
        by_hand = state.mapping is not None
        blocked = self.by_hand.blockSignals(True)
        self.by_hand.setChecked(by_hand)
        self.by_hand.blockSignals(blocked)
        # Without a format there is no other way.
        self.by_hand.setVisible(found.format is not None and bool(found.columns))
        self.mapping.setVisible(by_hand)
        if state.mapping is not None:
            self.mapping.show_mapping(found.columns, state.mapping, state.unknown_choices)

    def _connect(self) -> None:
        presenter = self._presenter
        self.take.activated.connect(self._on_take)
        self.held_out.activated.connect(self._on_held_out)
        self.unsigned.textEdited.connect(
            lambda text: presenter.set_wishes(replace(presenter.state.wishes, unsigned=text))
        )
        self.by_hand.toggled.connect(
            lambda wanted: presenter.name_columns() if wanted else presenter.map_columns(None)
        )
        self.mapping.changed.connect(presenter.map_columns)
        self.start.clicked.connect(presenter.start)
        self.other.clicked.connect(self.other_wanted)

    def _on_take(self) -> None:
        presenter = self._presenter
        presenter.set_wishes(replace(presenter.state.wishes, take=self.take.currentData()))

    def _on_held_out(self) -> None:
        presenter, percent = self._presenter, self.held_out.currentData()
        presenter.set_wishes(replace(presenter.state.wishes, held_out_percent=percent))

    def _lay_out(self) -> None:
        set_role(self.name, "heading")
        set_role(self.format, "secondary")
        set_role(self.rows, "caption")
        set_role(self.start, "primary")
        set_role(self.other, "quiet")
        set_role(self.problems, "error")
        for label in (self.name, self.format):
            label.setWordWrap(True)
        self.unsigned.setMaxLength(LONGEST_NAME)
        column = self.choices.column
        for label in (self.name, self.format, self.rows):
            column.addWidget(label)
        column.addSpacing(Space.S)
        column.addWidget(self.by_hand)
        column.addWidget(self.mapping)
        column.addSpacing(Space.S)
        self.choices.add_field("Take", self.take)
        self.choices.add_field(
            "Hold out",
            self.held_out,
            hint="Of new prompts, where the file does not say; they measure and are not trained on.",
        )
        self.choices.add_field(
            "Annotator", self.unsigned, hint="Of the verdicts for which the file names nobody."
        )
        column.addStretch(1)
        put_below(self, self.choices, self.problems, self.start, self.other)


def _holds(found: Preview) -> tuple[bool, bool]:
    """Whether there are responses, and verdicts, among the first rows."""
    entries = [row.entry for row in found.rows if row.entry is not None]
    return any(entry.left is not None for entry in entries), any(entry.verdicts for entry in entries)
