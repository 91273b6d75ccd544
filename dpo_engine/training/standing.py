"""How a training stands, beside its tensors: what it has counted and which checks are behind it."""

import dataclasses
from dataclasses import dataclass, field

from dpo_engine.config import TrainConfig
from dpo_engine.training.best import Best


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Part of every checkpoint, so that a resumed run counts on where it stopped."""

    num_tokens: int = 0
    skipped_steps: int = 0
    best: Best = field(default_factory=Best)
    measured_step: int | None = -1
    """The last step after which the held-out pairs were measured; None (an older version did not say): the
    checkpoint's own."""
    sampled_step: int | None = -1
    """The same for the sampled prompts."""
    first_distinct: float | None = None
    """Share of different 3-grams in the answers to the sampled prompts before the first step; None: no
    answer was long enough."""
    distinct: float | None = None
    """The same at the last check."""
    kl: float | None = None
    """KL(π‖π_ref) a token in nats in the answers of the last check; None: there was no reference at hand."""
    sample_tokens: float | None = None
    """Mean length of the answers of the last check, in tokens."""
    sound_step: int = 0
    """The last check within the config's bounds for both; 0: none was, or there are no bounds."""

    def sampled(
        self,
        step: int,
        *,
        distinct: float | None,
        kl: float | None,
        tokens: float | None = None,
        config: TrainConfig,
    ) -> "Standing":
        """With what the answers after `step` show."""
        told = dataclasses.replace(self, sampled_step=step, distinct=distinct, kl=kl, sample_tokens=tokens)
        if step == 0:
            return dataclasses.replace(told, first_distinct=distinct)
        bounded = config.stop_at_repetition or config.stop_at_kl
        return dataclasses.replace(told, sound_step=step) if bounded and not told.beyond(config) else told

    def sample_figures(self, step: int) -> dict[str, float]:
        """What the answers after `step` show, as metrics; empty where none were written then.

        `samples/distinct`, `samples/kl` and `samples/tokens` are the fields above. An answer that reached the
        longest length counts as that long.
        """
        if self.sampled_step != step:
            return {}
        figures = {
            "samples/distinct": self.distinct,
            "samples/kl": self.kl,
            "samples/tokens": self.sample_tokens,
        }
        return {name: value for name, value in figures.items() if value is not None}

    def beyond(self, config: TrainConfig) -> str:
        """A clause that says which bound the last answers went beyond; empty: none."""
        lowest = (1 - config.stop_at_repetition) * (self.first_distinct or 0.0)
        if config.stop_at_repetition and self.distinct is not None and self.distinct < lowest:
            return (
                "the policy begins to repeat itself (of its sampled answers' three-word sequences "
                f"{self.distinct:.0%} are different, at the start {self.first_distinct:.0%})"
            )
        if config.stop_at_kl and self.kl is not None and self.kl > config.stop_at_kl:
            return (
                f"the policy is {self.kl:.3f} nats a token away from its reference in its sampled answers, "
                f"more than the {config.stop_at_kl:g} it may go"
            )
        return ""
