"""What can be done on the Inspector's page, as actions for its keys, the menus and the palette."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.shell.theme import Theme


@dataclass(frozen=True, kw_only=True)
class Deed:
    key: str
    text: str
    icon: str
    do: Callable[[], None]
    shortcut: str = ""
    of: QWidget | None = None
    """The widget that has to have the keyboard; None: the page."""
    checkable: bool = False


class PageActions:
    """The deeds of a page as actions, with icons in the theme's colours."""

    def __init__(self, page: QWidget, theme: Theme, deeds: Sequence[Deed]) -> None:
        self._theme = theme
        self._actions = {deed.key: _action(page, deed) for deed in deeds}
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def __getitem__(self, key: str) -> QAction:
        return self._actions[key]

    def all(self) -> list[QAction]:
        return list(self._actions.values())

    def _on_theme_changed(self) -> None:
        for action in self._actions.values():
            action.setIcon(self._theme.icon(action.property("icon_name")))


def _action(page: QWidget, deed: Deed) -> QAction:
    action = QAction(deed.text, page)
    action.setObjectName(f"inspector.{deed.key}")
    action.setProperty("icon_name", deed.icon)
    action.setShortcut(QKeySequence(deed.shortcut))
    action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    action.setCheckable(deed.checkable)
    action.triggered.connect(lambda _checked=False: deed.do())
    (deed.of or page).addAction(action)
    return action
