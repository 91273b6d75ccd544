"""A quiet word over the page that takes no room, and goes away by itself or when it is closed."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_SHOWN_MS = 12_000
_STREAK = 10
_FOOT = 118


class Nudge(QFrame):
    """Asks, once for each ten in a row, whether the left response is really meant."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("nudge")
        set_role(self, "nudge")
        self._theme, self._page = theme, parent
        self._told = 0
        self._timer = QTimer(self, singleShot=True, interval=_SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        self.words = QLabel()
        self._close = QToolButton()
        self._close.setObjectName("nudge-close")
        self._close.setAccessibleName("Close this word")
        self._close.setToolTip("Close this word")
        self._close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._close.clicked.connect(self.hide)
        set_role(self._close, "quiet")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.XS, Space.XS, Space.XS)
        layout.setSpacing(Space.S)
        layout.addWidget(self.words)
        layout.addWidget(self._close)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.hide()

    def hear_streak(self, streak: int) -> None:
        """How often left was chosen in a row."""
        if streak < _STREAK:
            self._told = 0
            self.hide()
            return
        tens = streak // _STREAK
        if tens > self._told:
            self._told = tens
            self.words.setText(
                f"Left, {streak} times in a row. Sides are drawn at random: is it still the text?"
            )
            self.show()
            self.place()
            self.raise_()
            self._timer.start()

    def place(self) -> None:
        """In the middle of the page, above its foot."""
        self.adjustSize()
        above = self._page.height() - self.height() - self._theme.px(_FOOT)
        self.move((self._page.width() - self.width()) // 2, above)

    def _on_theme_changed(self) -> None:
        self._close.setIcon(self._theme.icon("x"))
