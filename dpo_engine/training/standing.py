"""How a training stands, beside its tensors: what it has counted and which checks are behind it."""

from dataclasses import dataclass, field

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
