"""Which way the two responses of each pair moved against the reference. Qt-free."""

from dataclasses import dataclass

import numpy as np

from app.inspector.pictures.material import Columns
from app.inspector.pictures.scales import Scale, scale_of


@dataclass(frozen=True, kw_only=True)
class Movement:
    """Numbers of pairs. A log-ratio of exactly 0 counts as not having risen."""

    pairs: int
    both_rose: int
    both_fell: int
    parted: int
    """The chosen rose and the rejected fell."""
    crossed: int
    """The chosen fell and the rejected rose."""
    rejected: Scale
    chosen: Scale
    beyond: int
    """Pairs that lie outside of at least one of the scales."""


def movement(columns: Columns) -> Movement:
    chosen, rejected = columns.chosen_log_ratio, columns.rejected_log_ratio
    up, other_up = chosen > 0, rejected > 0
    x, y = scale_of(rejected).padded(0.04), scale_of(chosen).padded(0.04)
    outside = (rejected < x.low) | (rejected > x.high) | (chosen < y.low) | (chosen > y.high)
    return Movement(
        pairs=len(columns),
        both_rose=int(np.count_nonzero(up & other_up)),
        both_fell=int(np.count_nonzero(~up & ~other_up)),
        parted=int(np.count_nonzero(up & ~other_up)),
        crossed=int(np.count_nonzero(~up & other_up)),
        rejected=x,
        chosen=y,
        beyond=int(np.count_nonzero(outside)),
    )
