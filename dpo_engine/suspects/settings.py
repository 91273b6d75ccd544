"""The settings of a study's trainings. Torch-free."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.recommendations import recommended, resolved
from dpo_engine.suspects.folds import check_folds

FOLDS = 5
"""So many trainings, each on four fifths of the pairs."""

_QUIET: Mapping[str, Any] = {
    "eval_samples": 0,
    "stop_at_repetition": 0.0,
    "stop_at_kl": 0.0,
    "save_total_limit": 1,
    "report_to": "none",
}
"""Nobody reads what these policies say, and each is thrown away once it has scored its fold."""


def study_config(pairs: int, folds: int = FOLDS, changes: Mapping[str, Any] | None = None) -> TrainConfig:
    """What is recommended for as many pairs as each training has, without what only a reader needs.

    `changes` are settings of the caller's own. Raises `BadInput` for a wrong one.
    """
    check_folds(folds)
    wanted = dict(changes or {})
    trained_on = max(1, pairs - pairs // folds)
    usual = dataclasses.asdict(recommended(wanted.get("method", "lora"), trained_on))
    return resolved(fit_for_a_study(TrainConfig(**{**usual, **_QUIET, **wanted})), trained_on)


def fit_for_a_study(config: TrainConfig) -> TrainConfig:
    """The same. Raises `BadInput` for what a study cannot do."""
    if config.method == "full":
        raise BadInput(
            "Suspect verdicts are found with adapters: method is full, use lora (or qlora on CUDA). "
            "Nothing was changed."
        )
    for name in ("early_stopping_patience", "load_best_model_at_end"):
        if getattr(config, name):
            raise BadInput(
                f"{name} is {getattr(config, name)}, but a fold has no held-out check to judge by."
            )
    return config
