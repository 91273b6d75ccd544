"""What a run will do, known before it starts: which pairs each optimizer step takes, and its learning rate.

Everything follows from the number of pairs and the config, so a resumed run needs nothing but its step.
Steps count from 1.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dpo_engine.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`pairs` training pairs, numbered from 0, in steps of at most `pairs_per_step`.

    Each epoch takes every pair once in an order of its own; its last step may be smaller.
    """

    pairs: int
    pairs_per_step: int
    epochs: float
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.pairs / self.pairs_per_step)

    @property
    def total_steps(self) -> int:
        return max(1, math.ceil(self.steps_per_epoch * self.epochs))

    def step(self, number: int) -> tuple[int, ...]:
        """All pairs of a step."""
        epoch, place = divmod(number - 1, self.steps_per_epoch)
        start = place * self.pairs_per_step
        return tuple(self._order(epoch)[start : start + self.pairs_per_step].tolist())

    def epoch_after(self, number: int) -> float:
        """How many epochs have passed once `number` steps are done."""
        epochs, place = divmod(number, self.steps_per_epoch)
        return epochs + min(place * self.pairs_per_step / self.pairs, 1.0)

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(self.pairs, generator=generator)


def plan_of(config: TrainConfig, pairs: int, processes: int = 1) -> Plan:
    """`processes` train together, each on a batch of its own in every step."""
    own = config.per_device_train_batch_size * config.gradient_accumulation_steps
    return Plan(
        pairs=pairs,
        pairs_per_step=own * processes,
        epochs=config.num_train_epochs,
        seed=config.seed,
    )


def rate_factor(config: TrainConfig, step: int, total_steps: int) -> float:
    """What the learning rate is multiplied by in `step`: a linear rise to 1, then the schedule's fall.

    Unlike in transformers' schedulers no step has the rate 0, of which a run of ten steps would waste one.
    """
    warmup = warmup_of(config, total_steps)
    if step <= warmup:
        return step / (warmup + 1)
    progress = (step - warmup - 1) / (total_steps - warmup)
    match config.lr_scheduler_type:
        case "linear":
            return 1.0 - progress
        case "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * progress))
        case "constant":
            return 1.0


def warmup_of(config: TrainConfig, total_steps: int) -> int:
    """Steps in which the learning rate rises: `warmup_steps`, or where that is 0 the share of all steps."""
    return config.warmup_steps or math.ceil(total_steps * config.warmup_ratio)
