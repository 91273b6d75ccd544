"""What a person brushed in a picture, in the picture's own units, and which pairs that holds. Qt-free."""

import math
from dataclasses import dataclass

import numpy as np

from app.inspector.figures import Floats
from app.inspector.pair_table import Mask
from app.inspector.pictures.scales import Scale

Point = tuple[float, float]


@dataclass(frozen=True)
class Span:
    """`low` ≤ value < `high`: spans that touch share no pair."""

    low: float = -math.inf
    high: float = math.inf

    def holds(self, values: Floats) -> Mask:
        held: Mask = (values >= self.low) & (values < self.high)
        return held

    def opened(self, scale: Scale) -> "Span":
        """Without an end where it reaches the scale's rim, since the rim stands for all beyond it."""
        return Span(
            -math.inf if self.low <= scale.low else self.low,
            math.inf if self.high >= scale.high else self.high,
        )


@dataclass(frozen=True)
class Outline:
    """A closed line of at least three corners, drawn where values beyond these scales stood on their rim."""

    corners: tuple[Point, ...]
    x: Scale
    y: Scale

    def holds(self, x: Floats, y: Floats) -> Mask:
        return inside(self.corners, self.x.clamped(x), self.y.clamped(y))


@dataclass(frozen=True)
class Region:
    """A rectangle, or within it what lies inside `outline` when there is one."""

    x: Span
    y: Span = Span()
    outline: Outline | None = None

    def holds(self, x: Floats, y: Floats | None) -> Mask:
        """True for every pair inside. `y` is None in a picture that has no height to brush."""
        held = self.x.holds(x)
        if y is None:
            return held
        held &= self.y.holds(y)
        if self.outline is not None:
            places = np.flatnonzero(held)
            held[places] = self.outline.holds(x[places], y[places])
        return held


def rectangle(first: Point, second: Point, x: Scale, y: Scale) -> Region:
    """The rectangle with these opposite corners."""
    return Region(
        Span(min(first[0], second[0]), max(first[0], second[0])).opened(x),
        Span(min(first[1], second[1]), max(first[1], second[1])).opened(y),
    )


def lasso(corners: tuple[Point, ...], x: Scale, y: Scale) -> Region | None:
    """The region that this closed line goes round; None where it goes round nothing."""
    if len(corners) < 3:
        return None
    around = rectangle(
        (min(corner[0] for corner in corners), min(corner[1] for corner in corners)),
        (max(corner[0] for corner in corners), max(corner[1] for corner in corners)),
        x,
        y,
    )
    return Region(around.x, around.y, Outline(corners, x, y))


def inside(corners: tuple[Point, ...], x: Floats, y: Floats) -> Mask:
    """By the even–odd rule: a ray to the right crosses the closed line an odd number of times.

    Source: M. Shimrat (1962), Algorithm 112: Position of point relative to polygon, CACM 5(8).
    """
    odd: Mask = np.zeros(x.shape, dtype=np.bool_)
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y1 != y2:
            odd ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) * ((x2 - x1) / (y2 - y1)))
    return odd
