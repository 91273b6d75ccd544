"""Chosen and rejected side by side as heat maps over their tokens, with the token that is looked at."""

from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.inspector.tokens.legend import Legend
from app.inspector.tokens.painting import Colouring, Look
from app.inspector.tokens.picture import TokenPicture
from app.inspector.tokens.presenter import TokensState
from app.inspector.tokens.shades import shades
from app.inspector.tokens.side_card import SideCard
from app.inspector.tokens.token_card import TokenCard
from app.inspector.tokens.values import MODES, Heat, PairTokens, heat, totals
from app.inspector.tokens.words import MODE_MEANINGS, MODE_WORDS, as_tsv, signed, spoken, sum_words
from app.inspector.wording import count
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.widgets.blank import Blank
from app.widgets.plot_export import add_export_actions
from app.widgets.segments import Segments

_PATIENCE_MS = 250
"""How long getting other tokens may take before the old ones make way for words."""


class TokenView(QWidget):
    """Shows a `TokensState` at a β."""

    retry_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state = TokensState()
        self._pair: PairTokens | None = None
        self._heat: Heat | None = None
        self._beta = 0.1
        self._picture: TokenPicture | None = None
        self.modes = Segments("Colours", [MODE_WORDS[mode] for mode in MODES])
        self.legend = Legend(theme)
        self.menu_button = QToolButton()
        self.chosen = SideCard("Chosen", "chosen", "check", theme)
        self.rejected = SideCard("Rejected", "rejected", "x", theme)
        self.token = TokenCard(theme)
        self.sum, self.note = QLabel(), QLabel()
        self.blank = Blank(theme)
        self._middle = QStackedWidget()
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._sides = (self.chosen.canvas, self.rejected.canvas)
        self._lay_out()
        self._connect()
        self._on_theme_changed()

    def show_state(self, state: TokensState) -> None:
        before, self._state = self._state, state
        if state.tokens is not None and state.tokens is not before.tokens:
            self._show_pair(state.tokens)
        self.note.setText(state.message)
        self.note.setVisible(state.phase == "ready" and bool(state.message))
        if state.phase in ("ready", "failed") or self._pair is None:
            self._patience.stop()
            self._show_middle()
        elif self._middle.currentIndex() == 1:
            self._show_middle()
        elif not self._patience.isActive():
            # What was there stays until the answer is in, unless that takes long: no flicker.
            self._patience.start()

    def show_beta(self, beta: float) -> None:
        """The β that turns the sum of log-ratios into the margin."""
        if beta != self._beta:
            self._beta = beta
            self._show_sum()

    def copy(self) -> None:
        """The tokens as a table, onto the clipboard."""
        if self._pair is not None:
            QGuiApplication.clipboard().setText(as_tsv(self._pair))

    # --- building -------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        for number, mode in enumerate(MODES):
            self.modes.button(number).setToolTip(MODE_MEANINGS[mode])
        self.menu_button.setText("Copy or save")
        self.menu_button.setAccessibleName("Copy or save the tokens")
        self.menu_button.setToolTip("Copy or save the tokens")
        set_role(self.menu_button, "quiet-small")
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.menu_button)
        menu.addAction("Copy as table").triggered.connect(self.copy)
        menu.addSeparator()
        add_export_actions(menu, self._new_picture, lambda: "tokens", self._say_not_saved)
        self.menu_button.setMenu(menu)
        set_role(self.sum, "secondary")
        set_role(self.note, "caption")
        self.note.setWordWrap(True)
        self.note.hide()
        self.sum.setToolTip(
            "Sums over every token, the end of the turn included; each is rounded to a thousandth so that "
            "the printed figures add up"
        )
        head = QHBoxLayout()
        head.setSpacing(Space.M)
        head.addWidget(self.modes)
        head.addWidget(self.legend)
        head.addStretch(1)
        head.addWidget(self.menu_button)
        cards = QHBoxLayout()
        cards.setSpacing(Space.M)
        cards.addWidget(self.chosen, 4)
        cards.addWidget(self.rejected, 4)
        cards.addWidget(self.token, 3)
        self.token.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(head)
        column.addLayout(cards, 1)
        column.addWidget(self.sum)
        column.addWidget(self.note)
        self._middle.addWidget(whole)
        self._middle.addWidget(self.blank)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(self._middle)
        self._middle.setCurrentIndex(1)

    def _connect(self) -> None:
        self.modes.chosen.connect(lambda _number: self._colour())
        self.blank.pressed.connect(self.retry_requested)
        self._patience.timeout.connect(self._show_middle)
        self._theme.changed.connect(self._on_theme_changed)
        for number, canvas in enumerate(self._sides):
            canvas.looked_at.connect(partial(self._on_looked_at, number))
            canvas.scrolled.connect(self._sides[1 - number].scroll_to_share)
            shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), canvas)
            shortcut.activated.connect(self.copy)

    # --- what is shown --------------------------------------------------------------------------------

    def _show_middle(self) -> None:
        match self._state.phase:
            case "failed":
                self.blank.show_words(
                    "circle-alert", "No tokens", self._state.message, button="Try again", primary=False
                )
            case "asking":
                self.blank.show_words("scale", f"{self._state.stage}…", _QUICK)
            case "reading":
                self.blank.show_words("clock", "Reading the tokens", "")
            case _:
                self.blank.show_words("scan-search", "No pair selected", "")
        self._middle.setCurrentIndex(0 if self._state.phase == "ready" else 1)

    def _show_pair(self, pair: PairTokens) -> None:
        self._pair = pair
        self.token.show_none()
        self._colour(new=True)
        self._show_sum()

    def _colour(self, *, new: bool = False) -> None:
        if self._pair is None:
            return
        mode = MODES[self.modes.choice()]
        found = self._heat = heat(self._pair, mode)
        look = Look.of(self._theme, signed=found.signed)
        self.legend.show_heat(found, mode)
        for canvas, side, values in zip(self._sides, self._pair.sides, found.sides, strict=True):
            colouring = Colouring(
                shades(values, found.limit, signed=found.signed), (values > 0).tolist(), look
            )
            if new:
                canvas.show_tokens(side.tokens, colouring)
            else:
                canvas.show_colours(colouring)
                self._describe(canvas.current, self._sides.index(canvas))

    def _show_sum(self) -> None:
        if self._pair is None:
            return
        chosen, rejected = self._pair.chosen, self._pair.rejected
        total = totals(chosen.total, rejected.total, self._beta)
        self.sum.setText(sum_words(total))
        for card, side, figure in (
            (self.chosen, chosen, total.chosen),
            (self.rejected, rejected, total.rejected),
        ):
            card.sum.setText(f"{count(len(side), 'token')} · Σ log-ratio {signed(float(figure), 3)}")

    def _on_looked_at(self, side: int, token: int) -> None:
        if self._pair is None:
            return
        for number, canvas in enumerate(self._sides):
            if number != side:
                canvas.mark(-1)
        self._describe(token, side)

    def _describe(self, token: int, side: int) -> None:
        if self._pair is None or self._heat is None or token < 0:
            return
        tokens, value = self._pair.sides[side].tokens, float(self._heat.sides[side][token])
        mode = MODES[self.modes.choice()]
        self.token.show_token(tokens[token], token, len(tokens), mode, value)
        self._sides[side].mark(token, words=spoken(tokens[token], token, len(tokens), mode, value))

    # --- out of the app -------------------------------------------------------------------------------

    def _new_picture(self) -> TokenPicture:
        if self._picture is not None:
            self._picture.deleteLater()
        captions = (
            f"Chosen: {self.chosen.sum.text()}",
            f"Rejected: {self.rejected.sum.text()}",
            self.sum.text(),
        )
        self._picture = TokenPicture(self._pair, self._sides, captions, self._theme, self)
        return self._picture

    def _say_not_saved(self, sentence: str) -> None:
        self.note.setText(sentence)
        self.note.show()

    def _on_theme_changed(self) -> None:
        self.sum.setFont(self._theme.figures())
        self.note.setFont(self._theme.font(FontSize.CAPTION))
        self.menu_button.setIcon(self._theme.icon("copy"))
        self._colour()


_QUICK = "Both models read this one pair. Other work of the engine goes on meanwhile."
