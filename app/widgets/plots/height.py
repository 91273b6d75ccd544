"""Which heights a live plot shows: all of its curves, and the same ones while they will do. Qt-free."""

from collections.abc import Sequence

_ROOM = 0.08
"""Share of the height left free above and below the curves."""
_SLACK = 0.45
"""The height is fitted again only once the curves leave it or fill less than this share of it."""


def fitted(
    extents: Sequence[tuple[float, float]],
    *,
    level: float | None,
    limits: tuple[float, float] | None,
    present: tuple[float, float] | None,
    words: float = 0.0,
) -> tuple[float, float] | None:
    """The lowest and highest height to show; None to leave the `present` ones (None: there are none).

    `extents`: lowest and highest of each curve. `level`: a line that is always in view, with words above it
    that take the share `words` of the whole height (0: none). `limits`: fixed, for what has natural ones.
    """
    if limits is not None:
        room = _ROOM * (limits[1] - limits[0])
        wanted = limits[0] - room, limits[1] + room
        return None if wanted == present else wanted
    heights = [height for extent in extents for height in extent] + ([] if level is None else [level])
    low, high = (min(heights), max(heights)) if heights else (0.0, 1.0)
    if present is not None and _still_fits(low, high, present):
        return None
    room = _ROOM * (high - low) or max(abs(high) * 0.1, 0.01)
    low, high = low - room, high + room
    if level is not None and 0.0 < words < 1.0:
        high = max(high, level + words * (level - low) / (1 - words))
    return low, high


def _still_fits(low: float, high: float, present: tuple[float, float]) -> bool:
    """A curve that wriggles inside its plot must not make the axis wriggle."""
    bottom, top = present
    return bottom <= low and high <= top and high - low >= _SLACK * (top - bottom)
