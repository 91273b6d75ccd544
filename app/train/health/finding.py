"""What a look at a run's curves can find: a sentence, its cause, numbers and a way out. Qt-free."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.train.wording import rate
from dpo_engine.config import TrainConfig, options_of

Kind = Literal[
    "skipped",
    "stuck",
    "repetition",
    "distance",
    "both_fall",
    "memorised",
    "spikes",
    "length",
    "saturated",
]
Level = Literal["warning", "notice", "quiet"]
"""`warning`: the run does something else than it should. `notice`: worth knowing. `quiet`: normal so far."""


@dataclass(frozen=True, kw_only=True)
class StopAndKeep:
    """End the run that trains after its present step; the policy as it is then is its result."""

    @property
    def words(self) -> str:
        return "Stop and keep the policy"

    @property
    def help(self) -> str:
        return "The run ends after this step; what the policy has become is its result."


@dataclass(frozen=True, kw_only=True)
class KeepStep:
    """Make the policy of a checkpoint the run's result; a run that trains is stopped first."""

    step: int
    stops: bool

    @property
    def words(self) -> str:
        return f"Stop and keep step {self.step:,}" if self.stops else f"Keep step {self.step:,} instead"

    @property
    def help(self) -> str:
        return "The policy of that checkpoint becomes the run's result. Nothing is deleted."


@dataclass(frozen=True, kw_only=True)
class StartAgain:
    """A new run on the same pairs with a few settings changed."""

    changes: Mapping[str, object]

    @property
    def words(self) -> str:
        return f"Start again with {', '.join(_said(*change) for change in self.changes.items())}"

    @property
    def help(self) -> str:
        return "A new run on the same pairs and the same model. This one stays as it is."


@dataclass(frozen=True, kw_only=True)
class ShowCheck:
    """Look through the pairs before the next run."""

    @property
    def words(self) -> str:
        return "Check the pairs"

    @property
    def help(self) -> str:
        return "Look through the pairs before the next run."


Action: TypeAlias = StopAndKeep | KeepStep | StartAgain | ShowCheck


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number behind a finding, as it is shown."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    kind: Kind
    level: Level
    sentence: str
    cause: str
    figures: tuple[Figure, ...]
    action: Action | None = None


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What is known of a run beside its curves."""

    config: TrainConfig
    total_steps: int
    train_pairs: int
    held_out_pairs: int
    trains: bool = False
    """It is under way now."""
    checkpoints: tuple[int, ...] = ()
    """The steps that can be gone back to, ascending."""
    policy_step: int | None = None
    """The step whose policy is the run's result; None while there is none, or where that is not known."""
    dtype: str = ""
    """Of the forward pass; empty where that is not known."""


def _said(name: str, value: object) -> str:
    """A setting as a person says it: "learning rate 2e-4", "2.3 epochs"."""
    told = rate(value) if isinstance(value, float) else str(value)
    if name == "num_train_epochs":
        return f"{told} epochs"
    if name == "loss_mix":
        return f"{told} in the loss"
    label = options_of(TrainConfig)[name].label
    begins = label if label[1:2].isupper() else f"{label[:1].lower()}{label[1:]}"
    return f"{begins} {told}"
