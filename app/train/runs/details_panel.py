"""One run in full: its note, whose verdicts made it and what it wrote, and what differs from another run."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import READING_WIDTH, Space
from app.shell.theme import Theme, set_role
from app.train.presenter import TrainPresenter
from app.train.runs.desk import Details
from app.train.runs.differences import setting_differences
from app.train.runs.differences_grid import DifferencesGrid
from app.train.runs.wording import headline, later_words, made_words, pairs_words, written_words
from app.train.starting_points import names_of
from app.train.state import RunLine, TrainState
from app.train.wording import short_name

_NAME_LENGTH = 28
"""Letters of the other run's name that have room."""


class DetailsPanel(QScrollArea):
    """Follows the selected run while it is in view; reads nothing otherwise."""

    def __init__(
        self,
        presenter: TrainPresenter,
        theme: Theme,
        *,
        show_verdicts: Callable[[int], None],
        show_written: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._presenter, self._theme = presenter, theme
        self._asked: tuple[object, ...] | None = None
        self._chosen_other: int | None = None
        self._run_id, self._folder = 0, ""
        self._offered: tuple[tuple[int, str], ...] = ()
        self.title, self.head, self.note = QLabel(), QLabel(), QLabel()
        self.made, self.written, self.later, self.seeds = QLabel(), QLabel(), QLabel(), QLabel()
        self.started, self.pairs = QLabel(), QLabel()
        self.verdicts, self.candidates = QPushButton("Show them"), QPushButton("Show them")
        self.band = QPushButton("Draw as a band")
        self.other = QComboBox()
        self.settings = DifferencesGrid()
        self._card, self._blank = QFrame(), QLabel("Choose a run below to read about it.")
        self._lay_out()
        self.other.activated.connect(self._on_other_chosen)
        self.verdicts.clicked.connect(lambda: show_verdicts(self._run_id))
        self.candidates.clicked.connect(lambda: show_written(self._folder))
        self.band.clicked.connect(self._on_band_clicked)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._asked = None
        self.show_state(self._presenter.state)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._asked = None

    def show_state(self, state: TrainState) -> None:
        if not self.isVisible():
            return
        line = state.selected_line
        self._card.setVisible(line is not None)
        self._blank.setVisible(line is None)
        if line is None:
            return
        self._run_id, self._folder = line.run.id, line.run.folder
        self._show_run(line, state)
        other = self._other_of(line, state)
        self._show_others(line, other, state)
        # A run that trains changes with every step, its pairs and verdicts do not.
        asked = (line.run.id, other.run.id if other else None, line.run.train_pairs, len(state.runs))
        if asked != self._asked:
            self._asked = asked
            self._presenter.runs.look_into(line.run.id, other.run.id if other else None)
        details = state.desk.details
        if details is not None and details.run_id == line.run.id:
            self._show_details(line, details, other)

    def words(self) -> str:
        """Everything that can be read on it, for a look from outside."""
        labels = (self.title, self.head, self.note, self.started, self.made, self.written, self.later)
        shown = [label.text() for label in (*labels, self.seeds, self.pairs) if not label.isHidden()]
        return "\n".join([*shown, *self.settings.words()])

    def _show_run(self, line: RunLine, state: TrainState) -> None:
        self.title.setText(short_name(line.run.name))
        self.title.setToolTip(line.run.folder)
        self.head.setText(headline(line))
        _say(self.note, line.run.notes)
        self.started.setText(f"Started from {line.started_from}.")
        later = [short_name(one.run.name) for one in state.runs if one.run.policy == line.run.folder]
        _say(self.later, later_words(later))
        seeds = state.desk.seeds_of(line.run.id)
        _say(self.seeds, f"One of {len(seeds)} runs that differ only in their seed." if seeds else "")
        self.band.setVisible(bool(seeds))
        self.band.setText("Draw it alone" if state.desk.band else "Draw as a band")

    def _show_others(self, line: RunLine, other: RunLine | None, state: TrainState) -> None:
        offered = tuple((one.run.id, short_name(one.run.name)) for one in state.runs if one is not line)
        if offered != self._offered:
            self._offered = offered
            self.other.clear()
            for run_id, name in offered:
                self.other.addItem(_shortened(name), run_id)
                self.other.setItemData(self.other.count() - 1, name, Qt.ItemDataRole.ToolTipRole)
        self.other.setCurrentIndex(self.other.findData(other.run.id) if other else -1)
        self.other.setToolTip(self.other.currentData(Qt.ItemDataRole.ToolTipRole) or "")
        self.other.setEnabled(bool(offered))
        if other is None:
            self.pairs.setText("There is no other run to compare it with.")
            self.settings.show_differences((), "", "")
            return
        names = names_of(one.run for one in state.runs)
        differing = setting_differences(line.run, other.run, names)
        self.settings.show_differences(differing, short_name(line.run.name), short_name(other.run.name))

    def _show_details(self, line: RunLine, details: Details, other: RunLine | None) -> None:
        found = details.lineage
        self.made.setText(made_words(line, found) if found else "Reading whose verdicts made it…")
        self.written.setText(written_words(found) if found else "")
        self.candidates.setVisible(found is not None and bool(found.written))
        if other is not None and details.other == other.run.id:
            self.pairs.setText(pairs_words(details.pairs) if details.pairs else "Comparing the pairs…")

    def _other_of(self, line: RunLine, state: TrainState) -> RunLine | None:
        """The one the person chose, else one that is compared already, else the run made before."""
        others = [one for one in state.runs if one.run.id != line.run.id]
        wanted = (self._chosen_other, *state.desk.compared)
        by_id = {one.run.id: one for one in others}
        found = next((by_id[run_id] for run_id in wanted if run_id in by_id), None)
        before = (one for one in others if one.run.id < line.run.id)
        return found or next(before, None) or next(iter(others), None)

    def _on_other_chosen(self, _row: int) -> None:
        self._chosen_other = self.other.currentData()
        self.show_state(self._presenter.state)

    def _on_band_clicked(self) -> None:
        self._presenter.show_band(not self._presenter.state.desk.band)

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        set_role(self._card, "card")
        set_role(self.title, "title")
        for label in (self.head, self.note, self._blank):
            set_role(label, "secondary")
        self._blank.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for label in (self.note, self.started, self.made, self.written, self.later, self.seeds, self.pairs):
            label.setWordWrap(True)
        for label in (self.title, self.note, self.started, self.made, self.later):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.other.setAccessibleName("Run to compare with")
        self.other.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.other.setMinimumContentsLength(_NAME_LENGTH)
        self.verdicts.setAccessibleName("Show the verdicts that made this run")
        self.candidates.setAccessibleName("Show what its policy wrote")
        text = QWidget()
        text.setMaximumWidth(READING_WIDTH)
        across = QHBoxLayout(self._card)
        across.setContentsMargins(Space.L, Space.L, Space.L, Space.L)
        across.addWidget(text, 100)
        across.addStretch(1)
        column = QVBoxLayout(text)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        for label in (self.title, self.head, self.note):
            column.addWidget(label)
        column.addSpacing(Space.S)
        column.addWidget(_heading("Where it comes from"))
        column.addWidget(self.started)
        column.addLayout(_with_button(self.made, self.verdicts))
        column.addLayout(_with_button(self.written, self.candidates))
        column.addWidget(self.later)
        column.addLayout(_with_button(self.seeds, self.band))
        column.addSpacing(Space.S)
        column.addLayout(_row(_heading("What differs from"), self.other))
        column.addWidget(self.pairs)
        column.addWidget(self.settings)
        column.addStretch(1)
        inside = QWidget()
        whole = QVBoxLayout(inside)
        whole.setContentsMargins(0, 0, Space.S, 0)
        whole.addWidget(self._card, 1)
        whole.addWidget(self._blank, 1)
        self.setWidget(inside)


def _say(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    set_role(label, "heading")
    return label


def _row(*parts: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(Space.S)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return row


def _with_button(label: QLabel, button: QPushButton) -> QHBoxLayout:
    set_role(button, "quiet-small")
    row = QHBoxLayout()
    row.setSpacing(Space.S)
    row.addWidget(label, 1)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return row


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…"
