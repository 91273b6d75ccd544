"""Every action with its keys, to be changed: choose one, press the new key. Conflicts are named."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.shell.keymap import KeyedAction, Keymap
from app.shell.palette import FontSize, Space
from app.shell.shortcuts import pressed_keys, shown
from app.shell.theme import Theme, set_role

_WIDTH, _HEIGHT = 560, 640
_KEY = Qt.ItemDataRole.UserRole
_READY = "Choose an action and press Enter, then the key that you want for it."


class KeysDialog(QDialog):
    """Changes hold at once. `Enter` on an action waits for its new key; `Esc` leaves it as it is."""

    def __init__(self, keymap: Keymap, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keys-dialog")
        self.setWindowTitle("Keys")
        self.resize(theme.px(_WIDTH), _HEIGHT)
        self._keymap, self._theme = keymap, theme
        self._waiting: str | None = None
        self._conflict: tuple[str, str] | None = None
        self.search = QLineEdit(placeholderText="Find an action")
        self.search.setAccessibleName("Find an action")
        self.search.setClearButtonEnabled(True)
        self.list = QTreeWidget()
        self.said = QLabel(_READY)
        self.take = QPushButton("Use it here instead")
        self.reset = QPushButton("Usual key")
        self.reset_all = QPushButton("Usual keys for all")
        self.close_button = QPushButton("Close")
        self._lay_out()
        self._fill()
        self.list.installEventFilter(self)
        self.search.textChanged.connect(self._on_find)
        self.list.itemActivated.connect(lambda item: self._wait_for(item.data(0, _KEY)))
        self.list.currentItemChanged.connect(lambda *_: self._on_current_changed())
        self.take.clicked.connect(self._on_take)
        self.reset.clicked.connect(self._on_reset)
        self.reset_all.clicked.connect(self._on_reset_all)
        self.close_button.clicked.connect(self.accept)
        self.finished.connect(keymap.subscribe(self._show_keys))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._waiting is not None and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._on_pressed(event)
                return True
        return super().eventFilter(watched, event)

    def _wait_for(self, key: str | None) -> None:
        if key is None:
            return
        self._waiting, self._conflict = key, None
        self.take.hide()
        self._say(f"Press the key for “{self._action(key).text}”. Esc leaves it as it is.")

    def _on_pressed(self, event: QKeyEvent) -> None:
        pressed, key = pressed_keys(event), self._waiting
        if not pressed or key is None:
            return
        self._waiting = None
        if event.key() == Qt.Key.Key_Escape:
            self._say(_READY)
            return
        other = self._keymap.taken_by(key, pressed)
        if other is None:
            self._keymap.change(key, [pressed])
            self._say(f"{shown(pressed)} is now “{self._action(key).text}”.")
            return
        self._conflict = (key, pressed)
        self.take.show()
        self._say(f"{shown(pressed)} is “{other.text}” already ({other.place}).")

    def _on_take(self) -> None:
        if self._conflict is not None:
            key, pressed = self._conflict
            other = self._keymap.taken_by(key, pressed)
            self._keymap.change(key, [pressed])
            lost = f" “{other.text}” has no such key any more." if other else ""
            self._say(f"{shown(pressed)} is now “{self._action(key).text}”.{lost}")
        self._conflict = None
        self.take.hide()
        self.list.setFocus()

    def _on_reset(self) -> None:
        item = self.list.currentItem()
        if item is not None and (key := item.data(0, _KEY)):
            self._keymap.reset(key)
            self._say(f"“{self._action(key).text}” has its usual key again.")

    def _on_reset_all(self) -> None:
        self._keymap.reset_all()
        self._say("All actions have their usual keys again.")

    def _on_current_changed(self) -> None:
        self._waiting = None
        item = self.list.currentItem()
        key = item.data(0, _KEY) if item is not None else None
        self.reset.setEnabled(key is not None and not self._keymap.is_usual(key))

    def _on_find(self, text: str) -> None:
        wanted = text.casefold().split()
        for place in self._places():
            for item in _children(place):
                words = f"{item.text(0)} {item.text(1)} {place.text(0)}".casefold()
                item.setHidden(not all(word in words for word in wanted))
            place.setHidden(all(item.isHidden() for item in _children(place)))

    def _fill(self) -> None:
        for title in dict.fromkeys(action.place for action in self._keymap.actions):
            place = QTreeWidgetItem(self.list, [title])
            place.setFlags(Qt.ItemFlag.ItemIsEnabled)
            place.setFirstColumnSpanned(True)
            place.setExpanded(True)
            font = self._theme.font(FontSize.CAPTION, weight=600)
            place.setFont(0, font)
            place.setForeground(0, self._theme.colour("faint"))
            for action in self._keymap.actions:
                if action.place == title:
                    item = QTreeWidgetItem(place, [action.text, ""])
                    item.setData(0, _KEY, action.key)
        self._show_keys()
        for first in [item for place in self._places() for item in _children(place)][:1]:
            self.list.setCurrentItem(first)

    def _show_keys(self) -> None:
        for place in self._places():
            for item in _children(place):
                key = item.data(0, _KEY)
                item.setText(1, "  or  ".join(dict.fromkeys(map(shown, self._keymap.keys_of(key)))) or "—")
                font = item.font(1)
                font.setBold(not self._keymap.is_usual(key))
                item.setFont(1, font)
                item.setToolTip(1, "" if self._keymap.is_usual(key) else "Changed by you")
        self._on_current_changed()

    def _places(self) -> list[QTreeWidgetItem]:
        items = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _action(self, key: str) -> KeyedAction:
        return next(action for action in self._keymap.actions if action.key == key)

    def _say(self, sentence: str) -> None:
        self.said.setText(sentence)

    def _lay_out(self) -> None:
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(Space.M)
        self.list.setAccessibleName("Actions and their keys")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.said.setWordWrap(True)
        set_role(self.said, "secondary")
        self.take.hide()
        for button, name in ((self.take, "take"), (self.reset, "reset"), (self.reset_all, "reset-all")):
            button.setObjectName(f"keys-{name}")
            button.setAutoDefault(False)
        set_role(self.reset_all, "quiet")
        self.close_button.setAutoDefault(False)
        said = QHBoxLayout()
        said.addWidget(self.said, 1)
        said.addWidget(self.take)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self.reset)
        row.addWidget(self.reset_all)
        row.addStretch(1)
        row.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.L, Space.L, Space.L)
        layout.setSpacing(Space.M)
        layout.addWidget(self.search)
        layout.addWidget(self.list, 1)
        layout.addLayout(said)
        layout.addLayout(row)


def _children(place: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    items = (place.child(row) for row in range(place.childCount()))
    return [item for item in items if item is not None]
