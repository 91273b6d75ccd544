"""The reference's log-probs of earlier scorings, so that a run's checkpoints ask the reference only once.

A scoring gives its numbers to the last digit, and in its last digits a pair's log-prob depends on the batch
that it is computed in, on the processor and on the number of threads. So numbers are kept in double precision
under the name of the whole batch, and under a key that says what computed them: what is recalled is what
would be computed. The first recalled batch of every scoring is computed all the same; if it differs in one
bit (a project on another computer), everything recalled is dropped.
"""

import hashlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from dpo_engine.compute.device import device_name
from dpo_engine.models.fingerprints import fingerprint
from dpo_engine.models.loading import LoadedModel
from dpo_engine.models.model_files import resolve
from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.reference.cache import FOLDER, Key, ReferenceCache
from dpo_engine.requests import Score
from dpo_engine.training.setup import versions


@dataclass(frozen=True, kw_only=True)
class ScoringKey(Key):
    """A pair is named by the token ids of its batch, and its place in it."""

    numbers: ClassVar[str] = "<f8"

    model: str
    """Fingerprint of the reference."""
    adapter_off: bool
    """It is computed as the policy without its adapter."""
    dtype: str
    device: str
    computer: str
    """What the processor can do, and with how many threads."""
    libraries: tuple[str, ...]
    """Name and version of what computes."""


class ScoredReference:
    """Of the batches of one scoring, by their number: `sums` computes only what is not known."""

    def __init__(self, cache: ReferenceCache, batches: Sequence[Sequence[TokenizedPair]]) -> None:
        self._cache = cache
        self._names = [_names(batch) for batch in batches]
        known = cache.known([name for names in self._names for name in names])
        self._known = torch.split(known, [len(names) for names in self._names], dim=1)
        self._proven = False

    def sums(self, batch: int, compute: Callable[[], Tensor]) -> Tensor:
        """[2, pairs of the batch] float64; `compute` gives them afresh."""
        known = self._known[batch]
        missing = bool(known.isnan().any())
        if self._proven and not missing:
            return known
        computed = compute()
        if not missing:
            self._proven = torch.equal(known, computed)
            if not self._proven:
                self._forget()
        if missing or not self._proven:
            self._cache.append(self._names[batch], computed)
        return computed

    def _forget(self) -> None:
        self._cache.forget()
        for known in self._known:
            known.fill_(float("nan"))


def scored_reference(
    request: Score,
    policy: LoadedModel,
    reference: LoadedModel | None,
    batches: Sequence[Sequence[TokenizedPair]],
) -> ScoredReference | None:
    """None where nothing can be recalled: for pairs that are no run's, for figures of each token, and for a
    model that is compared with itself. Arguments as for `scoring.score`."""
    run = Path(request.pairs)
    if not request.reference_cache or request.tokens or reference is policy or not run.is_dir():
        return None
    cache = ReferenceCache(run.parent / FOLDER, _key(request, policy, adapter_off=reference is None))
    cache.thin()
    return ScoredReference(cache, batches)


def _key(request: Score, policy: LoadedModel, *, adapter_off: bool) -> ScoringKey:
    processor = f"{device_name(policy.device)} {torch.backends.cpu.get_cpu_capability()}"
    return ScoringKey(
        model=fingerprint(resolve(request.reference)),
        adapter_off=adapter_off,
        dtype=str(policy.dtype),
        device=policy.device.type,
        computer=f"{processor} {torch.get_num_threads()}",
        libraries=tuple(f"{name} {version}" for name, version in versions().items()),
    )


def _names(batch: Sequence[TokenizedPair]) -> list[bytes]:
    """16 bytes for each pair."""
    whole = hashlib.sha256()
    for pair in batch:
        for ids in (pair.prompt, pair.chosen, pair.rejected):
            whole.update(array("q", (len(ids), *ids)).tobytes())
    digest = whole.digest()
    return [hashlib.sha256(digest + place.to_bytes(8)).digest()[:16] for place in range(len(batch))]
