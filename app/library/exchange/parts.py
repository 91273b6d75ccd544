"""Small parts that the pages of import, export and merge are made of."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.long_work import Progress
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.words import time_left

LEFT_WIDTH = 320
"""Of the column of choices, at 100 % text size."""


class Choices(QScrollArea):
    """The column on the left in which it is said how something is wanted: fields under their titles."""

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body = QWidget()
        self.column = QVBoxLayout(self._body)
        self.column.setContentsMargins(0, 0, Space.M, 0)
        self.column.setSpacing(Space.S)
        self.setWidget(self._body)
        theme.changed.connect(self._fit)
        self._fit()

    def add_field(
        self, title: str, field: QWidget, *, hint: str = "", first: QWidget | None = None
    ) -> QLabel:
        """A field under its title; the hint's label, which may be filled later.

        `first` is what the title is about, where the field has several parts.
        """
        heading = QLabel(title)
        heading.setBuddy(first or field)
        set_role(heading, "strong")
        if first is None:
            field.setAccessibleName(title)
        words = hint_label(hint)
        self.column.addWidget(heading)
        self.column.addWidget(field)
        self.column.addWidget(words)
        self.column.addSpacing(Space.S)
        return words

    def _fit(self) -> None:
        self.setFixedWidth(self._theme.px(LEFT_WIDTH))


class WorkCard(QFrame):
    """A long piece of work under way: what, how far, how long still, and a cancel that works."""

    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_role(self, "card")
        self.title, self.left, self.hint = QLabel(), QLabel(), hint_label("")
        set_role(self.title, "heading")
        set_role(self.left, "secondary")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.cancel = QPushButton("Cancel")
        below = QHBoxLayout()
        below.addWidget(self.left, 1)
        below.addWidget(self.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        column.setSpacing(Space.M)
        for part in (self.title, self.hint, self.bar):
            column.addWidget(part)
        column.addLayout(below)
        self.cancel.clicked.connect(self.cancelled)
        theme.changed.connect(self._fit)
        self._fit()

    def show_work(
        self, title: str, progress: Progress | None, *, hint: str = "", cancelling: bool = False
    ) -> None:
        """Without `progress` nobody knows how far it is."""
        self.title.setText(title)
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.bar.setRange(0, 0 if progress is None else 1000)
        words = ""
        if progress is not None:
            self.bar.setValue(round(1000 * progress.share))
            words = f"{100 * progress.share:.0f} %"
            if progress.seconds_left is not None:
                words += f", {time_left(progress.seconds_left)}"
        self.left.setText("Ending it…" if cancelling else words)
        self.cancel.setEnabled(not cancelling)

    def _fit(self) -> None:
        self.setFixedWidth(self._theme.px(480))
        self.left.setFont(self._theme.figures(FontSize.BODY))


def put_below(frame: QWidget, choices: Choices, *parts: QWidget) -> None:
    """Lay out a column of choices with parts that stay in view under it, in line with its fields."""
    below = QVBoxLayout()
    below.setContentsMargins(0, 0, Space.M, 0)
    below.setSpacing(Space.S)
    for part in parts:
        below.addWidget(part)
    whole = QVBoxLayout(frame)
    whole.setContentsMargins(0, 0, 0, 0)
    whole.setSpacing(Space.S)
    whole.addWidget(choices, 1)
    whole.addLayout(below)


def hint_label(text: str) -> QLabel:
    """Small words under a field; takes no room while there are none."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    # Shown before it stands in anything, it would be a window of its own.
    if not text:
        label.hide()
    set_role(label, "caption")
    return label


def show_hint(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))


def combo(name: str, items: Sequence[tuple[str, object]]) -> QComboBox:
    """`items` are words and what they stand for."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    for words, value in items:
        box.addItem(words, value)
    return box


def choose(box: QComboBox, value: object) -> None:
    """The item that stands for `value`, without telling anybody; none where there is none."""
    blocked = box.blockSignals(True)
    box.setCurrentIndex(next((n for n in range(box.count()) if box.itemData(n) == value), -1))
    box.blockSignals(blocked)


def centred(widget: QWidget) -> QWidget:
    """In the middle of what room there is, a little above."""
    page = QWidget()
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(widget)
    row.addStretch(1)
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.addStretch(2)
    column.addLayout(row)
    column.addStretch(3)
    return page
