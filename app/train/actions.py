"""The page's actions as data: from one list come its shortcuts and what the command palette offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.shell.theme import Theme
from app.train.state import TrainState


@dataclass(frozen=True, kw_only=True)
class PageAction:
    key: str
    text: str
    shortcut: str
    icon: str
    of_runs: bool = False
    """Acts only while the list of runs has the keyboard: elsewhere its key means something else."""


def _action(key: str, text: str, shortcut: str, icon: str, *, of_runs: bool = False) -> PageAction:
    return PageAction(key=key, text=text, shortcut=shortcut, icon=icon, of_runs=of_runs)


ACTIONS = (
    _action("start", "Start training", "Ctrl+Return", "play"),
    _action("check", "Check before training", "Ctrl+Shift+Return", "scan-search"),
    _action("pause", "Pause or go on", "Ctrl+P", "pause"),
    _action("stop", "Stop and keep the policy", "Ctrl+.", "square"),
    _action("cancel", "Cancel training", "Ctrl+Shift+.", "x"),
    _action("queue", "Hold the queue or go on with it", "Ctrl+Shift+P", "clock"),
    _action("use", "Use the selected run's policy", "Ctrl+U", "sparkles"),
    _action("untrained", "Go back to the untrained model", "", "undo-2"),
    _action("resume", "Resume the selected run", "Ctrl+R", "rotate-cw"),
    _action("earlier", "Earlier in the queue", "Alt+Up", "chevron-up", of_runs=True),
    _action("later", "Later in the queue", "Alt+Down", "chevron-down", of_runs=True),
    _action("leave", "Take the selected run out of the queue", "", "x"),
    _action("search", "Search the runs", "Ctrl+F", "search"),
    _action("note", "Note on the selected run", "F2", "pen-line", of_runs=True),
    _action("compare", "Compare: draw the selected run beside others", "Space", "chart-line", of_runs=True),
    _action("differ", "What differs between the selected run and another", "Ctrl+D", "diff"),
    _action("band", "Draw the runs with other seeds as a band", "Ctrl+B", "chart-line"),
    _action("pin", "Pin the selected run, or no longer", "Ctrl+Shift+D", "bookmark"),
    _action("folder", "Open the selected run's folder", "Ctrl+Shift+O", "folder-open"),
    _action("verdicts", "Show the verdicts that made the selected run", "", "library"),
    _action("written", "Show what the selected run's policy wrote", "", "library"),
    _action("delete", "Delete the selected run", "Delete", "trash-2", of_runs=True),
    _action("empty", "Empty the trash of runs…", "", "trash-2"),
    _action("health", "Explain the run's health", "Ctrl+Shift+H", "gauge"),
    _action("awake", "Let the computer sleep while training", "", "moon"),
    _action("notify", "Say nothing when a run ends", "", "message-square"),
    _action("model", "Start from a model folder…", "", "folder-open"),
    _action("recommended", "Use the recommended settings", "", "sliders-horizontal"),
    _action("save", "Save the training settings as a file…", "", "download"),
    _action("load", "Load training settings from a file…", "", "folder-open"),
    _action("command", "Copy the training's command line", "Ctrl+Shift+C", "copy"),
    _action("zoom", "Show the whole curves", "Ctrl+Shift+0", "search"),
)


def add_actions(
    page: QWidget, runs: QWidget, theme: Theme, handlers: Mapping[str, Callable[[], object]]
) -> dict[str, QAction]:
    """Make them; those of the runs have their keys on `runs`. `KeyError` without a handler."""
    made = {}
    for described in ACTIONS:
        action = QAction(described.text, page)
        action.setObjectName(f"train.{described.key}")
        action.setShortcut(QKeySequence(described.shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _=False, call=handlers[described.key]: call())
        (runs if described.of_runs else page).addAction(action)
        made[described.key] = action
    restyle(made, theme)
    return made


def restyle(actions: Mapping[str, QAction], theme: Theme) -> None:
    """Give them their icons in the theme's present colours."""
    for described in ACTIONS:
        actions[described.key].setIcon(theme.icon(described.icon))


def name_wishes(actions: Mapping[str, QAction], *, keep_awake: bool, notify: bool) -> None:
    """What the person wants to happen around training, by what would become of it."""
    actions["awake"].setText(
        "Let the computer sleep while training" if keep_awake else "Keep the computer awake while training"
    )
    actions["notify"].setText("Say nothing when a run ends" if notify else "Notify me when a run ends")


def enable(actions: Mapping[str, QAction], state: TrainState) -> None:
    """Let those act that can; where a name says what happens, it is the present one."""
    line, progress = state.selected_line, state.progress
    running = progress is not None and progress.phase in ("training", "pausing", "paused")
    seeds = state.desk.seeds_of(state.selected)
    enabled = {
        "start": state.can_start,
        "check": not state.loading,
        "pause": running,
        "stop": running,
        "cancel": progress is not None,
        "queue": bool(state.queue.waiting),
        "use": line is not None and line.can_use,
        "untrained": state.back_to is not None,
        "resume": line is not None and line.can_resume and not state.preparing,
        "earlier": line is not None and line.place > 1,
        "later": line is not None and 0 < line.place < len(state.queue.waiting),
        "leave": line is not None and line.place > 0,
        "search": bool(state.runs),
        **dict.fromkeys(("note", "compare", "pin", "folder", "verdicts", "written"), line is not None),
        "differ": line is not None and len(state.runs) > 1,
        "band": len(seeds) > 1,
        "delete": line is not None and line.can_delete,
        "empty": bool(state.desk.trash) and not state.desk.emptying,
    }
    for name, on in enabled.items():
        actions[name].setEnabled(on)
    actions["start"].setText("Add a run to the queue" if progress else "Start training")
    actions["queue"].setText("Go on with the queue" if state.queue.held else "Hold the queue")
    actions["resume"].setText("Queue the selected run" if progress else "Resume the selected run")
    pinned = line is not None and line.run.pinned
    actions["pin"].setText("Unpin the selected run" if pinned else "Pin the selected run")
    compared = line is not None and line.compared
    actions["compare"].setText(
        "No longer compare the selected run" if compared else "Compare the selected run with others"
    )
    actions["band"].setText(
        "Draw the selected run alone" if state.desk.band else "Draw the runs with other seeds as a band"
    )
