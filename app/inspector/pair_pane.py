"""The selected pair: what happened to it in a sentence; its texts, its tokens, its way through training."""

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from app.inspector.figures import CASES
from app.inspector.pair_table import PairTable
from app.inspector.pair_texts import PairTexts
from app.inspector.table_model import CASE_ICONS
from app.inspector.tokens.presenter import Source, TokensPresenter
from app.inspector.tokens.view import TokenView
from app.inspector.wording import reading
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.records import ScoredPair
from app.widgets.segments import Segments
from dpo_engine.pair_math import Case

_TEXT, _TOKENS, _PATH = range(3)
_TITLES = ("Text", "Tokens", "Path")
_PAUSE_MS = 120
"""For going through pairs quickly: only where the selection rests are tokens asked for."""


class PairPane(QWidget):
    """Follows the selection; empty while there is none. Without `tokens` or `path` there is no such view."""

    def __init__(
        self,
        theme: Theme,
        tokens: TokensPresenter | None = None,
        path: QWidget | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._presenter = theme, tokens
        self._case: Case | None = None
        self._pair: ScoredPair | None = None
        self._source: Source | None = None
        self._beta = 0.1
        self.name, self.sentence, self._case_icon = QLabel(), QLabel(), QLabel()
        self.explore = QToolButton(self)
        """What it does is its owner's business."""
        self.views = Segments("Show", _TITLES, self)
        self._stack = QStackedWidget(self)
        self.texts = PairTexts(theme, self._stack)
        self.prompt, self.chosen, self.rejected = self.texts.prompt, self.texts.chosen, self.texts.rejected
        self.tokens: TokenView | None = None
        """Made when it is first looked at."""
        self.path = path
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._lay_out()
        self._pause.timeout.connect(self._show_tokens)
        self.views.chosen.connect(self._on_view_chosen)
        theme.changed.connect(self._on_theme_changed)

    def show_source(self, source: Source | None) -> None:
        """The models behind the scores; None where they are not there any more."""
        if source != self._source:
            self._source = source
            self._pause.start()

    def show_pair(self, table: PairTable, place: int, pair: ScoredPair | None = None) -> None:
        """The pair at this place of the table with its texts; place -1 for none."""
        self._pair = pair
        self._pause.start()
        if pair is None:
            self._show_nothing()
            return
        computed = table.figures
        self._case = CASES[int(computed.case[place])]
        self.name.setText(f"Pair {place + 1}")
        self.name.setToolTip(pair.pair)
        self.sentence.setText(
            reading(
                margin=float(computed.margin[place]),
                chosen_log_ratio=float(computed.chosen_log_ratio[place]),
                rejected_log_ratio=float(computed.rejected_log_ratio[place]),
            )
        )
        self.texts.show_pair(table, place, pair)
        self._beta = computed.beta
        if self.tokens is not None:
            self.tokens.show_beta(self._beta)
        self._on_theme_changed()

    def _show_nothing(self) -> None:
        self._case = None
        self.name.setText("")
        self.sentence.setText("")
        self.texts.show_nothing()
        self._on_theme_changed()

    def show_next_view(self) -> None:
        """Text, tokens, path, and round again; those that are there."""
        there = [number for number in range(len(_TITLES)) if not self.views.button(number).isHidden()]
        self.views.choose(there[(there.index(self.views.choice()) + 1) % len(there)])

    # --- views ------------------------------------------------------------------------------------------

    def _on_view_chosen(self, number: int) -> None:
        if number == _TOKENS and self.tokens is None and self._presenter is not None:
            presenter = self._presenter
            view = self.tokens = TokenView(self._theme, self._stack)
            self._stack.insertWidget(_TOKENS, view)
            view.show_beta(self._beta)
            view.retry_requested.connect(presenter.retry)
            stop = presenter.listen(lambda: view.show_state(presenter.state))
            self.destroyed.connect(stop)
        self._stack.setCurrentWidget(self._widget(number))
        self._show_tokens()

    def _widget(self, number: int) -> QWidget:
        other = self.tokens if number == _TOKENS else self.path if number == _PATH else None
        return other if other is not None else self.texts

    def _show_tokens(self) -> None:
        """Ask for the pair's tokens, or for none while they are not in view."""
        if self._presenter is not None and self.tokens is not None:
            seen = self.isVisible() and self.views.choice() == _TOKENS
            self._presenter.show(self._pair if seen else None, self._source)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._pause.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._pause.start()

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        set_role(self.name, "heading")
        set_role(self.sentence, "secondary")
        self.sentence.setWordWrap(True)
        # Room for two lines, so that going from pair to pair moves nothing.
        self.sentence.setMinimumHeight(2 * self.sentence.fontMetrics().height() + 2)
        self.sentence.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.sentence.setAccessibleName("What happened to this pair")
        set_role(self.explore, "quiet-small")
        self.explore.setText("Explore the loss")
        self.explore.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.explore.setToolTip("Open this pair in the loss explorer, with its own numbers")
        self.views.button(_TOKENS).setVisible(self._presenter is not None)
        self.views.button(_PATH).setVisible(self.path is not None)
        if self._presenter is None and self.path is None:
            self.views.hide()
        for part in (self.texts, self.path):
            if part is not None:
                self._stack.addWidget(part)
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(self.name)
        head.addWidget(self._case_icon)
        head.addWidget(self.sentence, 1)
        head.addWidget(self.explore, 0, Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self.views, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, Space.S, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(head)
        column.addWidget(self._stack, 1)

    def _on_theme_changed(self) -> None:
        size = self._theme.px(16)
        self.explore.setIcon(self._theme.icon("chart-line"))
        self.explore.setEnabled(self._pair is not None)
        self._case_icon.setVisible(self._case is not None)
        if self._case is not None:
            self._case_icon.setPixmap(self._theme.icon(*CASE_ICONS[self._case]).pixmap(QSize(size, size)))
