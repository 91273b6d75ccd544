"""Work over pairs in batches that fit into memory: what does not fit together is tried again in halves.

How much fits is learned once and kept for the rest of the run. A pair that does not fit even alone is left
out from then on, or ends the run, as configured.
"""

import gc
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch

from dpo_engine.compute.device import free_cached_memory
from dpo_engine.errors import OutOfMemory
from dpo_engine.pairs.batches import PairBatch, packed_length

Members = tuple[int, ...]
Collate = Callable[[Members], PairBatch]

_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""What the libraries under PyTorch say in a plain RuntimeError."""


class MicroBatches:
    """The pairs of a run, handed to some work in batches that are made smaller when memory runs out."""

    def __init__(
        self,
        *,
        collate: Collate,
        name_of: Callable[[int], str],
        device: torch.device,
        too_large: Literal["stop", "skip"],
        token_budget: int | None = None,
    ) -> None:
        """`token_budget`: what an earlier part of the run found to fit, None when nothing failed yet."""
        self.collate = collate
        self.token_budget = token_budget
        self._name_of = name_of
        self._device = device
        self._too_large = too_large
        self._left_out: set[int] = set()
        self._left_out_notes: list[str] = []
        self._budget_note = ""

    @property
    def left_out(self) -> frozenset[int]:
        """Pairs that do not fit into memory alone."""
        return frozenset(self._left_out)

    def take_notes(self) -> tuple[str, ...]:
        """Sentences about what was made smaller or left out since the last call."""
        notes = (self._budget_note, *self._left_out_notes)
        self._budget_note, self._left_out_notes = "", []
        return tuple(note for note in notes if note)

    def usable(self, batches: Sequence[Members]) -> list[Members]:
        """`batches` without the pairs that are left out."""
        kept = (tuple(one for one in members if one not in self._left_out) for members in batches)
        return [members for members in kept if members]

    def each(self, batches: Sequence[Members], work: Callable[[PairBatch], None]) -> None:
        """Do `work` on every pair of `batches`; it must leave nothing behind where it runs out of memory.

        Raises `OutOfMemory` where one pair alone does not fit and the run is to stop then.
        """
        waiting = deque(self.usable(batches))
        while waiting:
            members = waiting.popleft()
            batch = self.fitting(members)
            if batch is None:
                waiting.extendleft(reversed(halves(members)))
            elif not fits(partial(work, batch)):
                waiting.extendleft(reversed(self.smaller(batch)))

    def fitting(self, members: Members) -> PairBatch | None:
        """The batch of `members`; None where it is larger than what has been found to fit."""
        batch = self.collate(members)
        within = self.token_budget is None or _tokens(batch) <= self.token_budget or len(members) == 1
        return batch if within else None

    def smaller(self, batch: PairBatch) -> list[Members]:
        """What to try instead of `batch`, which did not fit; empty where it is one pair.

        Raises `OutOfMemory` for one pair when the run is to stop then.
        """
        gc.collect()  # a failed pass may have left its tensors in a cycle with the error's traceback
        free_cached_memory(self._device)
        members, tokens = batch.members, _tokens(batch)
        if len(members) == 1:
            self._leave_out(members[0], tokens)
            return []
        self.token_budget = max(1, min(tokens, self.token_budget or tokens) // 2)
        self._budget_note = (
            f"{len(members)} pairs with {tokens} tokens did not fit into memory together, so from now on at "
            f"most {self.token_budget} tokens are computed at once. The curve stays the same."
        )
        return halves(members)

    def _leave_out(self, member: int, tokens: int) -> None:
        name = self._name_of(member)
        if self._too_large == "stop":
            raise OutOfMemory(
                f"Pair {name} with its {tokens} tokens does not fit into memory even alone. The checkpoints "
                "are intact. Try a smaller max_length, gradient_checkpointing on, LoRA instead of full, or "
                "on_out_of_memory skip, which leaves such pairs out."
            )
        self._left_out.add(member)
        self._left_out_notes.append(
            f"Pair {name} with its {tokens} tokens does not fit into memory even alone and is left out; "
            "the figures are means over the other pairs."
        )


def _tokens(batch: PairBatch) -> int:
    return sum(map(packed_length, batch.tokenized))


def fits(work: Callable[[], None]) -> bool:
    """Do `work`; False where memory ran out in it. Everything it held is free again on return."""
    try:
        work()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def is_out_of_memory(error: BaseException) -> bool:
    """On a GPU or the CPU, however PyTorch and the libraries under it say so."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def halves(members: Members) -> list[Members]:
    """Two parts in order, the first not the smaller one."""
    middle = (len(members) + 1) // 2
    return [members[:middle], members[middle:]]
