"""Buttons that show their key, so that the keyboard is learned by looking."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.shell.palette import Space
from app.shell.theme import set_role

_PRESSING = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class KeyButton(QPushButton):
    """A click leaves the focus where it was, so that keys go on working; Tab reaches it."""

    def __init__(self, key: str, words: str, *, quiet: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAutoDefault(False)
        self._key, self._text = QLabel(key), QLabel()
        set_role(self._key, "key")
        set_role(self._text, "button-quiet" if quiet else "button")
        set_role(self, "quiet" if quiet else "")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(Space.S, 0, Space.S, 0)
        layout.setSpacing(Space.S)
        layout.addStretch(1)
        for label in (self._key, self._text):
            layout.addWidget(label, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addStretch(1)
        for label in (self._key, self._text):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setMinimumHeight(32 if quiet else 40)
        self.set_words(words)

    @property
    def words(self) -> str:
        return self._text.text()

    def set_words(self, words: str) -> None:
        key = self._key.text()
        self._text.setText(words)
        self.setAccessibleName(words)
        self.setAccessibleDescription(f"Key {key}")
        self.setToolTip(f"{words} ({key})")
        self._make_room()

    def event(self, event: QEvent) -> bool:
        # With the focus on it, Space and Enter press this button instead of being keys of the page.
        if isinstance(event, QKeyEvent) and event.key() in _PRESSING:
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() != Qt.Key.Key_Space:
                if not event.isAutoRepeat():
                    self.click()
                return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self.layout() is not None:
            self._make_room()

    def _make_room(self) -> None:
        layout = self.layout()
        if layout is not None:
            self.setMinimumWidth(layout.sizeHint().width() + Space.S)
