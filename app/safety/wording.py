"""Backups in words: when, what for, how much. Qt-free."""

from datetime import date, timedelta

from app.store.safekeeping.backups import Backup, Contents, Why

_WHY: dict[Why, str] = {
    "regular": "",
    "asked": "asked for",
    "migration": "before an update of the file",
    "import": "before an import",
    "merge": "before a merge",
    "restore": "before a restore",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def when(backup: Backup, today: date) -> str:
    """`Today, 16:42`; the year only where it is another one."""
    day = backup.at.date()
    if day == today:
        name = "Today"
    elif day == today - timedelta(days=1):
        name = "Yesterday"
    else:
        name = f"{day.day} {_MONTHS[day.month - 1]}" + ("" if day.year == today.year else f" {day.year}")
    return f"{name}, {backup.at:%H:%M}"


def what_for(backup: Backup) -> str:
    return _WHY[backup.why]


def verdicts(number: int) -> str:
    return "1 verdict" if number == 1 else f"{number:,} verdicts"


def holds(contents: Contents | None) -> str:
    """Empty where it is not known."""
    return "" if contents is None else verdicts(contents.verdicts)


def size(number: int) -> str:
    """Bytes as people count them: `3.4 MB`."""
    value, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 10 and unit != "B" else f"{value:.0f} {unit}"
