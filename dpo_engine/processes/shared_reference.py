"""The reference of a policy whose weights lie on several devices: a table that all processes fill together.

Before the first step each process computes its share of every step's pairs, in the very batches in which the
policy will see them, and then all know all. A frozen copy, or computing a pair when it is first met, would
have the processes do different things at the same time.
"""

import torch
from torch import Tensor

from dpo_engine.pairs.batches import PairBatch
from dpo_engine.processes.distributed import Ranks
from dpo_engine.reference.kinds import Reference, Source
from dpo_engine.reference.table import saved_table


class SharedTable(Reference):
    """The log-probs of pairs that are numbered from 0; `source` is right while the weights are as loaded."""

    def __init__(self, source: Source, pairs: int, ranks: Ranks) -> None:
        self._source: Source | None = source
        self._known = torch.full((2, pairs), float("nan"))
        self._ranks = ranks

    def prepare(self) -> bool:
        if self._known.isnan().any():
            return True
        self._source = None
        return False

    def log_probs(self, batch: PairBatch) -> Tensor:
        members = torch.tensor(batch.members)
        if self._source is not None:  # also for what is known: the other processes compute at the same time
            computed = self._source(batch).float().cpu()
            unknown = self._known[:, members].isnan()
            self._known[:, members] = torch.where(unknown, computed, self._known[:, members])
        return self._known[:, members]

    def seal(self) -> None:
        nothing = float("-inf")
        everyones = self._ranks.largest(self._known.nan_to_num(nan=nothing, neginf=nothing))
        self._known = everyones.masked_fill(everyones == nothing, float("nan"))
        self._source = None

    def state(self) -> dict[str, Tensor]:
        """`reference`: [2, pairs], as a table of one process is kept."""
        return {"reference": self._known.clone()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        self._known = saved_table(tensors, self._known.shape)
