"""What can be done on the Train page, as data (see `action_table`), and which of it can be done now."""

from collections.abc import Mapping

from PySide6.QtGui import QAction

from app.shell.action_table import ActionTable, action
from app.train.state import TrainState

ACTIONS = ActionTable(
    "Train",
    (
        action("start", "Start training", "play", "Ctrl+Return"),
        action("check", "Check before training", "scan-search", "Ctrl+Shift+Return"),
        action("pause", "Pause or go on", "pause", "Ctrl+P"),
        action("stop", "Stop and keep the policy", "square", "Ctrl+."),
        action("cancel", "Cancel training", "x", "Ctrl+Shift+."),
        action("queue", "Hold the queue or go on with it", "clock", "Ctrl+Shift+P"),
        action("use", "Use the selected run's policy", "sparkles", "Ctrl+U"),
        action("untrained", "Go back to the untrained model", "undo-2"),
        action("resume", "Resume the selected run", "rotate-cw", "Ctrl+R"),
        action("earlier", "Earlier in the queue", "chevron-up", "Alt+Up", part="runs", repeats=True),
        action("later", "Later in the queue", "chevron-down", "Alt+Down", part="runs", repeats=True),
        action("leave", "Take the selected run out of the queue", "x"),
        action("search", "Search the runs", "search", "Ctrl+F"),
        action("note", "Note on the selected run", "pen-line", "F2", part="runs"),
        action("compare", "Compare: draw the selected run beside others", "chart-line", "Space", part="runs"),
        action("differ", "What differs between the selected run and another", "diff", "Ctrl+D"),
        action("band", "Draw the runs with other seeds as a band", "chart-line", "Ctrl+B"),
        action("pin", "Pin the selected run, or no longer", "bookmark", "Ctrl+Shift+D"),
        action("folder", "Open the selected run's folder", "folder-open", "Ctrl+Shift+O"),
        action("verdicts", "Show the verdicts that made the selected run", "library"),
        action("written", "Show what the selected run's policy wrote", "library"),
        action("delete", "Delete the selected run", "trash-2", "Delete", part="runs"),
        action("empty", "Empty the trash of runs…", "trash-2"),
        action("health", "Explain the run's health", "gauge", "Ctrl+Shift+H"),
        action("awake", "Let the computer sleep while training", "moon"),
        action("notify", "Say nothing when a run ends", "message-square"),
        action("model", "Start from a model folder…", "folder-open"),
        action("recommended", "Use the recommended settings", "sliders-horizontal"),
        action("save", "Save the training settings as a file…", "download"),
        action("load", "Load training settings from a file…", "folder-open"),
        action("command", "Copy the training's command line", "copy", "Ctrl+Shift+C"),
        action("zoom", "Show the whole curves", "search", "Ctrl+Shift+0"),
        action("show-curves", "Show curves", "rows-2", "Alt+1"),
        action("show-samples", "Show samples", "rows-2", "Alt+2"),
        action("show-check", "Show check", "rows-2", "Alt+3"),
        action("show-details", "Show details", "rows-2", "Alt+4"),
    ),
)


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
