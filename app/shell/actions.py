"""The window's own actions as data: from one list come the menus, the shortcuts and the command palette."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from app.shell.action_table import ActionSpec, ActionTable
from app.shell.keymap import WINDOW, Keymap
from app.shell.navigation import PLACES
from app.shell.page_actions import make_actions


@dataclass(frozen=True, kw_only=True)
class MenuSpec(ActionSpec):
    menu: str
    line_before: bool = False


SPECS: tuple[MenuSpec, ...] = (
    MenuSpec(key="new-project", menu="File", text="New project…", keys=("Ctrl+Shift+N",)),
    MenuSpec(key="open-project", menu="File", text="Open project…", keys=("Ctrl+O",)),
    MenuSpec(key="import", menu="File", text="Import…", keys=("Ctrl+I",), line_before=True),
    MenuSpec(key="export", menu="File", text="Export…", keys=("Ctrl+E",)),
    MenuSpec(key="merge", menu="File", text="Merge another project…"),
    MenuSpec(key="agreement", menu="File", text="Agreement between annotators"),
    MenuSpec(key="show-project-folder", menu="File", text="Show project in its folder", line_before=True),
    MenuSpec(key="backups", menu="File", text="Backups…"),
    MenuSpec(key="quit", menu="File", text="Quit", keys=("Ctrl+Q",), line_before=True),
    MenuSpec(key="undo", menu="Edit", text="Undo", keys=("Ctrl+Z",), repeats=True),
    MenuSpec(key="redo", menu="Edit", text="Redo", keys=("Ctrl+Shift+Z", "Ctrl+Y"), repeats=True),
    MenuSpec(key="keys", menu="Edit", text="Keys…", line_before=True),
    MenuSpec(key="secrets", menu="Edit", text="Tokens and keys…"),
    *(
        MenuSpec(key=f"go-{place.key}", menu="Go", text=f"Go to {place.title}", keys=(place.shortcut,))
        for place in PLACES
    ),
    MenuSpec(key="palette", menu="Go", text="All actions…", keys=("Ctrl+K",), line_before=True),
    MenuSpec(key="theme-system", menu="View", text="Light or dark as the system"),
    MenuSpec(key="theme-light", menu="View", text="Light"),
    MenuSpec(key="theme-dark", menu="View", text="Dark"),
    MenuSpec(
        key="text-larger",
        menu="View",
        text="Larger text",
        keys=("Ctrl+=", "Ctrl++"),
        line_before=True,
        repeats=True,
    ),
    MenuSpec(key="text-smaller", menu="View", text="Smaller text", keys=("Ctrl+-",), repeats=True),
    MenuSpec(key="text-usual", menu="View", text="Usual text size", keys=("Ctrl+0",)),
    MenuSpec(key="restart-engine", menu="Help", text="Restart the engine"),
    MenuSpec(key="show-logs", menu="Help", text="Show the log files"),
    MenuSpec(key="about", menu="Help", text="About DPO Studio", line_before=True),
)


def build_menus(
    window: QMainWindow, handlers: Mapping[str, Callable[[], None]], keymap: Keymap
) -> dict[str, QAction]:
    """Make every action of `SPECS`, in menus of the window's menu bar. `KeyError` without a handler."""
    actions = make_actions(window, ActionTable(WINDOW, SPECS), keymap, handlers)
    for title in dict.fromkeys(spec.menu for spec in SPECS):
        menu = window.menuBar().addMenu(title)
        for spec in SPECS:
            if spec.menu == title:
                if spec.line_before:
                    menu.addSeparator()
                menu.addAction(actions[spec.key])
                window.addAction(actions[spec.key])
    return actions
