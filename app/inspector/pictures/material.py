"""The columns that all four pictures are drawn from. Qt-free."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from app.inspector.figures import Floats, Ints
from app.inspector.pair_table import Mask, Rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """One entry a pair."""

    beta: float
    chosen_log_ratio: Floats
    """Nats."""
    rejected_log_ratio: Floats
    length_difference: Floats
    """Tokens of the chosen minus tokens of the rejected."""
    held_out: Mask
    strength: Ints
    """How much better the verdict called the chosen: 1 to 3, 0 where that is not known."""
    before: Floats | None = None
    """Chosen minus rejected log-ratio at the checkpoint to compare with, not a number for a pair without one;
    None stands for the untrained model, where it is 0 for every pair."""

    picked_by_case: bool = False
    """The pairs of some cases were left out before."""

    def __len__(self) -> int:
        return len(self.held_out)

    @property
    def gap(self) -> Floats:
        """Chosen minus rejected log-ratio: the margin is β times this."""
        return self.chosen_log_ratio - self.rejected_log_ratio

    @property
    def margin(self) -> Floats:
        return self.beta * self.gap

    def only(self, which: Mask | Rows) -> "Columns":
        """These pairs alone."""
        cut: dict[str, Any] = {
            field.name: column[which]
            for field in fields(self)
            if isinstance(column := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **cut)


def no_pairs() -> Columns:
    nothing = np.empty(0)
    return Columns(
        beta=0.1,
        chosen_log_ratio=nothing,
        rejected_log_ratio=nothing,
        length_difference=nothing,
        held_out=nothing > 0,
        strength=nothing.astype(np.int64),
    )


def aligned(values: Floats, rows: Ints, wanted: Ints) -> Floats:
    """The values of the pairs with these row numbers, which rise, in the order of `wanted`; not a number
    where a pair is not among them."""
    if np.array_equal(rows, wanted):
        return values
    if not rows.size:
        return np.full(len(wanted), np.nan)
    nearest = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return np.where(rows[nearest] == wanted, values[nearest], np.nan)
