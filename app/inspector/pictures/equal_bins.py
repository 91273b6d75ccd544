"""Bins that hold equally many pairs each, as nearly as equal values allow. Qt-free."""

import numpy as np

from app.inspector.figures import Floats
from app.inspector.pair_table import Rows


def starts_of_bins(ordered: Floats, bins: int) -> Rows:
    """Where each bin begins among rising values. Equal ones are never parted, so there may be fewer bins."""
    if not ordered.size:
        return np.empty(0, dtype=np.intp)
    even = np.arange(bins) * len(ordered) // bins
    starts: Rows = np.searchsorted(ordered, ordered[even], side="left")
    # They rise already; np.unique would load numpy.ma, which takes longer than all four pictures.
    return starts[np.diff(starts, prepend=-1) > 0]
