"""Reference log-probs as a table: two float32 a pair, each computed once (80 kB for 10,000 pairs).

With LoRA the reference is the policy with its adapter off, so a pair is computed when it is first met, from
the very batch the policy sees. In a full fine-tune the reference is what the weights were before the first
step. A few pairs are all computed by the policy itself before it moves. Of many, which nobody should have to
wait for, a frozen copy computes each as it is met, and is dropped as soon as every pair is known; where there
is no room for one, these too are computed before the first step. The table is saved with every checkpoint,
and what it lacks is completed from the loaded weights, so a resumed run compares with the same numbers to the
last bit.

Pairs that an earlier run computed come from the cache. At low precision a pair's log-prob depends a little
on what it was computed with. Measured with a 135M model and real pairs: a response's log-prob alone and in a
batch of 4 differs by 0.06 on average and by 0.7 at most in bfloat16 (in float32 not at all), and that in
bfloat16 and in float32 by 0.19 and 1.05. So a number from the cache is right up to the rounding of the
precision, the same rounding that the policy's own numbers show from one epoch to the next.

While the policy still is its reference, its fresh numbers are held against the recalled ones. Those that
agree are replaced, so that a run starts with every margin at 0; otherwise the file is wrong and is dropped. A
run that has to be repeated to the last bit whatever ran in between is made with the cache off.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from dpo_engine.errors import BadInput, EngineError
from dpo_engine.pairs.batches import PairBatch
from dpo_engine.reference.cache import ReferenceCache
from dpo_engine.reference.kinds import Reference, Remark, Source

ROUNDING = {torch.float32: 1e-3, torch.bfloat16: 0.2}
"""How far two computations of the same pairs may differ: root mean square over the responses of a batch, each
difference divided by √tokens. Measured as above: 0.02 in bfloat16, for the worst single response 0.11; in
float32 0.000002. Another model differs by 1 and more."""


class TableReference(Reference):
    """The log-probs of pairs that are numbered from 0."""

    def __init__(
        self,
        source: Source,
        pairs: int,
        *,
        lasting: Callable[[bool], Source | None],
        forward_dtype: torch.dtype = torch.float32,
        cache: ReferenceCache | None = None,
        hashes: Sequence[bytes] = (),
    ) -> None:
        """`source` need be right only while the weights are as loaded. `lasting` gives, at such a time, one
        that stays right while they change, or None where there is no room; told True, it tries all the same.

        `hashes`: the cache's name of each pair.
        """
        self._source: Source | None = source
        self._lasting = lasting
        self._source_lasts = False
        self._tolerance = ROUNDING[forward_dtype]
        self._cache = cache
        self._hashes = hashes
        self._known = torch.full((2, pairs), float("nan"))
        self._recalled = torch.zeros(pairs, dtype=torch.bool)
        """Numbers of an earlier run that nothing of this run has replaced."""
        self._proven = False
        """Recalled numbers were compared with computed ones, and agreed."""
        self._as_loaded = True
        self._resumed = False
        self._notes: list[Remark] = []

    def log_probs(self, batch: PairBatch) -> Tensor:
        members = torch.tensor(batch.members)
        if self._known[:, members].isnan().any() or self._is_doubtful(members):
            self._compute(batch, members)
        return self._known[:, members]

    def confirmed(self, batch: PairBatch, known: Tensor, policy: Tensor) -> Tensor:
        members = torch.tensor(batch.members)
        if not self._as_loaded or not self._recalled[members].any():
            return known
        self._hold_against(policy.detach().float().cpu(), batch, members)
        return self.log_probs(batch)

    def prepare(self) -> bool:
        if self._cache is not None and not self._resumed:
            self._recall(self._cache)
        if not self._known.isnan().any():
            self._drop_if_complete()
            return False
        return not self._make_lasting()

    def seal(self) -> None:
        if not self._source_lasts:
            self._source = None

    def stepped(self, step: int, *, moved: bool) -> None:
        del step
        if moved and self._as_loaded:
            self.seal()
            self._as_loaded = False
            self._drop_if_complete()

    def state(self) -> dict[str, Tensor]:
        """`reference`: [2, pairs]; NaN where a pair was not met yet."""
        return {"reference": self._known.clone()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """The cache is then not asked: it may know what the run did not know when it began."""
        self._known = saved_table(tensors, self._known.shape)
        self._resumed = True
        self._as_loaded = False

    def take_notes(self) -> list[Remark]:
        if self._cache is not None:
            self._notes += [("info", sentence) for sentence in self._cache.take_notes()]
        notes, self._notes = self._notes, []
        return notes

    def _recall(self, cache: ReferenceCache) -> None:
        cache.thin()
        self._known = cache.known(self._hashes)
        self._recalled = ~self._known.isnan().any(dim=0)
        pairs = int(self._recalled.sum())
        if pairs:
            what = "1 pair" if pairs == 1 else f"{pairs} pairs"
            self._notes.append(("info", f"The reference log-probs of {what} were known from an earlier run."))

    def _make_lasting(self, *, at_any_price: bool = False) -> bool:
        lasting = self._lasting(at_any_price)
        if lasting is None:
            return False
        self._source = lasting
        self._source_lasts = True
        return True

    def _is_doubtful(self, members: Tensor) -> bool:
        """Whether recalled numbers would be used although none of them was compared with anything yet."""
        can_tell = not self._as_loaded and self._source is not None
        return can_tell and not self._proven and bool(self._recalled[members].any())

    def _compute(self, batch: PairBatch, members: Tensor) -> None:
        if self._source is None:
            raise EngineError("A pair's reference log-probs were not computed before training began.")
        computed = self._source(batch).float().cpu()
        self._hold_against(computed, batch, members)
        unknown = self._known[:, members].isnan().any(dim=0)
        self._known[:, members] = torch.where(unknown, computed, self._known[:, members])
        if self._cache is not None:
            new = [self._hashes[member] for member in members[unknown].tolist()]
            self._cache.append(new, computed[:, unknown])
        self._drop_if_complete()

    def _hold_against(self, computed: Tensor, batch: PairBatch, members: Tensor) -> None:
        """Compare recalled numbers with those that this run has `computed`, [2, pairs], for their batch."""
        recalled = self._recalled[members]
        if not recalled.any() or not computed.isfinite().all():
            return
        tokens = torch.tensor(batch.lengths).view(2, batch.pairs)
        apart = ((computed - self._known[:, members]) / tokens.sqrt())[:, recalled]
        if float(apart.square().mean().sqrt()) > self._tolerance:
            self._distrust()
            return
        self._proven = True
        if self._as_loaded:
            agreeing = members[recalled]
            self._known[:, agreeing] = computed[:, recalled]
            self._recalled[agreeing] = False

    def _distrust(self) -> None:
        """Forget everything recalled, here and on the disk, and be able to compute it again."""
        self._notes.append(
            (
                "warning",
                "The reference log-probs kept from an earlier run are not those of this model; "
                "they were dropped and are computed again.",
            )
        )
        self._known[:, self._recalled] = float("nan")
        self._recalled[:] = False
        if self._cache is not None:
            self._cache.forget()
        if self._as_loaded:
            self._make_lasting(at_any_price=True)

    def _drop_if_complete(self) -> None:
        """Let go of the reference model, unless recalled numbers could still turn out to be wrong."""
        settled = self._proven or not self._recalled.any()
        if settled and not self._as_loaded and not self._known.isnan().any():
            self._source = None


def saved_table(tensors: Mapping[str, Tensor], shape: torch.Size) -> Tensor:
    """A checkpoint's reference log-probs. Raises `BadInput` where they are missing or of another shape."""
    known = tensors.get("reference")
    if known is None or known.shape != shape:
        raise BadInput(
            "The checkpoint does not fit the run: it has no reference log-probs, or for another number "
            "of pairs. Start a new run."
        )
    return known.clone()
