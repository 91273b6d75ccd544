"""The token that is looked at: its log-probs and ranks, and what either model held likelier."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.inspector.tokens.values import Mode
from app.inspector.tokens.words import chance, place_words, shown, value_words
from app.inspector.wording import decimal
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from dpo_engine.token_scores.details import Alternative, TokenDetail

_ALTERNATIVES = 5
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
_HINT = "Point at a token, or go through them with the arrow keys."


class TokenCard(QFrame):
    """Shows one token; words on how to choose one while there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_role(self, "card")
        self.setAccessibleName("Token")
        self.text, self.place, self.value, self.hint = QLabel(), QLabel(), QLabel(), QLabel(_HINT)
        self.policy = _Column("Policy", theme)
        self.reference = _Column("Reference", theme)
        self._body = QWidget()
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.show_none()

    def show_none(self) -> None:
        self._body.hide()
        self.hint.show()

    def show_token(self, token: TokenDetail, place: int, total: int, mode: Mode, value: float) -> None:
        """A response's token at `place` of `total`, and the value that its colour stands for."""
        self.text.setText(shown(token.text))
        self.text.setToolTip(f"id {token.id}")
        self.place.setText(place_words(token, place, total))
        self.value.setText(value_words(mode, value))
        self.policy.show_token(token.id, token.policy, token.policy_rank, token.policy_top)
        self.reference.show_token(token.id, token.reference, token.reference_rank, token.reference_top)
        self.hint.hide()
        self._body.show()

    def _lay_out(self) -> None:
        set_role(self.place, "caption")
        set_role(self.hint, "secondary")
        self.hint.setWordWrap(True)
        self.hint.setAlignment(_LEFT & ~Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignTop)
        self.hint.setContentsMargins(0, 0, Space.S, 0)
        self.value.setWordWrap(True)
        for label in (self.text, self.value, self.place):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setAlignment(_LEFT)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(self.text, 1)
        head.addWidget(self.place)
        columns = QHBoxLayout()
        columns.setSpacing(Space.L)
        columns.addWidget(self.policy, 1)
        columns.addWidget(self.reference, 1)
        figures = QWidget()
        scrolled = QVBoxLayout(figures)
        scrolled.setContentsMargins(0, 0, Space.S, 0)
        scrolled.setSpacing(Space.S)
        scrolled.addWidget(self.value)
        scrolled.addLayout(columns)
        scrolled.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(figures)
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(Space.XS)
        body.addLayout(head)
        body.addWidget(area, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.M, Space.S, Space.XS, Space.S)
        column.addWidget(self.hint)
        column.addWidget(self._body)

    def _on_theme_changed(self) -> None:
        mono = self._theme.font(FontSize.BODY, weight=600, mono=True)
        mono.setFeature(QFont.Tag("calt"), 0)  # sign by sign, without ligatures
        self.text.setFont(mono)
        self.place.setFont(self._theme.figures(FontSize.CAPTION))
        self.value.setFont(self._theme.figures())


class _Column(QWidget):
    """One model: log-prob and rank of the token, and its five likeliest tokens there."""

    def __init__(self, name: str, theme: Theme) -> None:
        super().__init__()
        self._theme, self._name = theme, name
        self._token, self._top = -1, tuple[Alternative, ...]()
        self.log_prob, self.rank = QLabel(), QLabel()
        self.alternatives = [(QLabel(), QLabel()) for _ in range(_ALTERNATIVES)]
        self._ranks = [QLabel(f"{rank + 1}") for rank in range(_ALTERNATIVES)]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(Space.S)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(1, 1)
        for row, (words, label) in enumerate(((name, self.log_prob), ("rank", self.rank))):
            caption = QLabel(words)
            set_role(caption, "caption")
            line = QHBoxLayout()
            line.addWidget(caption, 1)
            line.addWidget(label)
            grid.addLayout(line, row, 0, 1, 3)
        for row, (number, (text, share)) in enumerate(
            zip(self._ranks, self.alternatives, strict=True), start=2
        ):
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            text.setAlignment(_LEFT)
            set_role(text, "mono")
            for quiet in (number, share):
                set_role(quiet, "caption")
            grid.addWidget(number, row, 0)
            grid.addWidget(text, row, 1)
            grid.addWidget(share, row, 2, Qt.AlignmentFlag.AlignRight)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_token(self, token: int, log_prob: float, rank: int, top: tuple[Alternative, ...]) -> None:
        self.log_prob.setText(decimal(log_prob, 3))
        self.log_prob.setToolTip(f"Log-prob of this token; probability {chance(log_prob)}")
        self.rank.setText(f"{rank:,}" if rank else "–")
        self._token, self._top = token, top
        for number, (text, share) in enumerate(self.alternatives):
            one = top[number] if number < len(top) else None
            self._ranks[number].setVisible(one is not None)
            share.setText(chance(one.log_prob) if one else "")
            words = _words(one, token) if one else ""
            text.setAccessibleName(f"{self._name}, choice {number + 1}: {words}" if one else "")
            text.setToolTip(words)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The alternatives' texts in the room that there is; the token itself in bold."""
        for one, (text, _share) in zip(self._top, self.alternatives, strict=False):
            font = self._theme.font(FontSize.CAPTION, mono=True, weight=700 if one.id == self._token else 400)
            font.setFeature(QFont.Tag("calt"), 0)
            text.setFont(font)
            room = float(max(text.width(), self._theme.px(40)))
            text.setText(QFontMetricsF(font).elidedText(shown(one.text), Qt.TextElideMode.ElideRight, room))
        for text, _share in self.alternatives[len(self._top) :]:
            text.setText("")

    def _on_theme_changed(self) -> None:
        for label in (self.log_prob, self.rank):
            label.setFont(self._theme.figures())
        for _text, share in self.alternatives:
            share.setFont(self._theme.figures(FontSize.CAPTION))
        for number in self._ranks:
            number.setFont(self._theme.figures(FontSize.CAPTION))


def _words(one: Alternative, token: int) -> str:
    return f"{shown(one.text)} · id {one.id}{' · this token' if one.id == token else ''}"
