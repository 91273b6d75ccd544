"""Words that more than one place of the window uses. Qt-free."""

STRENGTH_WORDS = {1: "Better", 2: "Much better", 3: "Far better"}
"""Of a verdict, by its strength."""


def time_left(seconds: float) -> str:
    """Rounded to what a person plans with: "under a minute left", "4 min left", "1 h 20 min left"."""
    if seconds < 60:
        return "under a minute left"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min left"
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h left"
    return f"{hours} h {minutes} min left" if minutes else f"{hours} h left"
