"""What can be done on the Library's page, as data: see `action_table`."""

from app.shell.action_table import ActionTable, action

# In a text the rows' keys are the text's.
ACTIONS = ActionTable(
    "Library",
    (
        action("search", "Search prompts and responses", "search", "/", "Ctrl+F"),
        action("filter", "Add a filter…", "list-filter", "Ctrl+Shift+L"),
        action("clear", "Show all rows", "list-filter", "Ctrl+Shift+F"),
        action("save", "Save this filter…", "bookmark", "Ctrl+S"),
        action("all", "Select all rows", "check", "Ctrl+A", part="rows"),
        action("tag", "Tag the selected rows…", "tag", "T"),
        action("untag", "Take tags off the selected rows…", "tag", "Shift+T"),
        action("flag", "Flag the selected rows", "flag", "F"),
        action("hold_out", "Hold the selected rows out of training", "scale", "H"),
        action("train_on", "Move the selected rows to training", "graduation-cap", "Shift+H"),
        action("ask_again", "Ask the selected rows again, blind", "refresh-cw", "R"),
        action("delete", "Delete the selected rows", "trash-2", "Delete", part="rows"),
        action("restore", "Restore the selected rows", "archive-restore", "Shift+Delete"),
        action("comment", "Comment on this row", "message-square", "C"),
        action("judge", "Judge this row again", "pen-line", "J"),
        action("sort", "Sort by…", "arrow-down-up", "S"),
        action("reverse", "Reverse order", "arrow-down-up", "Shift+S"),
        action("figures", "Rows or figures", "chart-line", "G"),
        action("refresh", "Read the rows again", "rotate-cw", "F5"),
    ),
)
