"""The page's top line: how much was judged, what was just done, and the buttons of what is seldom needed."""

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.annotate.state import AnnotateState, Notice
from app.shell.keymap import Keymap
from app.shell.palette import Space
from app.shell.shortcuts import shown_key
from app.shell.theme import Theme, set_role

_NOTICE_MS = {"saved": 600, "hint": 3000}
_TOOLS = (
    ("sampling", "Sampling settings", "sliders-horizontal"),
    ("writers", "Who writes the responses", "users"),
    ("quality", "Quality, goal and order", "gauge"),
    ("new-prompt", "New prompt", "message-square-plus"),
)


class GoalLine(QWidget):
    """A line of two pixels: the share of the day's goal that is done. Words say the same above it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._share = 0.0
        self.setFixedHeight(2)
        theme.changed.connect(self.update)

    def show_share(self, share: float) -> None:
        if share != self._share:
            self._share = share
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("border"))
        done = self.rect()
        done.setWidth(round(self.width() * min(1.0, self._share)))
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            done.moveRight(self.rect().right())
        painter.fillRect(done, self._theme.colour("good" if self._share >= 1 else "accent"))


class PageHeader(QWidget):
    def __init__(self, theme: Theme, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._keymap = theme, keymap
        self._notice_number = 0
        self._notice_timer = QTimer(self, singleShot=True)
        self.counts, self.notice, self.ready = QLabel(), QLabel(), QLabel()
        self.line = GoalLine(theme)
        self.annotator = QToolButton()
        self.annotator.setObjectName("annotator-button")
        self.annotator.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.annotator.setIconSize(QSize(16, 16))
        self.annotator.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_role(self.annotator, "quiet")
        self.tools = {key: self._tool(key) for key, _, _ in _TOOLS}
        self._lay_out()
        self._notice_timer.timeout.connect(self.notice.clear)
        self.destroyed.connect(keymap.subscribe(self.follow_keys))
        self.follow_keys()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_state(self, state: AnnotateState) -> None:
        self._show_counts(state)
        stopped = state.writing_stopped
        ready = f"{state.waiting} ready" if state.comparison is not None or state.waiting else ""
        self.ready.setText(f"{ready} · writing has stopped" if stopped else ready)
        self.ready.setToolTip(stopped or "Comparisons that wait for you after this one")
        self.annotator.setText(state.annotator)
        self.annotator.setVisible(bool(state.annotator))
        words = f"{state.annotator} signs the verdicts"
        key = shown_key(self._keymap, "annotate.annotator")
        self.annotator.setAccessibleName(words)
        self.annotator.setToolTip(f"{words}; click for somebody else{f' ({key})' if key else ''}")

    def show_notice(self, notice: Notice | None) -> Notice | None:
        """The notice, when it is a new one."""
        if notice is None or notice.number == self._notice_number:
            return None
        self._notice_number = notice.number
        self.say(notice.text, notice.kind)
        return notice

    def say(self, words: str, kind: str = "hint") -> None:
        """A short word that goes away by itself."""
        self._tell(words)
        self._notice_timer.start(_NOTICE_MS[kind])

    def ask(self, words: str) -> None:
        """A word that stays until another one is said."""
        self._tell(words)
        self._notice_timer.stop()

    def _tell(self, words: str) -> None:
        self.notice.setText(words)
        if words:
            # A screen reader says it; the focus stays where it is.
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.notice, words))

    def follow_keys(self) -> None:
        for key, words, _icon in _TOOLS:
            shortcut = shown_key(self._keymap, f"annotate.{key}")
            self.tools[key].setToolTip(f"{words} ({shortcut})" if shortcut else words)

    def _show_counts(self, state: AnnotateState) -> None:
        counts, goal = state.counts, state.goal
        # With what was asked again: a count that stood still would give a repeat away.
        total = counts.preferences + counts.ties + counts.both_bad + counts.disputed + counts.asked_again
        today = f"{counts.today} of {goal} today" if goal else f"{counts.today} today"
        words = f"{today} · {total:,} verdict{'' if total == 1 else 's'}"
        self.counts.setText(words if total or goal else "No verdicts yet")
        held_out = f" · {counts.held_out} of the preferences are held out for checking" if total else ""
        self.counts.setToolTip(f"Verdicts in this project{held_out}")
        self.line.show_share(counts.today / goal if goal else 0.0)

    def _tool(self, key: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"{key}-button")
        button.setAccessibleName(next(words for k, words, _ in _TOOLS if k == key))
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_role(button, "quiet")
        return button

    def _lay_out(self) -> None:
        for label, role in ((self.counts, "secondary"), (self.notice, "caption"), (self.ready, "caption")):
            label.setTextFormat(Qt.TextFormat.PlainText)
            set_role(label, role)
        row = QHBoxLayout()
        row.setSpacing(Space.M)
        row.addWidget(self.counts)
        row.addWidget(self.notice, 1)
        row.addWidget(self.ready)
        tools = QHBoxLayout()
        tools.setSpacing(0)
        tools.addWidget(self.annotator)
        for button in self.tools.values():
            tools.addWidget(button)
        row.addLayout(tools)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.XS)
        column.addLayout(row)
        column.addWidget(self.line)

    def _on_theme_changed(self) -> None:
        for key, _words, icon in _TOOLS:
            self.tools[key].setIcon(self._theme.icon(icon))
        self.annotator.setIcon(self._theme.icon("user", "faint"))
        for label in (self.counts, self.ready):
            label.setFont(self._theme.figures())
