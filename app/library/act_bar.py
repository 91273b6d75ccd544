"""The line above the rows: how many there are, what can be done to the selected ones, what was just done.

Its height never changes, so that selecting moves nothing.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QToolButton, QWidget

from app.library.popups import LinePopup, split_tags
from app.library.state import LibraryState, Notice
from app.library.wording import rows_words
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_NOTICE_MS = 9_000


class ActBar(QWidget):
    """`wanted` says what is to be done to the selected rows, with the tags where it is about tags."""

    wanted = Signal(str, list)
    undo_wanted = Signal()
    selection_left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state = LibraryState()
        self._notice_shown = 0
        self.count, self.notice = QLabel(), QLabel()
        self.undo = _undo_button()
        self.selected = QLabel()
        self.undo_here = _undo_button()
        self._selected_words = ""
        self.buttons: dict[str, QToolButton] = {}
        self._stack = QStackedWidget()
        self._timer = QTimer(self, singleShot=True, interval=_NOTICE_MS)
        self._timer.timeout.connect(self._forget_notice)
        self._lay_out()
        self.undo.clicked.connect(self.undo_wanted)
        self.undo_here.clicked.connect(self.undo_wanted)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_state(self, state: LibraryState) -> None:
        self._state = state
        self.count.setText(_count_words(state))
        if state.notice is not None and state.notice.number != self._notice_shown:
            self._show_notice(state.notice)
        deleted = state.filter.deleted
        for key in ("tag", "untag", "flag", "hold_out", "train_on", "ask_again", "delete"):
            self.buttons[key].setVisible(not deleted)
        self.buttons["restore"].setVisible(deleted)
        busy = bool(state.working)
        for button in self.buttons.values():
            button.setEnabled(not busy)
        if busy:
            self.selected.setText(state.working)

    def show_selection(self, selected: int, *, complete: bool, several: bool) -> None:
        """`complete`: every row of the filter is known, so that all of them can be acted on."""
        everything = selected and self._state.total == selected
        words = f"All {rows_words(selected)} selected" if everything else f"{selected:,} selected"
        self._selected_words = words if complete or selected < 2 else "Counting the rows…"
        if self.undo_here.isHidden():
            self.selected.setText(self._selected_words)
        for button in self.buttons.values():
            button.setEnabled(complete and not self._state.working)
        self._stack.setCurrentIndex(1 if several else 0)

    def ask_for_tags(self, act: str) -> None:
        """A line to type tags in, which `wanted` gives on."""
        title = "Tag the selected rows" if act == "tag" else "Take tags off the selected rows"
        popup = LinePopup(
            title,
            "Tags, with commas between",
            "Tag" if act == "tag" else "Remove",
            self._theme,
            self,
            known=[tag for tag, _n in self._state.facets.tags],
        )
        popup.entered.connect(lambda text: self.wanted.emit(act, split_tags(text)))
        several = self._stack.currentIndex() == 1
        popup.open_under(self.buttons[act] if several else self.count)

    def _show_notice(self, notice: Notice) -> None:
        self._notice_shown = notice.number
        self.notice.setText(notice.text)
        set_role(self.notice, "error" if notice.problem else "secondary")
        self.notice.show()
        self.undo.setVisible(notice.undo)
        # What is selected stays so, for the next act: the words stand in place of its number.
        self.undo_here.setVisible(notice.undo)
        short = self.selected.fontMetrics().elidedText(
            notice.text, Qt.TextElideMode.ElideRight, self._theme.px(250)
        )
        self.selected.setText(short)
        self.selected.setToolTip(notice.text)
        # A problem stays until something else is said.
        self._timer.stop() if notice.problem else self._timer.start()

    def _forget_notice(self) -> None:
        if self.undo.hasFocus() or self.undo_here.hasFocus():
            self._timer.start()
            return
        for part in (self.notice, self.undo, self.undo_here):
            part.hide()
        self.selected.setText(self._selected_words)
        self.selected.setToolTip("")

    def _lay_out(self) -> None:
        for label in (self.count, self.notice, self.selected):
            label.setTextFormat(Qt.TextFormat.PlainText)
        set_role(self.count, "secondary")
        set_role(self.selected, "strong")
        self.count.setAccessibleName("Rows")
        self.notice.setAccessibleName("What was done")
        self.selected.setAccessibleName("Selected rows")
        plain, acting = QWidget(), QWidget()
        row = _row(plain)
        row.addWidget(self.count)
        row.addStretch(1)
        row.addWidget(self.notice)
        row.addWidget(self.undo)
        row = _row(acting)
        row.addWidget(self.selected)
        row.addWidget(self.undo_here)
        for part in (self.notice, self.undo, self.undo_here):
            part.hide()
        row.addStretch(1)
        for key, text, icon, tip in _ACTS:
            row.addWidget(self._button(key, text, icon, tip))
        self._stack.addWidget(plain)
        self._stack.addWidget(acting)
        self._stack.setFixedHeight(self._theme.px(32))
        outer = _row(self)
        outer.addWidget(self._stack)

    def _button(self, key: str, text: str, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setProperty("icon_name", icon)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        set_role(button, "quiet-small")
        button.clicked.connect(self._asking(key))
        self.buttons[key] = button
        return button

    def _asking(self, key: str) -> Callable[[], None]:
        if key in ("tag", "untag"):
            return lambda: self.ask_for_tags(key)
        if key == "leave":
            return self.selection_left.emit
        return lambda: self.wanted.emit(key, [])

    def _on_theme_changed(self) -> None:
        self.count.setFont(self._theme.figures())
        for button in self.buttons.values():
            button.setIcon(self._theme.icon(button.property("icon_name")))


_ACTS = (
    ("tag", "Tag", "tag", "Tag the selected rows"),
    ("untag", "Untag", "tag", "Take tags off the selected rows"),
    ("flag", "Flag", "flag", "Flag the selected rows, or take the flag off where all have one"),
    ("hold_out", "Hold out", "scale", "Hold their prompts out of training, to measure with"),
    ("train_on", "Train on", "graduation-cap", "Move their prompts to training"),
    ("ask_again", "Ask again", "refresh-cw", "Ask again, blind: the new verdict counts"),
    ("delete", "Delete", "trash-2", "Delete the selected rows; undo brings them back"),
    ("restore", "Restore", "archive-restore", "Bring the selected rows back"),
    ("leave", "", "x", "Select nothing (Esc)"),
)


def _undo_button() -> QPushButton:
    button = QPushButton("Undo")
    button.setAccessibleName("Undo what was just done")
    button.setToolTip("Undo (Ctrl+Z)")
    set_role(button, "quiet-small")
    return button


def _count_words(state: LibraryState) -> str:
    if state.phase == "loading":
        return "Reading…"
    if state.total is None:
        return "Counting…"
    words = rows_words(state.total)
    if state.filter.text and state.unfindable:
        return f"{words} so far; {state.unfindable:,} imported texts are still being made findable"
    return words


def _row(parent: QWidget) -> QHBoxLayout:
    row = QHBoxLayout(parent)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(Space.XS)
    return row
