"""A run that several processes train together: what of it is otherwise than with one alone."""

import dataclasses
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dpo_engine.compute.device import pick_device, pick_dtype
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, EngineError
from dpo_engine.models.loading import LoadedModel
from dpo_engine.processes.distributed import Ranks, lost
from dpo_engine.processes.shared_learner import SharedLearner
from dpo_engine.processes.shared_record import FollowingRecord, LeadingRecord
from dpo_engine.processes.team import Team
from dpo_engine.requests import Train
from dpo_engine.run_folder import RunSpec
from dpo_engine.training.checkpoint import Checkpoint
from dpo_engine.training.learner import Learner
from dpo_engine.training.loop import Directive
from dpo_engine.training.run_record import RunRecord
from dpo_engine.training.run_status import RunProgress
from dpo_engine.training.setup import Loader, Setup

_ONLY_ALONE = {
    "method": ("qlora", "4-bit weights are not cut into parts. Use lora or full"),
    "optim": ("adamw_8bit", "its 8-bit moments are not cut into parts. Use adamw, whose moments are"),
    "sync_ref_model": (True, "a reference that follows the policy is kept whole. Leave it off"),
    "torch_compile": ("on", "compiled layers do not gather their weights. Use auto or off"),
    "on_out_of_memory": ("skip", "a pair can only be left out by one process alone. Use stop"),
}
"""Setting -> the value that one process alone can have, and why."""


class Together(Team):
    """One of several processes that do everything in step; the one that leads speaks."""

    def __init__(self, request: Train, load: Loader, ranks: Ranks) -> None:
        super().__init__(request, load)
        self._ranks = ranks
        self.size = ranks.size
        self.leads = ranks.leads

    def agreed(self, own: Callable[[], Directive]) -> Callable[[], Directive]:
        return self._ranks.agreed(own)

    def starting_point(self, run: Path) -> tuple[Checkpoint | None, list[str]]:
        found, warnings = super().starting_point(run)
        self._ranks.check_same(found.info.step if found else 0, "checkpoints")
        return found, warnings if self.leads else []

    def load(self, spec: RunSpec) -> LoadedModel:
        """The model whole in this machine's memory, from where its parts are taken to the devices."""
        check_possible(spec.config)
        self._ranks.check_same(zlib.crc32(f"{spec.created_at} {spec.pairs_hash}".encode()), "run")
        device = pick_device(spec.config.device)
        if device.type not in ("cpu", "cuda"):
            raise BadInput(f"Several processes cannot train on {device.type}. Use one, or --device cpu.")
        dtype: Any = str(pick_dtype(spec.config.dtype, device, "training")).removeprefix("torch.")
        loaded = self._load(spec.policy, dataclasses.replace(spec.config, device="cpu", dtype=dtype))
        self._ranks.check_same(zlib.crc32(loaded.fingerprint.encode()), "model")
        return dataclasses.replace(loaded, device=device)

    def fitted(self, setup: Setup) -> Setup:
        """Text is written by a process that has the whole model, so no prompts are answered on the way."""
        if not setup.sample_prompts:
            return setup
        note = (
            "eval_samples has no effect with several processes: no prompts are answered while they train, so "
            "stop_at_kl and stop_at_repetition have none either."
        )
        return dataclasses.replace(setup, sample_prompts=(), notes=(*setup.notes, note))

    def learner(self, setup: Setup) -> Learner:
        return SharedLearner(setup, self._ranks)

    def record(self, setup: Setup, status: RunProgress) -> RunRecord:
        kind = LeadingRecord if self.leads else FollowingRecord
        return kind(self._request.id, setup, status, self._ranks)

    def failure(self, error: BaseException) -> EngineError | None:
        return lost(error)


def check_possible(config: TrainConfig) -> None:
    """Raise `BadInput` for what several processes cannot do."""
    for name, (value, why) in _ONLY_ALONE.items():
        if getattr(config, name) == value:
            said = "on" if value is True else value
            raise BadInput(
                f"{name} {said} cannot be had with several processes: {why}, or train with one process."
            )
