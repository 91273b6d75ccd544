"""What can be done on the Inspector's page and in its view of suspects, as data: see `action_table`."""

from app.shell.action_table import ActionTable, action

# A text that has the keyboard copies its own selection, so copying rows belongs to the rows.
ACTIONS = ActionTable(
    "Inspector",
    (
        action("search", "Search pairs", "search", "Ctrl+F"),
        action("sort", "Sort by…", "arrow-down-up", "S"),
        action("reverse", "Reverse order", "arrow-down-up", "Shift+S"),
        action("clear", "Show all pairs", "list-filter", "Ctrl+Shift+F"),
        action("copy", "Copy selected pairs as a table", "copy", "Ctrl+C", part="rows"),
        action("next_view", "Show the pair's text, tokens or path", "columns-2", "T"),
        action("pictures", "Pictures beside the table", "chart-line", "P", checkable=True),
        action("beta", "What if β…", "sliders-horizontal", "B"),
        action("beta-up", "Raise β", "chevron-up", "]", repeats=True),
        action("beta-down", "Lower β", "chevron-down", "[", repeats=True),
        action("beta-back", "Back to the run's own β", "undo-2", "Shift+B"),
        action("explore", "Open this pair in the loss explorer", "chart-line", "E"),
        action("explorer", "Loss explorer", "chart-line", "Shift+E"),
        action("link", "Copy the pair's link", "copy", "Ctrl+Shift+C"),
        action("export", "Export the pairs shown…", "upload"),
        action("export-all", "Export all pairs…", "upload"),
        action("score", "Score pairs", "scale"),
        action("score-all", "Score every checkpoint", "scale"),
        action("score-any", "Score a model on pairs…", "scale"),
        action("automatic", "Score runs by themselves when they end", "refresh-cw", checkable=True),
        action("stop", "Stop scoring", "circle-stop"),
    ),
)

OF_SUSPECTS = ActionTable(
    "Inspector",
    (
        action("study", "Look for suspect verdicts", "scan-search"),
        action("study-on", "Go on with the study", "play"),
        action("study-stop", "Stop the study", "circle-stop"),
        action("ask", "Ask the selected verdicts again, blind", "history", "A"),
        action("ask-first", "Ask the most suspect again, blind…", "history", "Shift+A"),
        action("copy-verdicts", "Copy selected verdicts as a table", "copy", "Ctrl+C", part="suspects"),
    ),
)
