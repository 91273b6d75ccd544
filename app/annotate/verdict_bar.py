"""The row of verdicts under the two responses, each with its key."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.records import Choice

_BUTTONS: tuple[tuple[Choice, str, str], ...] = (
    ("left", "1", "Left is better"),
    ("tie", "3", "Tie"),
    ("both_bad", "4", "Both bad"),
    ("skip", "Space", "Skip for later"),
    ("right", "2", "Right is better"),
)


class KeyButton(QPushButton):
    """A button that shows its key. A click leaves the focus where it was, so that keys go on working."""

    def __init__(self, key: str, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(words)
        self.setAccessibleDescription(f"Key {key}")
        self.setToolTip(f"{words} ({key})")
        cap = QLabel(key)
        set_role(cap, "key")
        text = QLabel(words)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(Space.M, 0, Space.M, 0)
        layout.setSpacing(Space.S)
        layout.addStretch(1)
        layout.addWidget(cap)
        layout.addWidget(text)
        layout.addStretch(1)
        for label in (cap, text):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setMinimumHeight(40)
        self.setMinimumWidth(layout.sizeHint().width() + 2 * Space.S)

    def event(self, event: QEvent) -> bool:
        # With the focus on it, Space presses this button instead of being the page's key for "skip".
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        ):
            event.accept()
            return True
        return super().event(event)


class VerdictBar(QWidget):
    verdict_pressed = Signal(str)
    """A `Choice`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        self._buttons: dict[str, KeyButton] = {}
        for choice, key, words in _BUTTONS:
            button = KeyButton(key, words)
            button.setObjectName(f"verdict-{choice}")
            button.clicked.connect(lambda _=False, choice=choice: self.verdict_pressed.emit(choice))
            self._buttons[choice] = button
            layout.addWidget(button, 3 if choice in ("left", "right") else 1)

    def set_possible(self, possible: bool) -> None:
        for button in self._buttons.values():
            if button.isEnabled() != possible:
                button.setEnabled(possible)
