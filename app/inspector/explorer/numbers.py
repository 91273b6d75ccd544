"""Numbers as they are written in a line of arithmetic, from tiny gradient weights to overflow. Qt-free."""

import math

from app.inspector.wording import MINUS

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure(value: float, digits: int = 3) -> str:
    """So many decimals, or significant digits below 0.1; a power of ten where that would be long."""
    size = abs(value)
    if math.isnan(value):
        return "no number"
    if math.isinf(size):
        text = "∞"
    elif size == 0:
        return "0"
    elif 1e-4 <= size < 1e6:
        text = f"{size:.{digits if size >= 0.1 else digits - 1 - math.floor(math.log10(size))}f}"
    else:
        mantissa, power = f"{size:.{digits - 1}e}".split("e")
        text = f"{mantissa}·10{str(int(power)).translate(_RAISED)}"
    return MINUS + text if value < 0 else text


def setting(value: float) -> str:
    """A number that a person set, in as few digits as it takes, up to four."""
    return f"{value:.4g}".replace("-", MINUS)


def term(text: str) -> str:
    """In brackets where a sign before it would meet its own."""
    return f"({text})" if text.startswith(MINUS) else text
