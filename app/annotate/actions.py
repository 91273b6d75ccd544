"""The page's actions as data: from one list come shortcuts, menu entries, hints and the command palette."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.shell.keymap import KeyedAction, Keymap
from app.shell.shortcuts import bind
from app.shell.theme import Theme

_PLACE = "Annotate"


@dataclass(frozen=True, kw_only=True)
class PageAction:
    key: str
    text: str
    usual: tuple[str, ...]
    icon: str


def _action(key: str, text: str, usual: tuple[str, ...], icon: str) -> PageAction:
    return PageAction(key=key, text=text, usual=usual, icon=icon)


# "!" and "@" are Shift+1 and Shift+2 where the keyboard says the sign and not the key.
ACTIONS = (
    _action("left", "Left is better", ("1",), "arrow-left"),
    _action("right", "Right is better", ("2",), "arrow-right"),
    _action("much-left", "Left is much better", ("Shift+1", "!"), "arrow-left"),
    _action("much-right", "Right is much better", ("Shift+2", "@"), "arrow-right"),
    _action("tie", "Tie", ("3",), "equal"),
    _action("both-bad", "Both bad", ("4",), "thumbs-down"),
    _action("skip", "Skip for later", ("Space",), "skip-forward"),
    _action("edit", "Edit a response and choose it", ("E",), "pen-line"),
    _action("edit-last", "Edit the response chosen last", ("Shift+E",), "pen-line"),
    _action("flag", "Flag the comparison", ("F",), "flag"),
    _action("comment", "Comment on the comparison", ("C",), "message-square-text"),
    _action("tags", "Tags of the comparison", ("T",), "tag"),
    _action("again", "Write both responses again", ("R",), "refresh-cw"),
    _action("again-left", "Write the left response again", ("Shift+R",), "refresh-cw"),
    _action("again-right", "Write the right response again", ("Ctrl+Shift+R",), "refresh-cw"),
    _action("continue", "Continue from the response chosen last", ("Return", "Enter"), "messages-square"),
    _action("stop", "Stop writing", ("Esc",), "circle-stop"),
    _action("differences", "Differences on or off", ("D",), "diff"),
    _action("raw", "Responses as written or rendered", ("M",), "scan-search"),
    _action("layout", "Responses side by side or stacked", ("V",), "columns-2"),
    _action("new-prompt", "New prompt", ("N",), "message-square-plus"),
    _action("sampling", "Sampling settings", ("S",), "sliders-horizontal"),
    _action("writers", "Who writes the responses", ("W",), "users"),
    _action("quality", "Quality, goal and order", ("Q",), "gauge"),
    _action("annotator", "Somebody else judges", ("A",), "user"),
    _action("folder", "Use a model folder…", (), "folder-open"),
    _action("starter", "Use the starter model", (), "download"),
)


def add_actions(
    page: QWidget, theme: Theme, keymap: Keymap, handlers: Mapping[str, Callable[[], object]]
) -> dict[str, QAction]:
    """Make the actions; their keys act while the focus is in the page, and never while a field is typed in.

    A key that is held down acts once: nobody means to judge thirty comparisons a second. `KeyError` for an
    action without a handler.
    """
    keymap.add(
        KeyedAction(key=f"annotate.{a.key}", text=a.text.rstrip("…"), place=_PLACE, usual=a.usual)
        for a in ACTIONS
    )
    made = {action.key: _made(page, action, keymap, handlers[action.key]) for action in ACTIONS}

    def refresh_icons() -> None:
        for action in ACTIONS:
            made[action.key].setIcon(theme.icon(action.icon))

    theme.changed.connect(refresh_icons)
    refresh_icons()
    return made


def _made(page: QWidget, described: PageAction, keymap: Keymap, act: Callable[[], object]) -> QAction:
    action = QAction(described.text, page)
    action.setObjectName(f"annotate.{described.key}")
    action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    action.setAutoRepeat(False)
    bind(action, keymap, f"annotate.{described.key}")
    action.triggered.connect(lambda _checked=False: act())
    page.addAction(action)
    return action
