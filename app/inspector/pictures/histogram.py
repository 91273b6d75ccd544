"""How margins are spread, now and before: bins of a readable width that lose no pair. Qt-free."""

import math
from dataclasses import dataclass

import numpy as np

from app.inspector.figures import Floats, Ints
from app.inspector.pictures.scales import Scale, nearest_nice, quantile, scale_of
from dpo_engine.pair_math import UNDECIDED_BELOW

_MOST_BINS, _LEAST_BINS = 48, 8
_BORDER_WORTH_SHOWING = UNDECIDED_BELOW / 4
"""Margins all nearer to 0 than this are shown without the borders of the cases, which lie far off."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Histogram:
    """`edges` has one entry more than `counts`; a bin holds its lower edge and not its upper one."""

    edges: Floats
    counts: Ints
    before: Ints | None
    """The same pairs at the checkpoint to compare with; None where that is a line at 0."""
    scale: Scale
    """From the first edge to the last. Open: the outermost bin there holds all that lies beyond, too."""

    @property
    def width(self) -> float:
        return float(self.edges[1] - self.edges[0])


def histogram(margin: Floats, before: Floats | None) -> Histogram:
    """`before`: margins at the checkpoint to compare with, not numbers where there is none."""
    known = None if before is None else before[np.isfinite(before)]
    shown = margin if known is None else np.concatenate([margin, known])
    border = UNDECIDED_BELOW
    far = not shown.size or float(np.abs(shown).max()) >= _BORDER_WORTH_SHOWING
    scale = scale_of(shown, around=(-border, 0.0, border) if far else (0.0,))
    ordered = np.sort(margin)
    width = bin_width(ordered, scale.length)
    # Edges are multiples of the width, so that 0 is one of them and no bin mixes signs.
    first, last = math.floor(scale.low / width), math.floor(scale.high / width) + 1
    edges: Floats = np.arange(first, last + 1, dtype=np.float64) * width
    return Histogram(
        edges=edges,
        counts=counted(ordered, edges),
        before=None if known is None else counted(np.sort(known), edges),
        scale=Scale(float(edges[0]), float(edges[-1]), scale.open_low, scale.open_high),
    )


def bin_width(ordered: Floats, length: float) -> float:
    """Freedman and Diaconis' width for rising values, 2 · IQR / ∛n, as a round number that cuts `length` into
    not too few bins and not too many.

    Source: D. Freedman, P. Diaconis (1981), On the histogram as a density estimator: L₂ theory.
    """
    narrowest, widest = length / _MOST_BINS, length / _LEAST_BINS
    if not ordered.size:
        return nearest_nice(widest)
    width = 2 * (quantile(ordered, 0.75) - quantile(ordered, 0.25)) / len(ordered) ** (1 / 3)
    return nearest_nice(min(max(width, narrowest), widest))


def counted(ordered: Floats, edges: Floats) -> Ints:
    """How many of these rising values are in each bin, what lies beyond in the outermost ones."""
    inner = np.searchsorted(ordered, edges[1:-1], side="left")
    counts: Ints = np.diff(inner, prepend=0, append=len(ordered)).astype(np.int64)
    return counts
