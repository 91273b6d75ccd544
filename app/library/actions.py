"""The page's actions as data: from one list come shortcuts and the command palette."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.shell.keymap import KeyedAction, Keymap
from app.shell.shortcuts import bind
from app.shell.theme import Theme

_PLACE = "Library"


@dataclass(frozen=True, kw_only=True)
class PageAction:
    key: str
    text: str
    usual: tuple[str, ...]
    icon: str
    of_rows: bool = False
    """Acts only while the rows have the keyboard: in a text its keys are the text's."""


def _action(key: str, text: str, icon: str, *usual: str, of_rows: bool = False) -> PageAction:
    return PageAction(key=key, text=text, usual=usual, icon=icon, of_rows=of_rows)


ACTIONS = (
    _action("search", "Search prompts and responses", "search", "/", "Ctrl+F"),
    _action("filter", "Add a filter…", "list-filter", "Ctrl+Shift+L"),
    _action("clear", "Show all rows", "list-filter", "Ctrl+Shift+F"),
    _action("save", "Save this filter…", "bookmark", "Ctrl+S"),
    _action("all", "Select all rows", "check", "Ctrl+A", of_rows=True),
    _action("tag", "Tag the selected rows…", "tag", "T"),
    _action("untag", "Take tags off the selected rows…", "tag", "Shift+T"),
    _action("flag", "Flag the selected rows", "flag", "F"),
    _action("hold_out", "Hold the selected rows out of training", "scale", "H"),
    _action("train_on", "Move the selected rows to training", "graduation-cap", "Shift+H"),
    _action("ask_again", "Ask the selected rows again, blind", "refresh-cw", "R"),
    _action("delete", "Delete the selected rows", "trash-2", "Delete", of_rows=True),
    _action("restore", "Restore the selected rows", "archive-restore", "Shift+Delete"),
    _action("comment", "Comment on this row", "message-square", "C"),
    _action("judge", "Judge this row again", "pen-line", "J"),
    _action("sort", "Sort by…", "arrow-down-up", "S"),
    _action("reverse", "Reverse order", "arrow-down-up", "Shift+S"),
    _action("figures", "Rows or figures", "chart-line", "G"),
    _action("refresh", "Read the rows again", "rotate-cw", "F5"),
)


def add_actions(
    page: QWidget,
    rows: QWidget,
    theme: Theme,
    keymap: Keymap,
    handlers: Mapping[str, Callable[[], object]],
) -> dict[str, QAction]:
    """Make the actions; those of the rows have their keys on `rows`. `KeyError` without a handler."""
    keymap.add(
        KeyedAction(key=f"library.{a.key}", text=a.text.rstrip("…"), place=_PLACE, usual=a.usual)
        for a in ACTIONS
    )
    made = {}
    for described in ACTIONS:
        action = QAction(described.text, page)
        action.setObjectName(f"library.{described.key}")
        bind(action, keymap, f"library.{described.key}")
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _=False, call=handlers[described.key]: call())
        (rows if described.of_rows else page).addAction(action)
        made[described.key] = action

    def refresh_icons() -> None:
        for described in ACTIONS:
            made[described.key].setIcon(theme.icon(described.icon))

    theme.changed.connect(refresh_icons)
    refresh_icons()
    return made
