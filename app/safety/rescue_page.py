"""The page in place of the work when the project is damaged: two ways out, with what each would save."""

from collections.abc import Callable, Sequence
from datetime import date

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.safety import wording
from app.safety.rescue import RescuePresenter, RescueState
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.safekeeping.salvage import Salvaged

_WIDTH = 620


class RescuePage(QFrame):
    """`others` become quiet buttons below; `show_backups` offers the older ones."""

    def __init__(
        self,
        presenter: RescuePresenter,
        theme: Theme,
        show_backups: Callable[[], None],
        others: Sequence[QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_role(self, "page")
        self.setObjectName("rescue-page")
        self._presenter, self._theme, self._show_backups = presenter, theme, show_backups
        self._icon = QLabel()
        self.restore = QPushButton("Restore it")
        self.older = QPushButton("Other backups…")
        self.salvage = QPushButton("Save what can be read")
        self._backup = _Way("The newest backup", (self.restore, self.older))
        self._read = _Way("What can still be read", (self.salvage,))
        self.said = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._lay_out(others)
        self.restore.clicked.connect(presenter.restore_newest)
        self.older.clicked.connect(self._on_older)
        self.salvage.clicked.connect(presenter.salvage)
        presenter.listen(self._show)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self._show()

    def _show(self) -> None:
        state = self._presenter.state
        self._backup.say(_backup_sentence(state))
        self._read.say(_salvage_sentence(state))
        self._read.setVisible(state.reading or state.salvaged is not None or bool(state.no_salvage))
        self.restore.setEnabled(state.backup is not None and not state.working)
        self.older.setEnabled(state.backup is not None and not state.working)
        self.salvage.setEnabled(state.salvaged is not None and not state.working)
        better = _more_verdicts(state)
        set_role(self.restore, "" if better == "read" else "primary")
        set_role(self.salvage, "primary" if better == "read" else "")
        self.said.setText(state.said or ("Putting it in place…" if state.working else ""))
        self.said.setVisible(bool(self.said.text()))

    def _on_older(self) -> None:
        self._show_backups()

    def _on_theme_changed(self) -> None:
        self._icon.setPixmap(self._theme.icon("triangle-alert", "warning").pixmap(32, 32))

    def _lay_out(self, others: Sequence[QAction]) -> None:
        heading = QLabel(f"{self._presenter.path.name} is damaged", textFormat=Qt.TextFormat.PlainText)
        set_role(heading, "title")
        body = QLabel(str(self._presenter.error), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        body.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        body.setToolTip(self._presenter.error.detail[:500])
        set_role(body, "secondary")
        set_role(self.said, "secondary")
        ways = QHBoxLayout()
        ways.setSpacing(Space.M)
        for way in (self._backup, self._read):
            ways.addWidget(way, 1)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        for action in others:
            button = QPushButton(action.text())
            set_role(button, "quiet")
            button.clicked.connect(action.trigger)
            row.addWidget(button)
        row.addStretch(1)
        inner = QWidget()
        inner.setFixedWidth(self._theme.px(_WIDTH))
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.M)
        for widget in (self._icon, heading, body):
            column.addWidget(widget)
        column.addSpacing(Space.S)
        column.addLayout(ways)
        column.addWidget(self.said)
        column.addLayout(row)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(inner)
        middle.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(middle)
        outer.addStretch(3)


class _Way(QFrame):
    """A card: what it is, what it would save, and its buttons."""

    def __init__(self, title: str, buttons: Sequence[QPushButton]) -> None:
        super().__init__()
        set_role(self, "card")
        heading = QLabel(title)
        set_role(heading, "heading")
        self._body = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._body.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        set_role(self._body, "secondary")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.L, Space.L, Space.L, Space.L)
        column.setSpacing(Space.S)
        column.addWidget(heading)
        column.addWidget(self._body, 1)
        column.addSpacing(Space.S)
        column.addLayout(row)

    def say(self, sentence: str) -> None:
        self._body.setText(sentence)


def _backup_sentence(state: RescueState) -> str:
    if state.looking_for_backup:
        return "Looking for it…"
    if state.backup is None or state.contents is None:
        return "There is no backup of this project that can be read."
    return f"{wording.when(state.backup, date.today())}, with {wording.verdicts(state.contents.verdicts)}."


def _salvage_sentence(state: RescueState) -> str:
    if state.reading:
        return "Reading it…"
    if state.salvaged is None:
        return state.no_salvage or "Nothing was kept."
    return _read_of(state.salvaged)


def _read_of(salvaged: Salvaged) -> str:
    found = wording.verdicts(salvaged.verdicts)
    if not salvaged.lost:
        return f"{found}: all that there ever was."
    others = sum(salvaged.lost.values()) - salvaged.verdicts_lost
    lost = [wording.verdicts(salvaged.verdicts_lost)] if salvaged.verdicts_lost else []
    lost += [f"{others:,} other {'entry' if others == 1 else 'entries'}"] if others else []
    return f"{found}. Lost: {' and '.join(lost)}."


def _more_verdicts(state: RescueState) -> str:
    """Which way saves more: `read` or `backup`."""
    if state.salvaged is None:
        return "backup"
    held = state.contents.verdicts if state.contents is not None else -1
    return "read" if state.salvaged.verdicts >= held else "backup"
