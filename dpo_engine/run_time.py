"""How much there is to compute in a run, and how long that takes at a given speed. Torch-free."""

from dataclasses import dataclass

from dpo_engine.config import TrainConfig
from dpo_engine.loss_mix import needs_reference
from dpo_engine.preflight import PairsSummary


@dataclass(frozen=True, kw_only=True)
class Work:
    """Tokens of packed rows that go through the model."""

    learned: float
    """Forward and backward."""
    looked_at: float
    """Forward only: the reference's log-probs, once, and the held-out checks."""


def work_of(summary: PairsSummary, config: TrainConfig, steps: int) -> Work:
    """Of a whole run of so many optimizer steps. Sampled answers and saving come on top."""
    checks = steps // config.eval_steps + 1 + (steps % config.eval_steps > 0)
    reference = summary.train_tokens + summary.held_out_tokens if needs_reference(config) else 0
    return Work(
        learned=summary.train_tokens * config.num_train_epochs,
        looked_at=reference + checks * summary.held_out_tokens,
    )


def forward_share(config: TrainConfig, *, checkpointed: bool) -> float:
    """Of a forward and backward pass, the forward one's part.

    Going back costs a forward pass for the activations' gradients, a second one for those of the weights
    where all of them learn, and a third where activations are computed again.
    """
    return 1 / (2 + (config.method == "full") + checkpointed)


def seconds_of(work: Work, seconds_a_token: float, config: TrainConfig, *, checkpointed: bool) -> float:
    """At so many seconds for a token's forward and backward pass."""
    share = forward_share(config, checkpointed=checkpointed)
    return seconds_a_token * (work.learned + share * work.looked_at)
