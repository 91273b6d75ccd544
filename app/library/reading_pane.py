"""The row that the keyboard stands on, for reading: what was said of it, its texts, and all about them.

Before a verdict nothing tells which model wrote which side, so that it can still be judged without bias.
"""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.library.details import Details, origin, verdict_words
from app.library.found_marks import FoundMarks
from app.library.reading import Reading
from app.library.response_card import ResponseCard
from app.library.wording import STANDING_ICONS, count, moment
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.store.records import Candidate, Choice, Side
from app.widgets.conversation import ConversationText

_STACKED_BELOW = 620
_DETAILS_BESIDE = 900


class ReadingPane(QWidget):
    """Follows `LibraryState.reading`; says where to start while there is none."""

    judge_requested = Signal(int)
    """Show this comparison where verdicts are given."""
    comment_changed = Signal(int, str)
    left = Signal()
    """The person is done reading and goes back to the rows."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._reading: Reading | None = None
        self._icon, self.verdict, self.given = QLabel(), QLabel(), QLabel()
        set_role(self.verdict, "heading")
        set_role(self.given, "caption")
        self.given.setTextFormat(Qt.TextFormat.PlainText)
        self.judge = QPushButton("Judge again")
        self.judge.setToolTip("Show it on Annotate; the new verdict counts, the old one stays in its history")
        self.prompt = ConversationText(theme)
        self.cards: dict[Side, ResponseCard] = {
            "left": ResponseCard("Left", theme),
            "right": ResponseCard("Right", theme),
        }
        views = (self.prompt.view, self.cards["left"].text, self.cards["right"].text)
        self.found = FoundMarks(views, theme, self)
        self.details = Details(theme)
        self.hint = QLabel("Nothing is selected")
        set_role(self.hint, "secondary")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._texts, self._body = QHBoxLayout(), QHBoxLayout()
        self._lay_out()
        self.judge.clicked.connect(self._on_judge)
        self.details.comment_changed.connect(self.comment_changed)
        theme.changed.connect(self._on_theme_changed)

    @property
    def reading(self) -> Reading | None:
        return self._reading

    def show_reading(self, reading: Reading | None) -> None:
        if reading == self._reading:
            return
        self._reading = reading
        self._stack.setCurrentIndex(0 if reading is None else 1)
        if reading is None:
            return
        self.verdict.setText(verdict_words(reading))
        self.given.setText(_given(reading))
        self.prompt.show_messages(reading.prompt.messages)
        comparison = reading.comparison
        for side, card in self.cards.items():
            card.setVisible(comparison is not None)
            if comparison is not None:
                self._show_response(
                    card, side, reading, comparison.left if side == "left" else comparison.right
                )
        self.details.show_reading(reading)
        self.judge.setVisible(comparison is not None and comparison.state != "retired")
        self.judge.setText("Judge" if reading.choice is None else "Judge again")
        self._fit()
        self._on_theme_changed()

    def take_focus(self) -> None:
        """Where reading begins."""
        comparison = self._reading.comparison if self._reading else None
        (self.cards["left"].text if comparison else self.prompt.view).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _show_response(self, card: ResponseCard, side: Side, reading: Reading, candidate: Candidate) -> None:
        chosen: Choice | None = reading.choice
        fate = "" if chosen not in ("left", "right") else "chosen" if chosen == side else "rejected"
        edited = reading.edited.text if reading.edited is not None and fate == "chosen" else None
        known = reading.choice is not None
        words = origin(candidate) if known else count(candidate.chars, "character")
        card.show_response(candidate.text, edited=edited, fate=fate, origin=words)

    def _fit(self) -> None:
        """Side by side where there is room; details beside the texts, or below them."""
        wide = self.width() >= self._theme.px(_DETAILS_BESIDE)
        self._body.setDirection(
            QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        )
        self.details.setFixedWidth(self._theme.px(250)) if wide else self.details.setMinimumWidth(0)
        if not wide:
            self.details.setMaximumWidth(16_777_215)
            self.details.setMaximumHeight(self._theme.px(220))
        else:
            self.details.setMaximumHeight(16_777_215)
        side_by_side = self.width() >= self._theme.px(_STACKED_BELOW)
        self._texts.setDirection(
            QBoxLayout.Direction.LeftToRight if side_by_side else QBoxLayout.Direction.TopToBottom
        )
        alone = self._reading is not None and self._reading.comparison is None
        share = 0.25 if not alone else 0.75 if wide else 0.5
        self.prompt.fit(max(self._theme.px(44), int(self.height() * share)))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(Space.S)
        head.addWidget(self._icon)
        head.addWidget(self.verdict)
        head.addWidget(self.given)
        head.addStretch(1)
        head.addWidget(self.judge)
        self._texts.setSpacing(Space.M)
        for card in self.cards.values():
            self._texts.addWidget(card, 1)
        reading = QVBoxLayout()
        reading.setSpacing(Space.S)
        reading.addWidget(self.prompt)
        reading.addLayout(self._texts, 1)
        reading.addStretch(0)
        self._body.setSpacing(Space.L)
        self._body.addLayout(reading, 1)
        self._body.addWidget(self.details)
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(head)
        column.addLayout(self._body, 1)
        self._stack.addWidget(self.hint)
        self._stack.addWidget(shown)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, Space.S, 0, 0)
        outer.addWidget(self._stack)

    def _on_judge(self) -> None:
        if self._reading is not None and self._reading.comparison is not None:
            self.judge_requested.emit(self._reading.comparison.id)

    def _on_theme_changed(self) -> None:
        self.given.setFont(self._theme.figures(FontSize.CAPTION))
        if self._reading is None:
            return
        name = "message-square" if self._reading.comparison is None else "clock"
        if self._reading.choice is not None:
            name = STANDING_ICONS[self._reading.choice]
        size = self._theme.px(16)
        self._icon.setPixmap(self._theme.icon(name).pixmap(QSize(size, size)))


def _given(reading: Reading) -> str:
    verdict = reading.verdict
    if verdict is None:
        return ""
    return f"{verdict.annotator}, {moment(verdict.created_at)}"
