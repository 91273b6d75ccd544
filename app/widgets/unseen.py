"""Signs for what cannot be seen in a text: blanks, line ends, control characters. Qt-free."""

SPACE, TAB, LINE_END = "·", "→", "↵"
_CONTROL = {code: chr(0x2400 + code) for code in range(32)} | {0x7F: "\u2421"}
_TURNS = {
    code: f"‹U+{code:04X}›"
    for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""Characters that change the direction of what follows: acted on, they would turn other tokens round."""
_SEEN = _CONTROL | _TURNS


def signs(text: str) -> str:
    """The text with all that as signs but its blanks, which part words. Line ends are control characters."""
    return text.replace("\t", TAB).translate(_SEEN)
