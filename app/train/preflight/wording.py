"""Sizes, times and shares in the words of the check. Qt-free."""


def size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"


def duration(seconds: float) -> str:
    """Rounded to what a person plans with: "under a minute", "4 min", "1 h 20 min"."""
    if seconds < 60:
        return "under a minute"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def percent(part: int, whole: int) -> str:
    """Never 0 % of something, and never 100 % of less than all."""
    if not whole or not part:
        return "0 %"
    share = 100 * part / whole
    if share < 1:
        return "under 1 %"
    return f"{min(share, 99) if part < whole else 100:.0f} %"


def signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def pairs(number: int) -> str:
    return f"{number:,} pair" if number == 1 else f"{number:,} pairs"


def number_of(name: str) -> str:
    """A pair's name as the list shows it: "comparison-12" is no. 12."""
    return name.removeprefix("comparison-")
