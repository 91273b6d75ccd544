"""The window's own actions as data: from one list come the menus, the shortcuts and the command palette."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from app.shell.keymap import WINDOW, KeyedAction, Keymap
from app.shell.navigation import PLACES
from app.shell.shortcuts import bind


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    key: str
    menu: str
    text: str
    shortcuts: tuple[str, ...] = ()
    """Its usual keys; a person may choose others."""
    line_before: bool = False


SPECS: tuple[ActionSpec, ...] = (
    ActionSpec(key="new-project", menu="File", text="New project…", shortcuts=("Ctrl+Shift+N",)),
    ActionSpec(key="open-project", menu="File", text="Open project…", shortcuts=("Ctrl+O",)),
    ActionSpec(key="import", menu="File", text="Import…", shortcuts=("Ctrl+I",), line_before=True),
    ActionSpec(key="export", menu="File", text="Export…", shortcuts=("Ctrl+E",)),
    ActionSpec(key="merge", menu="File", text="Merge another project…"),
    ActionSpec(key="agreement", menu="File", text="Agreement between annotators"),
    ActionSpec(key="show-project-folder", menu="File", text="Show project in its folder", line_before=True),
    ActionSpec(key="backups", menu="File", text="Backups…"),
    ActionSpec(key="quit", menu="File", text="Quit", shortcuts=("Ctrl+Q",), line_before=True),
    ActionSpec(key="undo", menu="Edit", text="Undo", shortcuts=("Ctrl+Z",)),
    ActionSpec(key="redo", menu="Edit", text="Redo", shortcuts=("Ctrl+Shift+Z", "Ctrl+Y")),
    ActionSpec(key="keys", menu="Edit", text="Keys…", line_before=True),
    *(
        ActionSpec(key=f"go-{place.key}", menu="Go", text=f"Go to {place.title}", shortcuts=(place.shortcut,))
        for place in PLACES
    ),
    ActionSpec(key="palette", menu="Go", text="All actions…", shortcuts=("Ctrl+K",), line_before=True),
    ActionSpec(key="theme-system", menu="View", text="Light or dark as the system"),
    ActionSpec(key="theme-light", menu="View", text="Light"),
    ActionSpec(key="theme-dark", menu="View", text="Dark"),
    ActionSpec(
        key="text-larger", menu="View", text="Larger text", shortcuts=("Ctrl+=", "Ctrl++"), line_before=True
    ),
    ActionSpec(key="text-smaller", menu="View", text="Smaller text", shortcuts=("Ctrl+-",)),
    ActionSpec(key="text-usual", menu="View", text="Usual text size", shortcuts=("Ctrl+0",)),
    ActionSpec(key="restart-engine", menu="Help", text="Restart the engine"),
    ActionSpec(key="show-logs", menu="Help", text="Show the log files"),
    ActionSpec(key="about", menu="Help", text="About DPO Studio", line_before=True),
)


def build_menus(
    window: QMainWindow, handlers: Mapping[str, Callable[[], None]], keymap: Keymap
) -> dict[str, QAction]:
    """Make every action of `SPECS`, in menus of the window's menu bar. `KeyError` without a handler."""
    keymap.add(
        KeyedAction(key=spec.key, text=spec.text.rstrip("…"), place=WINDOW, usual=spec.shortcuts)
        for spec in SPECS
    )
    actions: dict[str, QAction] = {}
    for spec in SPECS:
        action = QAction(spec.text, window)
        action.setObjectName(spec.key)
        bind(action, keymap, spec.key)
        action.triggered.connect(lambda _=False, act=handlers[spec.key]: act())
        actions[spec.key] = action
    for title in dict.fromkeys(spec.menu for spec in SPECS):
        menu = window.menuBar().addMenu(title)
        for spec in SPECS:
            if spec.menu == title:
                if spec.line_before:
                    menu.addSeparator()
                menu.addAction(actions[spec.key])
                window.addAction(actions[spec.key])
    return actions
