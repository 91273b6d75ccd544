"""Ctrl+K: every action of the app by name, with its shortcut, filtered as one types."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.shortcuts import shown
from app.shell.theme import Theme, set_role

_WIDTH, _ROW = 560, 36
_SHOWN = 10


def matches(query: str, name: str) -> int | None:
    """How well `query` fits `name`: lower is better, None for not at all.

    Every word typed must begin a word of the name, or else its letters must stand in it in order.
    """
    query, name = query.casefold().strip(), name.casefold()
    if not query:
        return 0
    if name.startswith(query):
        return 0
    words = name.replace("…", "").split()
    if all(any(word.startswith(part) for word in words) for part in query.split()):
        return 1
    if query in name:
        return 2
    letters = iter(name)
    return 3 if all(letter in letters for letter in query if letter != " ") else None


class CommandPalette(QFrame):
    """Opens over its parent; `Enter` triggers, `Esc` or a click elsewhere closes and changes nothing."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        set_role(self, "card")
        self._window = parent
        self._theme = theme
        self._actions: list[QAction] = []
        self._field = QLineEdit(placeholderText="Type the name of an action")
        self._field.setAccessibleName("Find an action")
        self._field.textChanged.connect(self._on_text_changed)
        self._field.installEventFilter(self)
        self._list = QListWidget()
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setAccessibleName("Actions")
        self._list.itemClicked.connect(self._on_item_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.S, Space.S, Space.S, Space.S)
        layout.setSpacing(Space.S)
        layout.addWidget(self._field)
        layout.addWidget(self._list)

    def open_with(self, actions: Sequence[QAction]) -> None:
        """Show the actions that can be triggered now."""
        self._actions = [action for action in actions if action.isEnabled() and action.text()]
        self._field.clear()
        self._on_text_changed("")
        self.setFixedSize(_WIDTH, _ROW * _SHOWN + 64)
        window = self._window
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - _WIDTH) // 2, corner.y() + window.height() // 6)
        self.show()
        self._field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None and self._list.count():
                self._list.setCurrentRow((self._list.currentRow() + step) % self._list.count())
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._on_item_clicked(self._list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _on_text_changed(self, text: str) -> None:
        ranked = [(matches(text, action.text().replace("&", "")), action) for action in self._actions]
        self._list.clear()
        for _rank, action in sorted(((r, a) for r, a in ranked if r is not None), key=lambda pair: pair[0]):
            self._add_row(action)
        self._list.setCurrentRow(0)

    def _add_row(self, action: QAction) -> None:
        item = QListWidgetItem(self._list)
        item.setData(Qt.ItemDataRole.UserRole, action)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, action.text().replace("&", ""))
        item.setSizeHint(QSize(0, _ROW))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(Space.S, 0, Space.S, 0)
        layout.addWidget(QLabel(action.text().replace("&", "")))
        layout.addStretch(1)
        if not action.shortcut().isEmpty():
            keys = QLabel(shown(action.shortcut().toString()))
            set_role(keys, "key")
            layout.addWidget(keys)
        self._list.setItemWidget(item, row)

    def _on_item_clicked(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        action: QAction = item.data(Qt.ItemDataRole.UserRole)
        self.hide()
        action.trigger()
