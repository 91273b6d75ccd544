"""The record of a run that several processes train: the leader writes it, the others lend a hand in silence.

A checkpoint needs all of them: each writes its own parts of the tensors, and hands the leader its parts of
the weights for the policy. The leader says when, so that it alone decides what a run's folder holds.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from dpo_engine.events import CheckpointSaved, Event
from dpo_engine.processes import sharded_checkpoint
from dpo_engine.processes.distributed import Ranks
from dpo_engine.processes.sharded_policy import whole_state
from dpo_engine.training.checkpoint import SHARDS
from dpo_engine.training.run_record import RunRecord
from dpo_engine.training.run_status import RunProgress
from dpo_engine.training.setup import Setup
from dpo_engine.training.standing import Standing

_WRITE, _GATHER, _DONE = "write", "gather", "done"


class LeadingRecord(RunRecord):
    """Writes as a process alone does, with what the others hand it."""

    def __init__(self, request: str, setup: Setup, status: RunProgress, ranks: Ranks) -> None:
        super().__init__(request, setup, status)
        self._ranks = ranks

    def checkpoint(self, step: int, standing: Standing, tensors: dict[str, Tensor]) -> Event:
        saved = super().checkpoint(step, standing, tensors)
        self._ranks.tell([_DONE])
        return saved

    def finished(
        self, step: int, result: int, *, why: str = "", stopped: bool, reason: str
    ) -> Iterator[Event]:
        yield from super().finished(step, result, why=why, stopped=stopped, reason=reason)
        self._ranks.tell([_DONE])

    def _write_tensors(self, folder: Path, tensors: Mapping[str, Tensor]) -> None:
        self._ranks.tell([_WRITE, str(folder.absolute())])
        sharded_checkpoint.save(folder / SHARDS, tensors)

    def _policy_state(self) -> Mapping[str, Tensor]:
        self._ranks.tell([_GATHER])
        return whole_state(self._setup.loaded.model, self._ranks)


class FollowingRecord(RunRecord):
    """Writes nothing by itself, and what it tells nobody hears."""

    def __init__(self, request: str, setup: Setup, status: RunProgress, ranks: Ranks) -> None:
        super().__init__(request, setup, status)
        self._ranks = ranks

    def begin(self, first: int, *_: Any, **__: Any) -> Iterator[Event]:
        self.saved_step = first
        return iter(())

    def step(self, *_: Any, **__: Any) -> Iterator[Event]:
        return iter(())

    def held_out(self, *_: Any, **__: Any) -> Iterator[Event]:
        return iter(())

    def checkpoint(self, step: int, _standing: Standing, tensors: dict[str, Tensor]) -> Event:
        self._lend_a_hand(tensors)
        self.saved_step = step
        return CheckpointSaved(request=self._id, step=step, path="")

    def finished(self, *_: Any, **__: Any) -> Iterator[Event]:
        self._lend_a_hand({})
        return iter(())

    def _lend_a_hand(self, tensors: Mapping[str, Tensor]) -> None:
        while True:
            match self._ranks.hear():
                case [_, folder]:
                    sharded_checkpoint.save(Path(folder) / SHARDS, tensors)
                case ["gather"]:
                    whole_state(self._setup.loaded.model, self._ranks)
                case _:
                    return
