"""The settings of a training run and of sampling, each with what a form needs to show it.

Names are TRL's where TRL has the setting. Every field carries an `Option` (label, help, range, unit) in
its metadata, and every value is checked when the object is made, so that a wrong one is a `BadInput`
naming the field, long before a model is loaded.
"""

from dataclasses import dataclass

from dpo_engine.config.choices import (
    BestBy,
    Device,
    DType,
    Logger,
    LossType,
    Method,
    Optimizer,
    Schedule,
    Switch,
)
from dpo_engine.config.learning import AdapterSettings, LossSettings, MainSettings, OptimizerSettings
from dpo_engine.config.running import CheckSettings, MemorySettings, PlaceSettings
from dpo_engine.errors import BadInput
from dpo_engine.loss_mix import check_losses
from dpo_engine.options import Option, check, explain, options_of
from dpo_engine.sampling_config import SamplingConfig

__all__ = [
    "BestBy",
    "DType",
    "Device",
    "Logger",
    "LossType",
    "Method",
    "Optimizer",
    "Option",
    "SamplingConfig",
    "Schedule",
    "Switch",
    "TrainConfig",
    "explain",
    "options_of",
]


@dataclass(frozen=True, kw_only=True)
class TrainConfig(
    PlaceSettings,
    CheckSettings,
    MemorySettings,
    AdapterSettings,
    OptimizerSettings,
    LossSettings,
    MainSettings,
):
    """Everything that shapes a run besides the model and the pairs.

    A dataclass takes its fields from its last base on: in this order a form shows them, the main ones first.
    """

    def __post_init__(self) -> None:
        check(self)
        check_losses(self)
        for name in ("stop_at_repetition", "stop_at_kl"):
            if getattr(self, name) and not self.eval_samples:
                raise BadInput(f"{name} has no effect while eval_samples is 0. Sample some prompts.")
