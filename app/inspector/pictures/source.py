"""From a table of pairs to the columns of the pictures. Qt-free.

A β slider asks for them many times a second: what does not depend on β is kept.
"""

import numpy as np

from app.inspector.figures import Floats, Ints, LogProbs
from app.inspector.pair_table import PairTable
from app.inspector.pictures.material import Columns, aligned


class ColumnSource:
    """Keeps the last comparison with another checkpoint."""

    def __init__(self) -> None:
        self._compared: tuple[Ints, LogProbs, Floats] | None = None

    def columns(self, table: PairTable, before: PairTable | None) -> Columns:
        """Of all pairs of the table. `before`: another checkpoint of them; None: the untrained model."""
        return Columns(
            beta=table.figures.beta,
            chosen_log_ratio=table.figures.chosen_log_ratio,
            rejected_log_ratio=table.figures.rejected_log_ratio,
            length_difference=(table.chosen_tokens - table.rejected_tokens).astype(np.float64),
            held_out=table.held_out,
            strength=table.strength,
            before=None if before is None else self._before(table, before),
        )

    def _before(self, table: PairTable, before: PairTable) -> Floats | None:
        wanted = table.rows
        known = self._compared
        if known is None or known[0] is not wanted or known[1] is not before.log_probs:
            gap = before.figures.chosen_log_ratio - before.figures.rejected_log_ratio
            known = self._compared = (wanted, before.log_probs, aligned(gap, before.rows, wanted))
        # A checkpoint that has not moved is the untrained model.
        return known[2] if np.any(known[2] != 0) else None
