"""The check before training: a headline, the report on cards, behind each line its pairs and their tokens."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.panels import Means, follow
from app.train.preflight.pair_list import PairList
from app.train.preflight.presenter import PreflightPresenter, PreflightState
from app.train.preflight.report import Headline, headline
from app.train.preflight.report_view import ICONS, WIDEST, ReportView
from app.train.preflight.token_card import TokenCard
from app.widgets.blank import Blank

_LIST_WIDTH = 300


class PreflightPanel(QWidget):
    """Shows what its presenter holds."""

    def __init__(self, presenter: PreflightPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presenter, self._theme = presenter, theme
        self.head = _Head(theme)
        self.report = ReportView(theme)
        self.blank = Blank(theme)
        self.pairs = _PairsPage(theme)
        self._scroll = QScrollArea()
        self._stack = QStackedWidget()
        self._shown: PreflightState | None = None
        self._lay_out()
        self.head.check_wanted.connect(presenter.check)
        self.head.measure_wanted.connect(presenter.measure)
        self.head.cancel_wanted.connect(presenter.cancel)
        self.blank.pressed.connect(presenter.check)
        self.report.opened.connect(presenter.open)
        self.pairs.left.connect(presenter.close_list)
        self.pairs.list.picked.connect(presenter.pick)
        self.destroyed.connect(presenter.listen(self._show_state))
        self.destroyed.connect(presenter.close)
        self._show_state()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._presenter.set_visible(False)

    def _lay_out(self) -> None:
        self._scroll.setWidget(self.report)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for page in (self._scroll, self.blank, self.pairs):
            self._stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.M)
        # No wider than the cards below it: the buttons stay near what they are about.
        head = QHBoxLayout()
        head.addWidget(self.head, 1000)
        head.addStretch(1)
        column.addLayout(head)
        column.addWidget(self._stack, 1)

    def _show_state(self) -> None:
        state, before = self._presenter.state, self._shown
        self._shown = state
        if state.report is not None and (before is None or before.report is not state.report):
            self.report.show_report(state.report)
        self.head.show_state(state)
        if state.opened is not None and state.places is not None and state.report is not None:
            if before is None or before.opened is not state.opened:
                self.pairs.show_pairs(state)
            self.pairs.tokens.show_tokens(state.tokens)
            self._turn_to(self.pairs)
        elif state.report is not None:
            self._turn_to(self._scroll)
        else:
            _explain(self.blank, state)
            self._turn_to(self.blank)

    def _turn_to(self, page: QWidget) -> None:
        before = self._stack.currentWidget()
        if page is before:
            return
        focused = self.window().focusWidget()
        had_focus = before is not None and focused is not None and before.isAncestorOf(focused)
        self._stack.setCurrentWidget(page)
        if page is self.pairs:
            self.pairs.list.setFocus()
        elif before is self.pairs and had_focus:
            self._focus_line(self.pairs.key)

    def _focus_line(self, key: str) -> None:
        for button in self.report.line_buttons():
            if button.line.key == key:
                button.setFocus()


class _Head(QFrame):
    """What comes of it all in one sentence, and the two things one can do about it."""

    check_wanted = Signal()
    measure_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._level: Headline | None = None
        self._icon, self.title, self.sentence, self.aside = QLabel(), QLabel(), QLabel(), QLabel()
        self.check, self.measure = QPushButton("Check again"), QPushButton("Measure")
        self.cancel = QPushButton("Cancel")
        self.progress = QProgressBar()
        self._lay_out()
        self.check.clicked.connect(self.check_wanted)
        self.measure.clicked.connect(self.measure_wanted)
        self.cancel.clicked.connect(self.cancel_wanted)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_state(self, state: PreflightState) -> None:
        report = state.report
        self.setVisible(report is not None)
        if report is None:
            return
        self._level = headline(report)
        self.title.setText(self._level.title)
        self.sentence.setText(self._level.sentence)
        busy = state.phase == "checking" or state.measuring
        aside = state.problem or state.outdated or " ".join(report.notes)
        self.aside.setText(f"{state.stage}…" if busy else aside)
        set_role(self.aside, "error" if state.problem and not busy else "caption")
        self.aside.setVisible(bool(self.aside.text()))
        had_focus = self.window().focusWidget() in (self.check, self.measure, self.cancel)
        self.progress.setVisible(busy)
        self.progress.setRange(0, state.total)
        self.progress.setValue(state.finished)
        self.cancel.setVisible(busy)
        self.check.setVisible(not busy)
        set_role(self.check, "primary" if state.outdated else "quiet")
        self.measure.setVisible(not busy)
        self.measure.setEnabled(not (state.no_measuring or state.outdated))
        self.measure.setToolTip(
            state.no_measuring or state.outdated or "Compute the longest pairs for real: memory and time"
        )
        if had_focus:
            (self.cancel if busy else self.check).setFocus()
        self._restyle()

    def _lay_out(self) -> None:
        set_role(self.title, "heading")
        set_role(self.sentence, "secondary")
        for label in (self.sentence, self.aside):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the check")
        self.check.setToolTip("Look at every pair again, with the settings as they are now")
        words = QVBoxLayout()
        words.setSpacing(2)
        for part in (self.title, self.sentence, self.aside, self.progress):
            words.addWidget(part)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        for button in (self.cancel, self.check, self.measure):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

    def _restyle(self) -> None:
        self.setMaximumWidth(self._theme.px(WIDEST))
        size = self._theme.px(20)
        name, token = ICONS[self._level.level if self._level else "plain"]
        if self._level is not None and self._level.level == "note":
            name, token = ICONS["plain"]
        self._icon.setPixmap(self._theme.icon(name, token).pixmap(size, size))
        self.check.setIcon(self._theme.icon("refresh-cw"))
        self.measure.setIcon(self._theme.icon("gauge"))


class _PairsPage(QWidget):
    """The pairs of one line beside the tokens of the one that is picked."""

    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.key = ""
        self.back = QPushButton("Report")
        self.title, self.words = QLabel(), QLabel()
        self.list, self.tokens = PairList(theme), TokenCard(theme)
        set_role(self.back, "quiet")
        set_role(self.title, "heading")
        set_role(self.words, "secondary")
        self.words.setWordWrap(True)
        self.back.setToolTip("Back to the report (Esc)")
        self.back.clicked.connect(self.left)
        self._lay_out()
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_pairs(self, state: PreflightState) -> None:
        if state.opened is None or state.places is None or state.report is None:
            return
        self.key = state.opened.key
        self.title.setText(state.opened.title)
        self.words.setText(state.opened.words)
        self.list.show_pairs(state.report.table, state.places, refused=self.key == "refused")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(self.back)
        head.addWidget(self.title)
        head.addWidget(self.words, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.list)
        splitter.addWidget(self.tokens)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(Space.S)
        splitter.setSizes([self._theme.px(_LIST_WIDTH), 2000])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(head)
        column.addWidget(splitter, 1)

    def _restyle(self) -> None:
        self.list.setMinimumWidth(self._theme.px(_LIST_WIDTH))
        self.back.setIcon(self._theme.icon("arrow-left"))


def preflight_panel(means: Means) -> PreflightPanel:
    """With a presenter of its own that follows the Train page's."""
    presenter = PreflightPresenter(means.presenter.tools)
    panel = PreflightPanel(presenter, means.theme)
    follow(panel, means.presenter, presenter.follow)
    return panel


def _explain(blank: Blank, state: PreflightState) -> None:
    """Where there is no report: why, and what to do."""
    if state.phase == "checking":
        progress = (state.finished, state.total)
        blank.show_words("scan-search", "Checking the pairs", f"{state.stage}…", progress=progress)
    elif state.phase == "failed":
        blank.show_words(
            "circle-alert", "This run cannot start", state.problem, button="Check again", primary=False
        )
    elif state.problem:
        blank.show_words("scan-search", "Nothing to check yet", state.problem)
    else:
        blank.show_words(
            "scan-search",
            "Check before training",
            "Every pair in tokens, what is cut, what contradicts itself, and what the run needs.",
            button="Check now",
        )
