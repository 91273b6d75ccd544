"""Suspect verdicts: the ranked table, the selected one for reading, and asking again."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.inspector.actions import OF_SUSPECTS
from app.inspector.suspects.material import FEWEST_PAIRS, SuspectRow
from app.inspector.suspects.presenter import SuspectsPresenter, SuspectsState
from app.inspector.suspects.reading import SuspectReading
from app.inspector.suspects.study_bar import StudyBar
from app.inspector.suspects.table_model import COLUMNS, SuspectsModel
from app.inspector.suspects.wording import WHAT_IT_IS, progress_words, summary
from app.inspector.wording import count
from app.shell.keymap import Keymap
from app.shell.page_actions import add_page_actions, keyed_tip
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.training.studies import StudyTexts
from app.widgets.blank import Blank
from app.widgets.number_table import NumberTable, headings_of

_AT_ONCE = (5, 10, 20, 50)
"""So many of the most suspect to be asked again with one click."""


class SuspectsPanel(QWidget):
    """Shows what its presenter holds. Sorting and the selection are the panel's own."""

    annotate_requested = Signal()
    """The person wants to judge what is asked again."""

    def __init__(
        self,
        presenter: SuspectsPresenter,
        theme: Theme,
        keymap: Keymap | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """Without a keymap the usual keys."""
        super().__init__(parent)
        self._presenter, self._theme = presenter, theme
        self._rows_shown: tuple[SuspectRow, ...] | None = None
        self._column, self._descending = 0, False
        self._may_ask = False
        self._middle = QStackedWidget(self)
        self._splitter = QSplitter(Qt.Orientation.Vertical, self._middle)
        self.bar = StudyBar(theme, self)
        self.explanation, self.summary = QLabel(WHAT_IT_IS), QLabel()
        self.message, self.notice = QLabel(), QLabel()
        # In the order in which Tab goes through them.
        self.ask_selected = QPushButton("Ask again, blind", self)
        self.ask_first = QPushButton("Ask the most suspect…", self)
        self.to_annotate = QPushButton("Go to Annotate", self)
        self.model = SuspectsModel(theme, self)
        self.table = NumberTable(self.model, headings_of(COLUMNS), theme, self._splitter)
        self.reading = SuspectReading(theme, self._splitter)
        self.blank = Blank(theme)
        self._style()
        self._lay_out()
        self._actions = self._make_actions(keymap or Keymap())
        self._connect()
        self.setFocusProxy(self.table)
        self._on_changed()

    def actions(self) -> list[QAction]:
        """What the shell offers in its command palette."""
        return list(self._actions.values())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._presenter.set_visible(False)

    # --- building -------------------------------------------------------------------------------------

    def _style(self) -> None:
        set_role(self.notice, "strong")
        for label, role in ((self.explanation, "secondary"), (self.message, "error")):
            set_role(label, role)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.summary.setFont(self._theme.figures())
        self.summary.setAccessibleName("What the study found")
        self.table.view.setAccessibleName("Verdicts, the most suspect first")
        set_role(self.to_annotate, "quiet")
        self.ask_selected.setToolTip("The selected ones come up in Annotate, sides drawn anew, nothing told")
        self.ask_first.setAccessibleName("Ask the most suspect again, blind")

    def _lay_out(self) -> None:
        splitter = self._splitter
        splitter.addWidget(self.table)
        splitter.addWidget(self.reading)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(Space.S)
        splitter.setSizes([520, 380])
        self.table.setMinimumHeight(140)
        self.reading.setMinimumHeight(160)
        self._middle.addWidget(splitter)
        self._middle.addWidget(self.blank)
        self._found = _row(self, self.summary, None, self.ask_selected, self.ask_first)
        self._noticed = _row(self, self.notice, self.to_annotate, None)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.M)
        for part in (self.bar, self.explanation, self.message, self._found, self._noticed):
            column.addWidget(part)
        column.addWidget(self._middle, 1)

    def _make_actions(self, keymap: Keymap) -> dict[str, QAction]:
        presenter = self._presenter
        made = add_page_actions(
            self,
            OF_SUSPECTS,
            self._theme,
            keymap,
            {
                "study": presenter.start,
                "study-on": presenter.go_on,
                "study-stop": presenter.stop,
                "ask": self._on_ask_selected,
                "ask-first": self._on_ask_menu,
                "copy-verdicts": self._on_copy,
            },
            {"suspects": self.table},
        )
        keyed_tip(self.ask_selected, made["ask"])
        keyed_tip(self.ask_first, made["ask-first"])
        return made

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen(self._on_changed))
        self.bar.study_chosen.connect(presenter.show_study)
        self.bar.folds_chosen.connect(presenter.set_folds)
        self.bar.start_requested.connect(presenter.start)
        self.bar.go_on_requested.connect(presenter.go_on)
        self.bar.stop_requested.connect(presenter.stop)
        self.ask_selected.clicked.connect(self._on_ask_selected)
        self.ask_first.clicked.connect(self._on_ask_menu)
        self.to_annotate.clicked.connect(self.annotate_requested)
        self.blank.pressed.connect(self._on_blank_pressed)
        self.table.row_chosen.connect(self._on_row_chosen)
        self.table.heading_clicked.connect(self._on_heading_clicked)
        self._theme.changed.connect(self._on_theme_changed)

    # --- what the presenter says ------------------------------------------------------------------------

    def _on_changed(self) -> None:
        state = self._presenter.state
        self.bar.show_state(state)
        some = bool(state.rows)
        self.explanation.setVisible(some and not state.notice)
        self._found.setVisible(some)
        words = " ".join([state.message, *state.notes]).strip()
        self.message.setText(words)
        set_role(self.message, "error" if state.message else "secondary")
        self.message.setVisible(bool(words) and state.phase != "failed")
        self.notice.setText(state.notice)
        self._noticed.setVisible(bool(state.notice))
        if state.rows is not self._rows_shown:
            self._show_rows(state.rows)
            self.summary.setText(summary(state))
            self._may_ask = bool(state.next_to_ask(1))
        if not some:
            self._show_blank(state)
        self._middle.setCurrentIndex(0 if some else 1)
        self._enable(state)

    def _show_rows(self, rows: tuple[SuspectRow, ...]) -> None:
        """The selected verdict stays selected while it is in."""
        selected = self._selected()
        self._rows_shown = rows
        self.model.show(rows, self._column, descending=self._descending)
        self.table.show_sort(self._column, descending=self._descending)
        self.table.choose_row(max(0, self.model.row_of(selected)))

    def _show_blank(self, state: SuspectsState) -> None:
        match state.phase:
            case "loading":
                self.blank.show_words("clock", "Reading the verdicts", "")
            case "failed":
                self.blank.show_words("circle-alert", "This did not work", state.message, button="Try again")
            case "too_few":
                self.blank.show_words(
                    "scan-search",
                    "Too few verdicts yet",
                    f"There are {count(state.pairs)}. From {FEWEST_PAIRS} on, policies trained on most of "
                    "them can say which of the rest do not fit.",
                    button="Go to Annotate",
                )
            case "preparing" | "running":
                share = 0 if state.advance is None else round(100 * state.advance.share)
                known = state.advance is not None and bool(state.advance.fold)
                self.blank.show_words(
                    "scan-search",
                    progress_words(state),
                    "Verdicts appear here after each training. You can go on working.",
                    progress=(share, 100 if known else 0),
                )
            case "ready" if state.goes_on:
                self.blank.show_words(
                    "scan-search", "Nothing scored yet", "The study was ended early.", button="Go on"
                )
            case _:
                self.blank.show_words(
                    "scan-search",
                    "Which verdicts do not fit the others?",
                    WHAT_IT_IS,
                    button="Look for suspects",
                )

    def _enable(self, state: SuspectsState) -> None:
        idle = state.phase in ("none", "ready")
        self._actions["study"].setEnabled(idle)
        self._actions["study-on"].setEnabled(state.goes_on)
        self._actions["study-stop"].setEnabled(state.phase == "running")
        for part in (self._actions["ask"], self.ask_selected):
            part.setEnabled(bool(state.rows))
        for part in (self._actions["ask-first"], self.ask_first):
            part.setEnabled(self._may_ask)

    # --- what the person does ---------------------------------------------------------------------------

    def _on_blank_pressed(self) -> None:
        match self._presenter.state.phase:
            case "too_few":
                self.annotate_requested.emit()
            case "failed":
                self._presenter.refresh()
            case "ready" if self._presenter.state.goes_on:
                self._presenter.go_on()
            case _:
                self._presenter.start()

    def _on_ask_selected(self) -> None:
        self._presenter.ask_again(
            [self.model.rows[row].row.comparison_id for row in self.table.selected_rows()]
        )

    def _on_ask_menu(self) -> None:
        """How many: a few numbers, and all that disagree."""
        state = self._presenter.state
        there = len(state.next_to_ask(len(state.rows)))
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for number in [*(one for one in _AT_ONCE if one < there), there]:
            words = f"All {there:,} that disagree" if number == there else f"The first {number}"
            action = menu.addAction(words)
            action.triggered.connect(lambda _checked=False, number=number: self._presenter.ask_first(number))
        menu.popup(self.ask_first.mapToGlobal(self.ask_first.rect().bottomLeft()))

    def _on_row_chosen(self, row: int) -> None:
        one = self.model.rows[row] if 0 <= row < len(self.model.rows) else None
        self.reading.show_row(one)
        if one is None:
            return

        def read(texts: StudyTexts) -> None:
            self.reading.show_texts(one, texts)

        self._presenter.read(one.row.comparison_id, read, self.reading.show_problem)

    def _on_heading_clicked(self, column: int) -> None:
        self._descending = column == self._column and not self._descending
        self._column = column
        self._show_rows(self._presenter.state.rows)

    def _on_copy(self) -> None:
        rows = self.table.selected_rows()
        if rows:
            QGuiApplication.clipboard().setText(self.model.as_tsv(rows))

    def _selected(self) -> int | None:
        row = self.table.current_row()
        return self.model.rows[row].row.comparison_id if 0 <= row < len(self.model.rows) else None

    def _on_theme_changed(self) -> None:
        self.summary.setFont(self._theme.figures())


def _row(parent: QWidget, *parts: QWidget | None) -> QWidget:
    """Side by side; None is where the room goes."""
    widget = QWidget(parent)
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(Space.S)
    for part in parts:
        if part is None:
            row.addStretch(1)
        else:
            row.addWidget(part)
    return widget
