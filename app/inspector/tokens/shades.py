"""The colours of the token view, light and dark. Data and arithmetic only, Qt-free.

Values of both signs run from purple (the policy lowered the token) over the surface to green (it raised it):
two hues that stay apart for every common kind of colour blindness, and are neither those of chosen and
rejected nor the accent. The sign is said a second time by a bar: above a raised token, below a lowered one.
Log-probs, which have one sign, run from the surface to one hue. Every shade carries the text colour at
WCAG AA (4.5 : 1) or better; a test computes it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.inspector.tokens.values import Floats
from app.shell.palette import Palette

STEPS = 32
"""Shades from the surface to an end: more cannot be told apart."""
_MARKED_FROM = 0.12
"""Share of the scale from which a token has its bar: below, the sign says nothing."""


@dataclass(frozen=True, kw_only=True)
class Ramps:
    """Colours `#rrggbb`, the surface's first, an end's last."""

    raised: tuple[str, ...]
    lowered: tuple[str, ...]
    unlikely: tuple[str, ...]
    raised_bar: str
    lowered_bar: str


_ENDS = {
    "light": ("#7cc47a", "#c79ad8", "#8fb2dc", "#1f7a35", "#7a3a96"),
    "dark": ("#2c6b3a", "#6f3f86", "#37588c", "#8fd79a", "#d5a5ea"),
}


def ramps(palette: Palette) -> Ramps:
    raised, lowered, unlikely, raised_bar, lowered_bar = _ENDS[palette.name]
    return Ramps(
        raised=_ramp(palette.surface, raised),
        lowered=_ramp(palette.surface, lowered),
        unlikely=_ramp(palette.surface, unlikely),
        raised_bar=raised_bar,
        lowered_bar=lowered_bar,
    )


@dataclass(frozen=True, eq=False)
class Shades:
    """For each token of a response: the place of its colour on its ramp, and where its bar is."""

    steps: NDArray[np.intp]
    """0 for the surface itself."""
    bars: NDArray[np.intp]
    """1 above (raised), −1 below (lowered), 0 for none."""
    counted: NDArray[np.bool_]
    """It has a value of its own."""


def shades(values: Floats, limit: float, *, signed: bool) -> Shades:
    """Of values in nats on a scale of ±limit (or 0 to −limit)."""
    counted = np.isfinite(values)
    share = np.clip(np.where(counted, values, 0.0) / limit, -1.0, 1.0)
    steps = np.rint(np.abs(share) * STEPS).astype(np.intp)
    marked = signed & (np.abs(share) >= _MARKED_FROM)
    return Shades(steps, np.where(marked, np.sign(share), 0).astype(np.intp), counted)


def _ramp(start: str, end: str) -> tuple[str, ...]:
    first, last = (
        np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) for colour in (start, end)
    )
    mixed = first + (last - first) * np.linspace(0.0, 1.0, STEPS + 1)[:, None]
    return tuple("#{:02x}{:02x}{:02x}".format(*row) for row in np.rint(mixed).astype(int).tolist())
