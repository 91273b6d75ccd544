"""Several curves of the same thing as one: their mean, and from the lowest to the highest. Qt-free."""

from collections.abc import Sequence

import numpy as np

from app.widgets.plots.points import Floats
from app.widgets.plots.series import Series


class Spread:
    """Of runs that differ by their seed. Over the steps that at least two of them have."""

    def __init__(self, sources: Sequence[Series]) -> None:
        self._sources = tuple(sources)
        self._seen: object = None
        self.mean, self.low, self.high = Series(), Series(), Series()

    @property
    def curves(self) -> int:
        """How many of them have points."""
        return sum(1 for source in self._sources if len(source))

    @property
    def versions(self) -> tuple[int, ...]:
        """Changes whenever one of the curves does."""
        return tuple(source.version for source in self._sources)

    def refresh(self) -> None:
        """Compute again if one of the curves changed; O(points of all)."""
        if self._seen == self.versions:
            return
        self._seen = self.versions
        x, mean, low, high = _over_common_steps([source for source in self._sources if len(source)])
        for series, values in ((self.mean, mean), (self.low, low), (self.high, high)):
            series.replace(x, values)


def _over_common_steps(sources: Sequence[Series]) -> tuple[Floats, Floats, Floats, Floats]:
    if len(sources) < 2:
        nothing: Floats = np.empty(0)
        return nothing, nothing, nothing, nothing
    steps, place, count = np.unique(
        np.concatenate([source.x for source in sources]), return_inverse=True, return_counts=True
    )
    values = np.concatenate([source.y for source in sources])
    low, high = np.full(len(steps), np.inf), np.full(len(steps), -np.inf)
    np.minimum.at(low, place, values)
    np.maximum.at(high, place, values)
    mean = np.bincount(place, weights=values) / count
    several = count > 1
    return steps[several], mean[several], low[several], high[several]
