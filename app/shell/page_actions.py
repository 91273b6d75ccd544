"""Makes the actions of a table: with their keys and icons, and their keys in the tips of buttons."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.shell.action_table import ActionTable
from app.shell.keymap import Keymap
from app.shell.shortcuts import bind, shown
from app.shell.theme import Theme

Handlers = Mapping[str, Callable[[], object]]


def make_actions(
    parent: QObject, table: ActionTable, keymap: Keymap, handlers: Handlers
) -> dict[str, QAction]:
    """Make them, by their keys in the table. `KeyError` for one without a handler."""
    keymap.add(table.keyed())
    made: dict[str, QAction] = {}
    for spec in table.specs:
        action = QAction(spec.text, parent)
        action.setObjectName(table.name(spec.key))
        action.setCheckable(spec.checkable)
        action.setAutoRepeat(spec.repeats)
        action.triggered.connect(lambda _checked=False, act=handlers[spec.key]: act())
        bind(action, keymap, table.name(spec.key))
        made[spec.key] = action
    return made


def add_page_actions(
    page: QWidget,
    table: ActionTable,
    theme: Theme,
    keymap: Keymap,
    handlers: Handlers,
    parts: Mapping[str, QWidget] | None = None,
) -> dict[str, QAction]:
    """Make a page's actions: their keys act while the focus is in the page, or in the `parts` they belong to.

    None acts while a field is typed in. `KeyError` for one without a handler or whose part is not given.
    """
    made = make_actions(page, table, keymap, handlers)
    for spec in table.specs:
        action = made[spec.key]
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        (parts[spec.part] if parts and spec.part else page).addAction(action)
    _Icons(page, theme, {made[spec.key]: spec.icon for spec in table.specs})
    return made


def keyed_tip(widget: QWidget, action: QAction) -> None:
    """Let the widget's tool tip end with the key that does the same, whichever it is by then."""
    _KeyedTip(widget, action)


class _Icons(QObject):
    """Lives as long as its page; what the theme becomes, its actions' icons become."""

    def __init__(self, page: QWidget, theme: Theme, icons: Mapping[QAction, str]) -> None:
        super().__init__(page)
        self._theme, self._icons = theme, icons
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        for action, icon in self._icons.items():
            action.setIcon(self._theme.icon(icon))


class _KeyedTip(QObject):
    def __init__(self, widget: QWidget, action: QAction) -> None:
        super().__init__(widget)
        self._widget, self._action = widget, action
        self._words, self._shown = widget.toolTip(), ""
        widget.installEventFilter(self)
        action.changed.connect(self._show)
        self._show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTipChange and self._widget.toolTip() != self._shown:
            self._words = self._widget.toolTip()
            self._show()
        return super().eventFilter(watched, event)

    def _show(self) -> None:
        key = shown(self._action.shortcut().toString())
        self._shown = f"{self._words} ({key})" if self._words and key else self._words or key
        if self._widget.toolTip() != self._shown:
            self._widget.setToolTip(self._shown)
