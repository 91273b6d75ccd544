"""Making the next batches on a thread while the device computes the present one."""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from dpo_engine.pairs.batches import PairBatch

Key = tuple[int, ...]
Made = TypeVar("Made")

_AT_MOST = 64
"""Batches kept ready: a bound for a plan that is never followed."""


class Prefetch(Generic[Made]):
    """`make`, ahead of time: what `expect` was told of is ready, or nearly, when it is asked for.

    `make` must depend on its argument alone. Anything else than was expected is made when it is asked for,
    so a plan that changes (a smaller budget after too little memory) costs time and is never wrong.
    """

    def __init__(self, make: Callable[[Key], Made]) -> None:
        self._make = make
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")
        self._ready: dict[Key, Future[Made]] = {}

    def __call__(self, members: Key) -> Made:
        """Raises what `make` raises."""
        ready = self._ready.pop(members, None)
        return self._make(members) if ready is None else ready.result()

    def expect(self, plan: Sequence[Key]) -> None:
        """These will be asked for next; what was expected before and is not among them is dropped."""
        wanted = plan[:_AT_MOST]
        self._ready = {key: made for key, made in self._ready.items() if key in wanted}
        for key in wanted:
            if key not in self._ready:
                self._ready[key] = self._thread.submit(self._make, key)

    def close(self) -> None:
        self._ready.clear()
        self._thread.shutdown(wait=True, cancel_futures=True)


def pinned(batch: PairBatch) -> PairBatch:
    """The same, laid out already, in memory that CUDA copies from without stopping the program."""
    ready = dataclasses.replace(batch, pinned=True)
    _ = ready.packed
    return ready
