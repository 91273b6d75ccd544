"""An optimizer step whose pairs are shared out to several processes.

Each computes its own pairs; what came of all of them is put together before anything is decided or told, so
every process sees the same metrics, the same gradient norm, and does the same. The gradient is that of the
mean loss over the pairs of all processes.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from dpo_engine.losses import PairLogProbs
from dpo_engine.memory.micro_batches import Members
from dpo_engine.pairs.batches import PairBatch
from dpo_engine.processes.distributed import Ranks
from dpo_engine.processes.sharded_policy import parts_here
from dpo_engine.training.metrics import PairMeans
from dpo_engine.training.optimizer_step import OptimizerStep, StepSums
from dpo_engine.training.state import trained_parameters

_NAMES = tuple(entry.name for entry in dataclasses.fields(PairLogProbs))


class SharedStep(OptimizerStep):
    """Takes this process's micro-batches, as many as every other takes; see `sharing_out`.

    A batch without pairs takes part in the others' pass with the pair `idle`, whose gradient counts nothing.
    Running out of memory ends the run: a pass that one process does twice, the others would have to repeat.
    """

    def __init__(self, *, ranks: Ranks, idle: int, **others: Any) -> None:
        super().__init__(**others)
        self._ranks = ranks
        self._idle = idle

    def each(self, micro_batches: Sequence[Members], work: Callable[[PairBatch], None]) -> None:
        for members in micro_batches:
            if members:
                work(self._micro_batches.collate(members))
            else:
                self._take_part()

    @torch.no_grad()
    def measure(self, members: Members, means: PairMeans) -> None:
        own = PairMeans()
        self.each([members], lambda batch: own.add(self._forward(batch), self.loss))
        self._put_together(own, means)

    def _gradient(self, micro_batches: Sequence[Members]) -> StepSums:
        self.optimizer.zero_grad(set_to_none=True)
        own = StepSums(pairs=self._ranks.total(sum(map(len, micro_batches))))
        with self._random.active(), self._dropout_on():
            for members in micro_batches:
                if members:
                    self._add(self._micro_batches.collate(members), own)
                else:
                    (self._take_part().sum() * 0.0).backward()  # type: ignore[no-untyped-call]
        everyones = StepSums(pairs=own.pairs, tokens=self._ranks.total(own.tokens))
        self._put_together(own.means, everyones.means)
        return everyones

    def _take_part(self) -> Tensor:
        return self.scorer.sums(self._micro_batches.collate((self._idle,)))

    def _put_together(self, own: PairMeans, everyones: PairMeans) -> None:
        """Add what each process has to `everyones`, in the same order everywhere."""
        if own.pairs:
            log_probs = own.log_probs()
            columns = torch.stack([getattr(log_probs, name) for name in _NAMES])
        else:
            columns = torch.empty(len(_NAMES), 0, dtype=torch.float64)
        together = self._ranks.beside_each_other(columns)
        everyones.add(PairLogProbs(**dict(zip(_NAMES, together, strict=True))), self.loss)

    def _clipped_norm(self) -> Tensor:
        gradients = parts_here(
            [one.grad for _, one in trained_parameters(self.scorer.model) if one.grad is not None]
        )
        square = nn.utils.get_total_norm(gradients).square()
        dist.all_reduce(square)
        norm = square.sqrt()
        self._clip(gradients, norm)
        return norm
