"""Ready-made settings for a training run, each with what it is for. Torch-free."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from dpo_engine.config import Method, TrainConfig
from dpo_engine.recommendations import FEW, recommended, recommended_learning_rate


@dataclass(frozen=True, kw_only=True)
class Preset:
    """`make` gives the settings for a method and so many training pairs."""

    key: str
    title: str
    help: str
    make: Callable[[Method, int], TrainConfig]


def careful(method: Method, pairs: int) -> TrainConfig:
    """Half the recommended step, twice its weight on the chosen text, and an end at half the divergence.

    Checked twice as often, and the policy is that of the best held-out check.
    """
    usual = recommended(method, pairs)
    return dataclasses.replace(
        usual,
        learning_rate=recommended_learning_rate(method, pairs) / 2,
        eval_steps=max(1, usual.eval_steps // 2),
        load_best_model_at_end=True,
        loss_mix="sft 0.8" if pairs < FEW else usual.loss_mix,
        stop_at_kl=usual.stop_at_kl / 2,
    )


def strong(method: Method, pairs: int) -> TrainConfig:
    """Half the recommended β and half the weight on the chosen text, and twice the divergence allowed.

    Of the settings measured (`recommendations`) those near these won most often by the rule that was taught,
    and wrote nonsense most often.
    """
    usual = recommended(method, pairs)
    return dataclasses.replace(
        usual,
        beta=usual.beta / 2,
        loss_mix="sft 0.2" if pairs < FEW else usual.loss_mix,
        stop_at_kl=2 * usual.stop_at_kl,
    )


def of_the_paper(_method: Method, _pairs: int) -> TrainConfig:
    """Rafailov et al., arXiv 2305.18290, appendix B: every weight, batches of 64, 1e-6 from step 150 on.

    They took RMSprop, and held the learning rate after the warm-up; AdamW is what this engine has. For tens
    of thousands of pairs: a few dozen move nothing at this rate.
    """
    return TrainConfig(
        method="full",
        learning_rate=1e-6,
        num_train_epochs=1.0,
        per_device_train_batch_size=64,
        lr_scheduler_type="constant",
        warmup_steps=150,
    )


PRESETS = (
    Preset(
        key="recommended",
        title="Recommended",
        help="For this method and so many pairs, by measurements.",
        make=recommended,
    ),
    Preset(
        key="careful",
        title="Careful",
        help="Smaller steps, closer to the reference, ends sooner and with its best check.",
        make=careful,
    ),
    Preset(
        key="strong",
        title="Strong",
        help="Further from the reference: follows the verdicts more, and the text may suffer.",
        make=strong,
    ),
    Preset(
        key="paper",
        title="The paper's",
        help="Full fine-tune, 1e-6, batches of 64: for tens of thousands of pairs.",
        make=of_the_paper,
    ),
)


@lru_cache(maxsize=64)
def matching(config: TrainConfig, pairs: int) -> Preset | None:
    """The preset that these settings are, its learning rate written out or not; None where they are none."""
    for preset in PRESETS:
        made = preset.make(config.method, pairs)
        rates = {made.learning_rate, made.learning_rate or recommended_learning_rate(made.method, pairs)}
        same = dataclasses.replace(config, learning_rate=None) == dataclasses.replace(
            made, learning_rate=None
        )
        if same and config.learning_rate in rates:
            return preset
    return None
