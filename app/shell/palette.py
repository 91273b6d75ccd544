"""The colours and measures of the app, light and dark. Data only, Qt-free.

Every text colour reaches WCAG AA (4.5 : 1) on the surfaces it is used on; a test computes it. One accent
colour; chosen and rejected differ by label and shape too, and their two hues stay apart for the common
kinds of colour blindness (blue against orange).
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Palette:
    name: str
    window: str
    """Behind everything; the navigation stands on it."""
    surface: str
    """Cards, panes, fields."""
    sunken: str
    """Wells inside a surface: code, table headers, key caps."""
    hover: str
    pressed: str
    border: str
    border_strong: str
    text: str
    secondary: str
    """Supporting text."""
    faint: str
    """Placeholders and captions; still AA."""
    accent: str
    accent_hover: str
    accent_text: str
    """On the accent colour."""
    accent_soft: str
    """A tint for selections."""
    chosen: str
    rejected: str
    chosen_soft: str
    rejected_soft: str
    good: str
    warning: str
    warning_soft: str
    danger: str
    danger_soft: str
    grid: str
    """Lines behind a plot."""
    code_keyword: str
    """Words of code, by what they are; on `sunken`."""
    code_string: str
    code_number: str
    code_name: str
    code_comment: str


LIGHT = Palette(
    name="light",
    window="#f6f6f4",
    surface="#ffffff",
    sunken="#f1f1ee",
    hover="#ebebe7",
    pressed="#e1e1dc",
    border="#e3e3de",
    border_strong="#c9c9c2",
    text="#1b1b19",
    secondary="#54544e",
    faint="#67675f",
    accent="#4b57d1",
    accent_hover="#3f4abd",
    accent_text="#ffffff",
    accent_soft="#e9ebfb",
    chosen="#17619f",
    rejected="#994300",
    chosen_soft="#e2eefa",
    rejected_soft="#fbeadb",
    good="#267044",
    warning="#8a5a00",
    warning_soft="#fdf3d8",
    danger="#b3261e",
    danger_soft="#fce8e6",
    grid="#ecece8",
    code_keyword="#7a3e9d",
    code_string="#22693f",
    code_number="#8a4b08",
    code_name="#1d5a9e",
    code_comment="#66665e",
)

DARK = Palette(
    name="dark",
    window="#161617",
    surface="#1e1e20",
    sunken="#29292c",
    hover="#2b2b2e",
    pressed="#353539",
    border="#303034",
    border_strong="#4b4b51",
    text="#ececea",
    secondary="#b4b4b0",
    faint="#9a9a96",
    accent="#8f9bff",
    accent_hover="#a5afff",
    accent_text="#14142b",
    accent_soft="#2b2e4e",
    chosen="#6fb3f2",
    rejected="#f0a060",
    chosen_soft="#1d3248",
    rejected_soft="#43301f",
    good="#6cc894",
    warning="#e8b84e",
    warning_soft="#3d3218",
    danger="#ff8d85",
    danger_soft="#472422",
    grid="#2a2a2d",
    code_keyword="#cf9cf0",
    code_string="#8fcf9f",
    code_number="#e3b27a",
    code_name="#86b9f5",
    code_comment="#9c9c97",
)


class Space:
    """The 4-pixel grid; every margin and gap in the app is one of these."""

    XS = 4
    S = 8
    M = 12
    L = 16
    XL = 24
    XXL = 32


class FontSize:
    """Point sizes are the system's business; these are pixels at 100 % and scale with the display."""

    CAPTION = 12
    BODY = 13
    READING = 15
    HEADING = 15
    TITLE = 20


RADIUS = 8
READING_WIDTH = 760
"""A response is never set wider than this many pixels: about 90 characters a line."""


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two `#rrggbb` colours, 1 to 21."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
