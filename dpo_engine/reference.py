"""Reference log-probs of a run's pairs: two numbers a pair, each computed once.

Where they come from depends on the method. With LoRA the reference is the policy with its adapter off, so a
pair's numbers can be computed when it is first met, from the very batch the policy sees. In a full fine-tune
the reference is what the weights were before the first step: a frozen copy would double the memory, so all
pairs are computed up front instead, and then two float32 a pair are all that is left of the reference
(80 kB for 10,000 pairs). The table is saved with every checkpoint, so a resumed run compares with the same
numbers to the last bit.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from dpo_engine.batches import PairBatch
from dpo_engine.errors import EngineError
from dpo_engine.log_probs import LogProbs


class Reference:
    """The reference log-probs of `pairs` pairs; `log_probs(batch)` computes only what is not known yet."""

    def __init__(self, compute: Callable[[PairBatch], Tensor], pairs: int) -> None:
        """`compute` gives [2, pairs of the batch] under the reference model."""
        self._compute = compute
        self._known = torch.full((2, pairs), float("nan"))
        self._sealed = False

    def log_probs(self, batch: PairBatch) -> Tensor:
        """[2, pairs of the batch] float32 on the CPU: log π_ref(y_w|x), then log π_ref(y_l|x)."""
        members = torch.tensor(batch.members)
        if self._known[:, members].isnan().any():
            self._fill(batch, members)
        return self._known[:, members]

    def fill(self, batches: Iterable[PairBatch]) -> Iterator[int]:
        """Compute every batch now; yields how many pairs are done. Nothing can be computed afterwards."""
        done = 0
        for batch in batches:
            self.log_probs(batch)
            done += batch.pairs
            yield done
        self._sealed = True

    def state(self) -> Tensor:
        """[2, pairs]; NaN where a pair was not met yet."""
        return self._known.clone()

    def load_state(self, known: Tensor) -> None:
        if known.shape != self._known.shape:
            raise EngineError("The checkpoint's reference log-probs are for another number of pairs.")
        self._known = known.clone()

    def seal(self) -> None:
        """From now on the reference model is gone: asking for an unknown pair is an error."""
        self._sealed = True

    def _fill(self, batch: PairBatch, members: Tensor) -> None:
        if self._sealed:
            raise EngineError("A pair's reference log-probs were not computed before training began.")
        computed = self._compute(batch).float().cpu()
        unknown = self._known[:, members].isnan()
        self._known[:, members] = torch.where(unknown, computed, self._known[:, members])


def policy_itself(scorer: LogProbs) -> Callable[[PairBatch], Tensor]:
    """[2, pairs] under the model as it is now: for a full fine-tune, before its first step."""

    def compute(batch: PairBatch) -> Tensor:
        with torch.no_grad():
            return scorer.sums(batch)

    return compute


def policy_without_adapter(scorer: LogProbs) -> Callable[[PairBatch], Tensor]:
    """[2, pairs] under the model that the policy's adapter was put on."""

    def compute(batch: PairBatch) -> Tensor:
        with torch.no_grad(), adapter_off(scorer):
            return scorer.sums(batch)

    return compute


def adapter_off(scorer: LogProbs) -> AbstractContextManager[None]:
    """Inside the block, `scorer` scores with the policy's adapter switched off."""
    model: Any = scorer.model
    off: AbstractContextManager[None] = model.disable_adapter()
    return off
