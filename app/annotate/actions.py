"""What can be done on the Annotate page, as data: see `action_table`."""

from app.shell.action_table import ActionTable, action

# "!" and "@" are Shift+1 and Shift+2 where the keyboard says the sign and not the key.
ACTIONS = ActionTable(
    "Annotate",
    (
        action("left", "Left is better", "arrow-left", "1"),
        action("right", "Right is better", "arrow-right", "2"),
        action("much-left", "Left is much better", "arrow-left", "Shift+1", "!"),
        action("much-right", "Right is much better", "arrow-right", "Shift+2", "@"),
        action("tie", "Tie", "equal", "3"),
        action("both-bad", "Both bad", "thumbs-down", "4"),
        action("skip", "Skip for later", "skip-forward", "Space"),
        action("edit", "Edit a response and choose it", "pen-line", "E"),
        action("edit-last", "Edit the response chosen last", "pen-line", "Shift+E"),
        action("flag", "Flag the comparison", "flag", "F"),
        action("comment", "Comment on the comparison", "message-square-text", "C"),
        action("tags", "Tags of the comparison", "tag", "T"),
        action("again", "Write both responses again", "refresh-cw", "R"),
        action("again-left", "Write the left response again", "refresh-cw", "Shift+R"),
        action("again-right", "Write the right response again", "refresh-cw", "Ctrl+Shift+R"),
        action("continue", "Continue from the response chosen last", "messages-square", "Return", "Enter"),
        action("stop", "Stop writing", "circle-stop", "Esc"),
        action("differences", "Differences on or off", "diff", "D"),
        action("raw", "Responses as written or rendered", "scan-search", "M"),
        action("layout", "Responses side by side or stacked", "columns-2", "V"),
        action("new-prompt", "New prompt", "message-square-plus", "N"),
        action("sampling", "Sampling settings", "sliders-horizontal", "S"),
        action("writers", "Who writes the responses", "users", "W"),
        action("quality", "Quality, goal and order", "gauge", "Q"),
        action("annotator", "Somebody else judges", "user", "A"),
        action("folder", "Use a model folder…", "folder-open"),
        action("starter", "Use the starter model", "download"),
    ),
)
