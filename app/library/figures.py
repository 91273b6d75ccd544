"""The project's verdicts as pictures: days, lengths, agreement, coverage; each also says itself in words."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.library.bar_plot import BarPlot
from app.library.figure_words import (
    PERIODS,
    agreement_shares,
    coverage_shares,
    days_words,
    grouped,
    length_bars,
    length_words,
)
from app.library.presenter import LibraryPresenter
from app.library.share_rows import ShareRows
from app.library.wording import SPLIT_WORDS, source_words
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.figures.statistics import Coverage, Day, LengthBias, Statistics
from app.store.library.filters import Filter

_ONE_COLUMN_BELOW = 760
_MOST_TICKS = 6
_LEAST_DAYS = 14


class Figures(QScrollArea):
    """Follows `LibraryState.statistics`; a line of the coverage leads to its rows."""

    filter_wanted = Signal(object)
    agreement_requested = Signal()

    def __init__(self, presenter: LibraryPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presenter, self._theme = presenter, theme
        self._shown: Statistics | None = None
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.days = BarPlot("Verdicts per day", theme)
        self.lengths = BarPlot("Characters of chosen minus rejected", theme)
        self.agreement = ShareRows("Agreement and sides", theme)
        self.disputes = QPushButton("Agreement and disputes…")
        set_role(self.disputes, "quiet-small")
        self.disputes.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.disputes.clicked.connect(self.agreement_requested)
        self.coverage = {
            "tags": ShareRows("Judged, by tag", theme),
            "sources": ShareRows("Judged, by source", theme),
            "splits": ShareRows("Judged, by split", theme),
        }
        self.words = {name: QLabel() for name in ("days", "lengths")}
        self.sides = QLabel("← the shorter one was chosen        the longer one was chosen →")
        self._lay_out()
        self.destroyed.connect(presenter.listen(self._on_state_changed))
        self._on_state_changed()

    def _lay_out(self) -> None:
        for words in self.words.values():
            words.setWordWrap(True)
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            set_role(words, "secondary")
        for plot in (self.days, self.lengths):
            plot.setMinimumHeight(self._theme.px(170))
            plot.setMaximumHeight(self._theme.px(400))
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, Space.S, 0)
        grid.setSpacing(Space.M)
        self.heading = _heading("Verdicts per day")
        set_role(self.sides, "caption")
        self.sides.setAlignment(Qt.AlignmentFlag.AlignCenter)
        grid.addWidget(_card(self.heading, self.words["days"], self.days), 0, 0)
        grid.addWidget(
            _card(
                _heading("Chosen minus rejected, in characters"),
                self.words["lengths"],
                self.lengths,
                self.sides,
            ),
            0,
            1,
        )
        grid.addWidget(
            _card(_heading("Agreement and sides, with 95 % intervals"), self.agreement, self.disputes), 1, 0
        )
        covered = [self.coverage[name] for name in ("splits", "sources", "tags")]
        grid.addWidget(_card(_heading("Judged comparisons, by split, source and tag"), *covered), 1, 1)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)
            grid.setColumnMinimumWidth(column, self._theme.px(_ONE_COLUMN_BELOW) // 2)
        grid.setRowStretch(0, 8)
        grid.setRowStretch(2, 1)
        self.setWidget(body)

    def _on_state_changed(self) -> None:
        found = self._presenter.state.statistics
        if found is self._shown and found is not None:
            return
        self._shown = found
        if found is None:
            self.words["days"].setText("Counting…")
            self.words["lengths"].setText("Counting…")
            return
        self._show_days(found.days)
        self._show_lengths(found.lengths)
        self.agreement.show_shares(agreement_shares(found))
        self._show_coverage("tags", found.tags)
        self._show_coverage("sources", found.sources)
        self._show_coverage("splits", found.splits)

    def _show_days(self, days: Sequence[Day]) -> None:
        words = days_words(days)
        self.words["days"].setText(words)
        self.days.setAccessibleDescription(words)
        step, spans = grouped(days)
        self.heading.setText(f"Verdicts per {PERIODS[step]}")
        places = [float(number) for number in range(len(spans))]
        every = max(1, -(-len(spans) // _MOST_TICKS))
        ticks = [
            (float(number), f"{span.day.day} {span.day:%b}")
            for number, span in enumerate(spans)
            if number % every == 0
        ]
        heights = [float(span.total) for span in spans]
        self.days.show_bars([(places, heights, "accent")], width=0.82, ticks=ticks, room_for=_LEAST_DAYS)

    def _show_lengths(self, lengths: LengthBias | None) -> None:
        words = length_words(lengths)
        self.words["lengths"].setText(words)
        self.lengths.setAccessibleDescription(words)
        self.sides.setVisible(lengths is not None)
        if lengths is None:
            self.lengths.show_bars([], width=1)
            return
        middles, heights, width = length_bars(lengths)
        bars = list(zip(middles, heights, strict=True))
        shorter, longer = [bar for bar in bars if bar[0] < 0], [bar for bar in bars if bar[0] >= 0]
        self.lengths.show_bars(
            [
                (*_columns(shorter), "border_strong"),
                (*_columns(longer), "accent"),
            ],
            width=0.82 * width,
            zero=True,
        )

    def _show_coverage(self, name: str, coverages: Sequence[Coverage]) -> None:
        rows = self.coverage[name]
        shares = coverage_shares([_named(name, one) for one in coverages])
        rows.show_shares(shares, leading=True)
        rows.setVisible(bool(shares))
        for button, one in zip(rows.buttons, coverages, strict=False):
            button.clicked.connect(partial(self._lead_to, _filter_of(name, one.name)))

    def _lead_to(self, wanted: Filter, _pressed: bool = False) -> None:
        self.filter_wanted.emit(wanted)


def _filter_of(name: str, value: str) -> Filter:
    if name == "tags":
        return Filter(tags=(value,))
    if name == "sources":
        return Filter(sources=(value,))
    return Filter(splits=("held_out" if value == SPLIT_WORDS["held_out"] else "train",))


def _named(name: str, one: Coverage) -> Coverage:
    words = source_words(one.name) if name == "sources" else f"# {one.name}" if name == "tags" else one.name
    return Coverage(name=words, judged=one.judged, of=one.of)


def _columns(bars: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [at for at, _height in bars], [height for _at, height in bars]


def _heading(title: str) -> QLabel:
    heading = QLabel(title)
    set_role(heading, "strong")
    return heading


def _card(heading: QLabel, *parts: QWidget) -> QFrame:
    card = QFrame()
    set_role(card, "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
    column.setSpacing(Space.S)
    column.addWidget(heading)
    for part in parts:
        column.addWidget(part, 1 if isinstance(part, BarPlot) else 0)
    if not any(isinstance(part, BarPlot) for part in parts):
        column.addStretch(1)
    return card
