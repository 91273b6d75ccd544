"""A finding in full: its cause, the numbers behind it, and the button that does something about it."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.health.finding import Figure, Finding, Level

ICONS: dict[Level, tuple[str, str]] = {
    "warning": ("triangle-alert", "warning"),
    "notice": ("info", "secondary"),
    "quiet": ("circle-check", "good"),
}
"""Icon and palette token."""
LEVEL_WORDS: dict[Level, str] = {"warning": "Warning", "notice": "Worth knowing", "quiet": "Normal so far"}
_IN_A_ROW = 4


class FindingBlock(QWidget):
    """One finding below the line; the first one's sentence stands in the line already."""

    action_wanted = Signal(object)

    def __init__(self, finding: Finding, theme: Theme, *, first: bool) -> None:
        super().__init__()
        self.finding = finding
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        if not first:
            rule = QFrame()
            set_role(rule, "line")
            column.addWidget(rule)
            column.addLayout(self._head(finding, theme))
        cause = QLabel(finding.cause)
        cause.setWordWrap(True)
        cause.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        inset = QVBoxLayout()
        inset.setContentsMargins(theme.px(16) + Space.S, 0, 0, 0)
        inset.setSpacing(Space.S)
        inset.addWidget(cause)
        inset.addLayout(_figures(finding.figures, theme))
        column.addLayout(inset)

    def _head(self, finding: Finding, theme: Theme) -> QHBoxLayout:
        sentence = QLabel(finding.sentence)
        set_role(sentence, "strong")
        sentence.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(icon_of(finding.level, theme))
        row.addWidget(sentence, 1)
        if finding.action is not None:
            button = QPushButton(finding.action.words)
            button.setToolTip(finding.action.help)
            button.clicked.connect(lambda: self.action_wanted.emit(finding.action))
            row.addWidget(button)
        return row


def icon_of(level: Level, theme: Theme) -> QLabel:
    """The level as an icon with a name; there is no colour without it."""
    label = QLabel()
    show_icon(label, level, theme)
    return label


def show_icon(label: QLabel, level: Level, theme: Theme) -> None:
    name, token = ICONS[level]
    size = theme.px(16)
    label.setPixmap(theme.icon(name, token).pixmap(QSize(size, size)))
    label.setAccessibleName(LEVEL_WORDS[level])
    label.setToolTip(LEVEL_WORDS[level])


def _figures(figures: tuple[Figure, ...], theme: Theme) -> QGridLayout:
    """Name above value, a few in a row."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(Space.L)
    grid.setVerticalSpacing(Space.S)
    for number, figure in enumerate(figures):
        name, value = QLabel(figure.name), QLabel(figure.value)
        set_role(name, "caption")
        value.setFont(theme.figures())
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        value.setAccessibleName(f"{figure.name}: {figure.value}")
        cell = QVBoxLayout()
        cell.setSpacing(0)
        cell.addWidget(name)
        cell.addWidget(value)
        grid.addLayout(cell, number // _IN_A_ROW, number % _IN_A_ROW, Qt.AlignmentFlag.AlignTop)
    grid.setColumnStretch(_IN_A_ROW, 1)
    return grid
