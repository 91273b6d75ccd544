"""What is checked: model, settings and pairs, with a snapshot of the pairs for the engine. Qt-free."""

import shutil
import tempfile
import weakref
from dataclasses import dataclass, fields
from pathlib import Path

from app.store.collecting import verdicts
from app.store.handle import Project
from app.store.records import PairSelection
from app.train.state import TrainState
from dpo_engine.config import TrainConfig
from dpo_engine.conversations import Pair
from dpo_engine.pairs.bare_snapshots import write_bare_snapshot
from dpo_engine.pairs.snapshots import open_snapshot

_NO_MATTER = frozenset(
    {
        *("beta", "learning_rate", "lr_scheduler_type", "warmup_ratio", "warmup_steps", "weight_decay"),
        *("max_grad_norm", "label_smoothing", "discopop_tau", "simpo_gamma", "lora_alpha", "use_rslora"),
        *("save_steps", "save_total_limit", "metric_for_best_model", "seed", "on_out_of_memory"),
    }
)
"""Settings of which nothing that a check says depends."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A run as it would be started now."""

    policy: str
    config: TrainConfig
    selection: PairSelection

    def means_the_same(self, other: "Asked") -> bool:
        """Would a check say the same of both, over the same pairs?"""
        return (self.policy, self.selection) == (other.policy, other.selection) and all(
            getattr(self.config, field.name) == getattr(other.config, field.name)
            for field in fields(TrainConfig)
            if field.name not in _NO_MATTER
        )


def asked_by(state: TrainState) -> Asked | None:
    """None while nothing can be asked: the project is being read, or there is nothing to train on."""
    if state.loading or not state.ingredients.preferences:
        return None
    return Asked(policy=state.start_from, config=state.config, selection=state.ingredients.selection)


@dataclass(frozen=True, kw_only=True)
class Material:
    pairs: list[Pair]
    version: str


def read_material(project: Project, selection: PairSelection) -> Material:
    return Material(
        version=verdicts.pairs_version(project, selection), pairs=verdicts.training_pairs(project, selection)
    )


class Scratch:
    """A folder of its own with a snapshot of the pairs, gone with the object or when `close` is called.

    Made and read on a background thread.
    """

    def __init__(self, pairs: list[Pair]) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="dpo-studio-check-"))
        """What the engine is to read."""
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        self._places = {
            name: place for place, name in enumerate(write_bare_snapshot(self.path / "pairs", pairs))
        }

    def __len__(self) -> int:
        return len(self._places)

    def pair(self, name: str) -> Pair:
        """Raises `KeyError` for one that is not in it, and `BadInput` where the folder was damaged."""
        return open_snapshot(self.path / "pairs")[self._places[name]]

    def close(self) -> None:
        self._end()
