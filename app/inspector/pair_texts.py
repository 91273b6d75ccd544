"""The texts of a pair: prompt, chosen and rejected side by side, each with its figures."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent, QTextOption
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.inspector.pair_table import PairTable
from app.inspector.wording import count, decimal
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.records import ScoredPair
from dpo_engine.preferences import Message

_RIM = Space.M - Space.XS
"""Between a card's text and its scroll bar: as far from the edge as on the left where there is none."""
_SPEAKERS = {"system": "System", "user": "Person", "assistant": "Assistant"}


class TextCard(QFrame):
    """A heading, a line of figures and a text that is shown as it is: nothing in it is run or fetched."""

    def __init__(self, title: str, role: str, icon: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._icon_name, self._role = theme, icon, role
        self._shown = ""
        set_role(self, "card")
        self._icon, self.title, self.figures, self.length = QLabel(), QLabel(title), QLabel(), QLabel()
        set_role(self.title, role)
        set_role(self.figures, "caption")
        set_role(self.length, "caption")
        self.figures.setWordWrap(True)
        self.text = _reading_field(title)
        head = QHBoxLayout()
        head.setSpacing(Space.XS)
        head.addWidget(self._icon)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.length)
        head.addSpacing(_RIM)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.M, Space.M, Space.XS, Space.S)
        column.setSpacing(Space.XS)
        column.addLayout(head)
        column.addWidget(self.figures)
        column.addSpacing(Space.XS)
        column.addWidget(self.text, 1)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_text(self, text: str, *, length: str = "", figures: str = "", tip: str = "") -> None:
        self.length.setText(length)
        self.figures.setText(figures)
        self.figures.setVisible(bool(figures))
        self.figures.setToolTip(tip)
        if text != self._shown:
            # The same text at another β keeps its place and what is selected in it.
            self._shown = text
            self.text.setPlainText(text)

    def _on_theme_changed(self) -> None:
        size = self._theme.px(16)
        token = self._role if self._role in ("chosen", "rejected") else "secondary"
        self._icon.setPixmap(self._theme.icon(self._icon_name, token).pixmap(QSize(size, size)))


class PairTexts(QWidget):
    """Three cards, empty while there is no pair; written when they are seen."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unwritten: Callable[[], None] | None = None
        self.prompt = TextCard("Prompt", "strong", "message-square", theme)
        self.chosen = TextCard("Chosen", "chosen", "check", theme)
        self.rejected = TextCard("Rejected", "rejected", "x", theme)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.M)
        row.addWidget(self.prompt, 3)
        row.addWidget(self.chosen, 4)
        row.addWidget(self.rejected, 4)

    def show_pair(self, table: PairTable, place: int, pair: ScoredPair) -> None:
        self._when_seen(lambda: self._write(table, place, pair))

    def show_nothing(self) -> None:
        self._when_seen(self._empty)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._unwritten is not None:
            self._when_seen(self._unwritten)

    def _when_seen(self, write: Callable[[], None]) -> None:
        """Laying out a long text takes a while, in vain where its tokens are looked at instead."""
        self._unwritten = write if self.isHidden() else None
        if self._unwritten is None:
            write()

    def _write(self, table: PairTable, place: int, pair: ScoredPair) -> None:
        split = "Held-out" if table.held_out[place] else "Train"
        self.prompt.show_text(conversation_text(pair.prompt), length=split)
        for card, side, text in (
            (self.chosen, "chosen", pair.chosen),
            (self.rejected, "rejected", pair.rejected),
        ):
            card.show_text(text, **_side_figures(table, place, side, pair))

    def _empty(self) -> None:
        for card in (self.prompt, self.chosen, self.rejected):
            card.show_text("")


def conversation_text(messages: tuple[Message, ...]) -> str:
    """A single turn as it is; several with who speaks above each."""
    if len(messages) == 1:
        return messages[0].content
    return "\n\n".join(f"{_SPEAKERS[message.role]}:\n{message.content}" for message in messages)


def _side_figures(table: PairTable, place: int, side: str, pair: ScoredPair) -> dict[str, str]:
    """How long one response is, its line of figures, and what the words in it mean."""
    computed, log_probs = table.figures, table.log_probs
    if side == "chosen":
        reference, policy = log_probs.reference_chosen, log_probs.policy_chosen
        ratio, reward, tokens = computed.chosen_log_ratio, computed.chosen_reward, pair.chosen_tokens
    else:
        reference, policy = log_probs.reference_rejected, log_probs.policy_rejected
        ratio, reward, tokens = computed.rejected_log_ratio, computed.rejected_reward, pair.rejected_tokens
    parts = [
        f"log-prob {decimal(float(reference[place]))} → {decimal(float(policy[place]))}",
        f"log-ratio {decimal(float(ratio[place]), 3)}",
        f"reward {decimal(float(reward[place]), 3)}",
    ]
    tip = (
        "Log-prob under the reference → under the policy; log-ratio is their difference; reward is β times it"
    )
    length = count(tokens, "token") + (", cut to max length" if pair.truncated else "")
    # A line that is too long breaks between two figures.
    figures = " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
    return {"length": length, "figures": figures, "tip": tip}


def _reading_field(name: str) -> QPlainTextEdit:
    field = QPlainTextEdit()
    field.setReadOnly(True)
    field.setAccessibleName(name)
    field.setTabChangesFocus(True)
    field.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    set_role(field, "reading")
    field.document().setDocumentMargin(0)
    field.setViewportMargins(0, 0, _RIM, 0)
    field.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    # Each paragraph runs in the direction of its own first letter.
    option = QTextOption(field.document().defaultTextOption())
    option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    field.document().setDefaultTextOption(option)
    return field
