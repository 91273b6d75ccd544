"""Agreement: how far annotators agree, in words and figures, and where they differ, to be settled blind."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.agreement_presenter import (
    MOST_SHOWN,
    AgreementPresenter,
    AgreementState,
    Difference,
)
from app.library.exchange.panel import Panel
from app.library.exchange.parts import hint_label, show_hint
from app.library.exchange.wording import agreement_shares, agreement_words, listed, same_words
from app.library.share_rows import ShareRows
from app.library.wording import count
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_FIGURES_WIDTH = 420
_ROW = 30
_MEANS = (
    "1 is always the same answer, 0 is what chance would give, below 0 is less than that. Brackets hold the "
    "true figure 19 times in 20. κ (Cohen) is for two annotators, α (Krippendorff) for any number."
)
_BLIND = "Who said what is not shown, so that whoever settles them judges the responses."


class AgreementPage(Panel):
    annotate_requested = Signal()

    def __init__(self, presenter: AgreementPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Agreement", theme, parent)
        self._presenter = presenter
        self._shown: tuple[Difference, ...] | None = None
        self.words, self.shares = QLabel(), ShareRows("Agreement", theme)
        self.same = hint_label("")
        self.heading, self.list = QLabel(), QTreeWidget()
        self.any = QCheckBox("Also where one says tie or both bad")
        self.settle, self.settle_some = QPushButton(), QPushButton()
        self.annotate = QPushButton("Go to Annotate")
        self.set_body(self._body())
        self._connect()
        self._on_state_changed()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.open()
        self.focus_on(self.list)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._presenter.leave()

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen(self._on_state_changed))
        self.any.toggled.connect(presenter.show_any_difference)
        self.list.itemSelectionChanged.connect(self._on_selected)
        self.settle.clicked.connect(self._on_settle_all)
        self.settle_some.clicked.connect(lambda: presenter.settle(self._selected()))
        self.annotate.clicked.connect(self.annotate_requested)
        self._theme.changed.connect(self._on_theme_changed)

    def _on_theme_changed(self) -> None:
        """The rows have their colours from the theme."""
        self._shown = None
        self._show_differences(self._presenter.state)

    def _on_state_changed(self) -> None:
        state = self._presenter.state
        self.message.show_words(problem=state.problem, said=state.said)
        if state.between is None:
            self.words.setText("Comparing the verdicts…" if state.loading else "")
        else:
            self.words.setText(agreement_words(state.between))
            self.shares.show_shares(agreement_shares(state.between))
            show_hint(self.same, same_words(state.between))
        self._show_differences(state)
        self.annotate.setVisible(state.settling)
        self._on_selected()

    def _on_settle_all(self) -> None:
        self._presenter.settle()

    def _show_differences(self, state: AgreementState) -> None:
        more = f", the first {MOST_SHOWN:,} here" if state.total > MOST_SHOWN else ""
        self.heading.setText(
            f"{count(state.total, 'difference')}{more}" if state.total else "No differences to settle"
        )
        if state.differences == self._shown:
            return
        self._shown = state.differences
        self.list.clear()
        for one in state.differences:
            waits = "Waits to be settled" if one.asked else "Open"
            item = QTreeWidgetItem([one.words, listed([_short(name) for name in one.people]), waits])
            item.setIcon(2, self._theme.icon("clock" if one.asked else "scale"))
            item.setToolTip(1, listed(list(one.people)))
            item.setForeground(1, self._theme.colour("secondary"))
            item.setSizeHint(0, QSize(0, self._theme.px(_ROW)))
            item.setData(0, Qt.ItemDataRole.UserRole, one)
            self.list.addTopLevelItem(item)
        first = self.list.topLevelItem(0)
        if first is not None:
            self.list.setCurrentItem(first)

    def _selected(self) -> list[int]:
        found = [item.data(0, Qt.ItemDataRole.UserRole) for item in self.list.selectedItems()]
        return [one.comparison_id for one in found if isinstance(one, Difference) and not one.asked]

    def _on_selected(self) -> None:
        state, some = self._presenter.state, self._selected()
        busy = state.working or state.loading
        self.settle.setEnabled(bool(state.open) and not busy)
        self.settle.setText(f"Settle all {len(state.open):,}, blind" if state.open else "Settle all, blind")
        self.settle_some.setEnabled(bool(some) and not busy)
        self.settle_some.setText(f"Settle the selected {len(some):,}" if len(some) > 1 else "Settle this one")

    def _body(self) -> QWidget:
        set_role(self.words, "secondary")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        means = QLabel(_MEANS)
        means.setWordWrap(True)
        set_role(means, "caption")
        title = QLabel("How far you agree")
        set_role(title, "heading")
        figures, column = _card()
        for part in (title, self.words, self.shares, self.same, means):
            column.addWidget(part)
        column.addStretch(1)
        figures.setFixedWidth(self._theme.px(_FIGURES_WIDTH))
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.L)
        row.addWidget(figures)
        row.addWidget(self._differences(), 1)
        return body

    def _differences(self) -> QFrame:
        set_role(self.heading, "heading")
        set_role(self.settle, "primary")
        blind = QLabel(_BLIND)
        blind.setWordWrap(True)
        set_role(blind, "caption")
        self.list.setAccessibleName("Comparisons on which annotators differ")
        self.list.setHeaderLabels(["Prompt", "Who differs", "State"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for section in (1, 2):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        below = QHBoxLayout()
        below.setSpacing(Space.S)
        below.addWidget(self.annotate)
        below.addStretch(1)
        below.addWidget(self.settle_some)
        below.addWidget(self.settle)
        frame, column = _card()
        for part in (self.heading, blind, self.any):
            column.addWidget(part)
        column.addWidget(self.list, 1)
        column.addLayout(below)
        return frame


def _card() -> tuple[QFrame, QVBoxLayout]:
    frame = QFrame()
    set_role(frame, "card")
    column = QVBoxLayout(frame)
    column.setContentsMargins(Space.L, Space.L, Space.L, Space.M)
    column.setSpacing(Space.M)
    return frame, column


def _short(name: str) -> str:
    return name if len(name) <= 18 else name[:17] + "…"
