"""How margins are spread, now and before: bins of a readable width that lose no pair. Qt-free."""

from dataclasses import dataclass

import numpy as np

from app.inspector.figures import Floats, Ints
from app.inspector.pictures.scales import Scale, nearest_nice, scale_of
from dpo_engine.pair_math import UNDECIDED_BELOW

_MOST_BINS, _LEAST_BINS = 48, 6
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

    def bin_of(self, margin: float) -> int:
        """The bin that holds it, the outermost ones holding all beyond."""
        return int(np.clip((margin - self.edges[0]) // self.width, 0, len(self.counts) - 1))


def histogram(margin: Floats, before: Floats | None) -> Histogram:
    """`before`: margins at the checkpoint to compare with, not numbers where there is none."""
    known = None if before is None else before[np.isfinite(before)]
    shown = margin if known is None else np.concatenate([margin, known])
    border = UNDECIDED_BELOW
    far = shown.size and float(np.abs(shown).max()) >= _BORDER_WORTH_SHOWING
    scale = scale_of(shown, around=(-border, 0.0, border) if far or not shown.size else (0.0,))
    width = bin_width(margin, scale)
    # Edges are multiples of the width, so that 0 is one of them and no bin mixes signs.
    first, last = np.floor(scale.low / width), np.floor(scale.high / width) + 1
    edges = np.arange(first, last + 1) * width
    return Histogram(
        edges=edges,
        counts=counted(margin, edges),
        before=None if known is None else counted(known, edges),
        scale=Scale(float(edges[0]), float(edges[-1]), scale.open_low, scale.open_high),
    )


def bin_width(values: Floats, scale: Scale) -> float:
    """Freedman and Diaconis' width, 2 · IQR / ∛n, within what can be read, as a round number.

    Source: D. Freedman, P. Diaconis (1981), On the histogram as a density estimator: L₂ theory.
    """
    narrowest, widest = scale.length / _MOST_BINS, scale.length / _LEAST_BINS
    if not values.size:
        return nearest_nice(widest)
    first, third = np.percentile(values, (25, 75))
    width = 2 * float(third - first) / float(np.cbrt(values.size))
    return nearest_nice(min(max(width, narrowest), widest))


def counted(values: Floats, edges: Floats) -> Ints:
    """How many values are in each bin, what lies beyond in the outermost ones."""
    bins = len(edges) - 1
    width = edges[1] - edges[0]
    place = np.clip((values - edges[0]) // width, 0, bins - 1).astype(np.intp)
    counts: Ints = np.bincount(place, minlength=bins).astype(np.int64)
    return counts
