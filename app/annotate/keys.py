"""Buttons that show their key, so that the keyboard is learned by looking."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import set_role

_PRESSING = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
_CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit)


def is_for_control(event: QEvent) -> bool:
    """Whether a key that could be an action's (Space, Enter) is meant for the control that has the focus."""
    return (
        event.type() == QEvent.Type.ShortcutOverride
        and isinstance(event, QKeyEvent)
        and event.key() in _PRESSING
        and event.modifiers() == Qt.KeyboardModifier.NoModifier
        and isinstance(QApplication.focusWidget(), _CONTROLS)
    )


def presses(event: QKeyEvent) -> QAbstractButton | None:
    """The focused button that this key presses and Qt does not: Enter on a button outside of a dialog."""
    focused = QApplication.focusWidget()
    enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat()
    return focused if enter and isinstance(focused, QAbstractButton) else None


class KeyButton(QPushButton):
    """A click leaves the focus where it was, so that keys go on working; Tab reaches it."""

    def __init__(self, key: str, words: str, *, quiet: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAutoDefault(False)
        self._tip, self._compact = "", False
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

    def set_words(self, words: str, *, tip: str = "") -> None:
        """What is written on the button; `tip` says more where the words are short."""
        self._tip = tip
        self._text.setText(words)
        self._describe()

    def set_key(self, key: str) -> None:
        """Another key does the same now; empty for none."""
        self._key.setText(key)
        self._describe()

    def set_compact(self, compact: bool) -> None:
        """Without its key, where there is little room; the tool tip still says it."""
        if compact != self._compact:
            self._compact = compact
            self._describe()

    def _describe(self) -> None:
        key, words = self._key.text(), self._text.text()
        self._key.setVisible(bool(key) and not self._compact)
        self.setAccessibleName(self._tip or words)
        self.setAccessibleDescription(f"Key {key}" if key else "")
        self.setToolTip(f"{self._tip or words} ({key})" if key else self._tip or words)
        self._make_room()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self.layout() is not None:
            self._make_room()

    def _make_room(self) -> None:
        layout = self.layout()
        if layout is not None:
            self.setMinimumWidth(layout.sizeHint().width() + Space.S)
