"""The reference: what the policy's log-probs are compared with.

`Reference.log_probs(batch)` is the one door; behind it is a table that each pair enters once
(`reference_table`), a model that follows the policy (`reference_sync`), or nothing, for losses that look at
the policy alone. `reference_setup` chooses. The functions here give log-probs under the reference while it
can still be had from the policy's own model.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
from torch import Tensor

from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.pairs.batches import PairBatch

Source = Callable[[PairBatch], Tensor]
"""[2, pairs of the batch] float32 under the reference model: all chosen, then all rejected."""

Remark = tuple[Literal["info", "warning"], str]


class Reference(ABC):
    """The reference log-probs of a run's pairs.

    In this order: `load_state` when the run is resumed, `prepare` while the model's weights are still those
    that were loaded, then `log_probs` for any batch and `stepped` after every optimizer step.
    """

    @abstractmethod
    def log_probs(self, batch: PairBatch) -> Tensor:
        """[2, pairs of the batch] float32 on the CPU: log π_ref(y_w|x), then log π_ref(y_l|x)."""

    def confirmed(self, batch: PairBatch, known: Tensor, policy: Tensor) -> Tensor:
        """`known`, what `log_probs` gave for the batch, held against `policy`, what the policy gives.

        Both [2, pairs]. Until the policy has moved it is the reference, so this is the moment at which
        numbers of an earlier run can be checked at no cost. Later it changes nothing.
        """
        del batch, policy
        return known

    def prepare(self) -> bool:
        """Get ready while the model's weights are as loaded.

        True: every pair has to be asked for before they change, and then `seal` called, because the
        reference cannot be had later.
        """
        return False

    def seal(self) -> None:
        """Every pair was asked for, and the weights are about to change."""
        return

    def stepped(self, step: int, *, moved: bool) -> None:
        """Optimizer step `step` (from 1) is done; `moved`: it changed weights."""
        del step, moved

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint has to keep, by name."""
        return {}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Take up what `state` gave, from a checkpoint's tensors. Raises `BadInput` where they do not fit."""
        del tensors

    def take_notes(self) -> list[Remark]:
        """What is worth telling since the last call."""
        return []


class NoReference(Reference):
    """For losses that compare the policy with nothing."""

    def log_probs(self, batch: PairBatch) -> Tensor:
        return torch.zeros(2, batch.pairs)


def policy_itself(scorer: LogProbs) -> Source:
    """The model as it is now: for a full fine-tune, before its first step."""

    def compute(batch: PairBatch) -> Tensor:
        with torch.no_grad():
            return scorer.sums(batch)

    return compute


def policy_without_adapter(scorer: LogProbs) -> Source:
    """The model that the policy's adapter was put on."""

    def compute(batch: PairBatch) -> Tensor:
        with torch.no_grad(), adapter_off(scorer):
            return scorer.sums(batch)

    return compute


def adapter_off(scorer: LogProbs) -> AbstractContextManager[None]:
    """Inside the block, `scorer` scores with the policy's adapter switched off."""
    model: Any = scorer.model
    off: AbstractContextManager[None] = model.disable_adapter()
    return off
