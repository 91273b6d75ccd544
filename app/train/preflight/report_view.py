"""The check's lines on four cards: what is there, what it means, and a way to the pairs concerned."""

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.train.preflight.report import Block, Level, Line, Report, blocks

ICONS: dict[Level, tuple[str, str]] = {
    "plain": ("circle-check", "good"),
    "note": ("info", "warning"),
    "misleads": ("triangle-alert", "danger"),
    "fails": ("circle-alert", "danger"),
}
"""Icon and palette token."""
LEVEL_WORDS: dict[Level, str] = {
    "plain": "",
    "note": "worth a look",
    "misleads": "would mislead",
    "fails": "would fail",
}
_TWO_COLUMNS = 620
"""Pixels at 100 % text size from which the cards stand in two columns."""
_TITLE_WIDTH = 112
WIDEST = 1040
"""Likewise, beyond which the cards grow no wider: a value stays near its title."""


class ReportView(QWidget):
    """Shows a `Report`; `opened` with the key of a line whose pairs are wanted.

    One card is made in a turn of the event loop, as all at once would hold it up; they are shown together.
    """

    opened = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cards: list[QFrame] = []
        self._shown: tuple[Block, ...] = ()
        self._said: list[tuple[str, ...]] = []
        self._due: list[int] = []
        """The blocks whose cards are still to be made, the last one first."""
        self._made: dict[int, QFrame] = {}
        self._turns = QTimer(self, interval=0)
        self._columns = 0
        self._left, self._right = QVBoxLayout(), QVBoxLayout()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.M)
        for column in (self._left, self._right):
            column.setSpacing(Space.M)
            column.addStretch(1)
            row.addLayout(column, 1)
        self._turns.timeout.connect(self._make_next)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_report(self, report: Report) -> None:
        anew = not self._shown
        self._shown = blocks(report)
        self._build(anew=anew)

    def line_buttons(self) -> list["LineButton"]:
        """Those that open something, from top to bottom."""
        return [row for card in self._cards for row in card.findChildren(LineButton)]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _build(self, *, anew: bool) -> None:
        """Have the cards made whose words are others, or all of them."""
        said = [_words_of(block) for block in self._shown]
        others = {number for number, words in enumerate(said) if anew or words != self._said[number]}
        self._said = said
        self._due = sorted(others | {*self._due, *self._made}, reverse=True)
        self._made.clear()
        if self._due:
            self._turns.start()

    def _make_next(self) -> None:
        if self._due:
            number = self._due.pop()
            self._made[number] = self._card(self._shown[number])
        else:
            self._turns.stop()
            self._put_in_place()

    def _put_in_place(self) -> None:
        focused = self.window().focusWidget()
        key = focused.line.key if isinstance(focused, LineButton) else ""
        for number, card in self._made.items():
            if number < len(self._cards):
                self._cards[number].hide()
                self._cards[number].deleteLater()
            self._cards[number : number + 1] = [card]
        self._made.clear()
        self._columns = 0
        self._arrange()
        for row in self.line_buttons():
            if row.line.key == key:
                row.setFocus()

    def _on_theme_changed(self) -> None:
        self.setMaximumWidth(self._theme.px(WIDEST))
        if self._shown:
            self._build(anew=True)

    def _card(self, block: Block) -> QFrame:
        card = QFrame()
        set_role(card, "card")
        heading = QLabel(block.title)
        set_role(heading, "caption")
        column = QVBoxLayout(card)
        column.setContentsMargins(Space.S, Space.M, Space.S, Space.S)
        column.setSpacing(0)
        indented = QHBoxLayout()
        indented.setContentsMargins(Space.S, 0, 0, Space.XS)
        indented.addWidget(heading)
        column.addLayout(indented)
        for line in block.lines:
            column.addWidget(self._row(line))
        return card

    def _row(self, line: Line) -> QWidget:
        if line.opens is None:
            return _plain_line(line, self._theme)
        button = LineButton(line, self._theme)
        button.clicked.connect(lambda: self.opened.emit(line.key))
        return button

    def _arrange(self) -> None:
        """In two columns of about the same height, or below each other where it is narrow."""
        columns = 2 if self.width() >= self._theme.px(_TWO_COLUMNS) else 1
        if columns == self._columns or not self._cards:
            return
        self._columns = columns
        for number, card in enumerate(self._cards):
            self._left.removeWidget(card)
            self._right.removeWidget(card)
            column = self._right if columns == 2 and number % 2 else self._left
            column.insertWidget(column.count() - 1, card)
        row = self.layout()
        if isinstance(row, QHBoxLayout):
            row.setStretch(1, columns - 1)
            row.setSpacing(Space.M * (columns - 1))


class LineButton(QPushButton):
    """A line that opens its pairs when it is pressed."""

    def __init__(self, line: Line, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = line
        set_role(self, "line")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        said = [line.title, line.value, line.words, LEVEL_WORDS[line.level]]
        self.setAccessibleName(", ".join(part for part in said if part))
        self.setAccessibleDescription("Lists the pairs")
        self.setToolTip("List these pairs")
        self._column = _line_layout(self, line, theme)

    def sizeHint(self) -> QSize:
        return self._column.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self._column.minimumSize()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._column.totalHeightForWidth(width)


def _words_of(block: Block) -> tuple[str, ...]:
    """Everything that is shown of a block."""
    return tuple(
        text
        for line in block.lines
        for text in (line.key, line.value, line.words, line.level, str(line.opens is None))
    )


def _plain_line(line: Line, theme: Theme) -> QFrame:
    frame = QFrame()
    _line_layout(frame, line, theme)
    return frame


def _line_layout(parent: QWidget, line: Line, theme: Theme) -> QVBoxLayout:
    """Its state as an icon, a title, a value, and below what that means."""
    small = theme.px(16)
    icon, title, value, words = QLabel(), QLabel(line.title), QLabel(line.value), QLabel(line.words)
    icon.setPixmap(theme.icon(*ICONS[line.level]).pixmap(small, small))
    icon.setFixedWidth(small)
    icon.setAccessibleName(LEVEL_WORDS[line.level] or "fine")
    set_role(title, "secondary")
    title.setFixedWidth(theme.px(_TITLE_WIDTH))
    value.setFont(theme.figures(weight=500))
    set_role(words, "error" if line.level in ("misleads", "fails") else "caption")
    words.setFont(theme.figures(FontSize.CAPTION))
    words.setWordWrap(True)
    if not line.words:
        words.hide()  # shown by itself before it has a place it would be a window
    first = QHBoxLayout()
    first.setSpacing(Space.S)
    for part in (icon, title, value):
        first.addWidget(part)
    first.addStretch(1)
    if line.opens is not None:
        arrow = QLabel()
        arrow.setPixmap(theme.icon("chevron-right", "faint").pixmap(small, small))
        first.addWidget(arrow)
    second = QHBoxLayout()
    second.setContentsMargins(small + Space.S, 0, small, 0)
    second.addWidget(words)
    column = QVBoxLayout(parent)
    column.setContentsMargins(Space.S, Space.XS, Space.XS, Space.XS)
    column.setSpacing(1)
    column.addLayout(first)
    column.addLayout(second)
    for label in (icon, title, value, words):
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return column
