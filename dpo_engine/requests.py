"""What can be asked of the engine. Frozen, torch-free, and the same over a pipe or in a thread.

A *request* has an `id` chosen by the asker and is answered by events carrying that id, the last of which
is `RequestFinished` or `RequestFailed`. A *control* acts at once on a request under way.

Model references (`policy`, `reference`, `model`) are strings: a catalogue name (`starter`), a folder, a
hub id, or a run's folder or one of its checkpoints.
"""

from dataclasses import dataclass, field
from typing import Literal

from dpo_engine.config import Device, DType, SamplingConfig, TrainConfig
from dpo_engine.preferences import Message, Pair


@dataclass(frozen=True, kw_only=True)
class FetchModel:
    """Get a model onto this disk, with `Progress`; an interrupted fetch goes on where it stopped."""

    id: str
    model: str


@dataclass(frozen=True, kw_only=True)
class Generate:
    """Draw `n` candidates for one prompt: `TextDelta` while they are written, `CandidateDone` for each."""

    id: str
    policy: str
    prompt: tuple[Message, ...]
    n: int = 2
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    seed: int = 0
    """Candidate i is drawn with its own generator, seeded by `seed + i`."""
    device: Device = "auto"
    dtype: DType = "auto"


@dataclass(frozen=True, kw_only=True)
class PromptToAnswer:
    """One of several prompts, with the seed that `Generate` would take for it."""

    prompt: tuple[Message, ...]
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class GenerateMany:
    """Draw `n` candidates for each of several prompts in one batch, when nobody waits for one of them.

    Events as for `Generate`; candidate i of prompt p has the index p·n + i. A prompt that cannot be answered
    gets a `Note` and no candidate. A `Generate` that comes in meanwhile is answered first.
    """

    id: str
    policy: str
    prompts: tuple[PromptToAnswer, ...]
    n: int = 2
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    device: Device = "auto"
    dtype: DType = "auto"


@dataclass(frozen=True, kw_only=True)
class Score:
    """Log-probs of pairs under a policy and its reference; `PairsScored` as they come, in input order."""

    id: str
    policy: str
    reference: str
    pairs: str
    """A pairs file, or a run's folder for the pairs it was trained on."""
    beta: float = 0.1
    max_length: int = 1024
    tokens: bool = False
    """Also every response token with its log-prob under both models."""
    leave_out: tuple[str, ...] = ()
    """Ids of pairs that are scored already. A few of them may be scored again: those that share a batch
    with one that is not, so that every figure is the same as without leaving out."""
    background: bool = False
    """Nobody waits for it. It ends with the code `gave_way` as soon as something waits that could not be
    answered in between; ask again for what is left."""
    reference_cache: bool = False
    """Of a run's pairs: take the reference's log-probs from earlier scorings beside the run's folder, and
    keep them for later ones. The numbers are the same to the last digit."""
    device: Device = "auto"
    dtype: DType = "float32"


@dataclass(frozen=True, kw_only=True)
class ScoreTokens:
    """Each response token of one pair under a policy and its reference, told in `TokensScored`.

    The same template, truncation and arithmetic as `Score`. Answered while longer work goes on.
    """

    id: str
    policy: str
    reference: str
    pair: Pair
    max_length: int = 1024
    device: Device = "auto"
    dtype: DType = "float32"


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train the run in this folder (see `run_folder`), from the start or from its last checkpoint."""

    id: str
    run: str
    resume: bool = False
    reference_cache: bool = True
    """Take reference log-probs from earlier runs beside this one's folder, and keep them for later ones."""


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """Find verdicts that policies trained on the others disagree with: a study (`suspects.study_folder`).

    One LoRA training a fold, each followed by scoring its held-out pairs: `StudyAdvanced`, and `FoldScored`
    for each fold, those of an earlier part of the study first. What is done stays when it ends early; the
    same request goes on from there.
    """

    id: str
    study: str
    """The study's folder."""


@dataclass(frozen=True, kw_only=True)
class KeepStep:
    """Make the policy of a run's checkpoint the run's result. Refused while the run is being trained."""

    id: str
    run: str
    step: int


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """A look at a run before it begins, without beginning it. Nothing is changed and nothing written.

    With `facts` every pair is looked at (`PairsLookedAt`, a few at a time) and memory and time are estimated
    (`PreflightDone`); with `measure` the model is loaded and its longest pairs computed for real
    (`PreflightMeasured`).
    """

    id: str
    policy: str
    pairs: str
    """A pairs file, or a folder with a snapshot of pairs as a run's has it."""
    config: TrainConfig
    facts: bool = True
    measure: bool = False


@dataclass(frozen=True, kw_only=True)
class TokenizePair:
    """The tokens of one pair as training would take them: one `PairTokenized`. Loads no weights."""

    id: str
    policy: str
    pair: Pair
    max_length: int = 1024


Request = (
    KeepStep
    | FetchModel
    | Generate
    | GenerateMany
    | Score
    | ScoreTokens
    | Train
    | Suspect
    | Preflight
    | TokenizePair
)


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """End a waiting or running request; nothing half-written stays. It fails with code `cancelled`.

    A training run keeps its last checkpoint and can be resumed from it.
    """

    target: str


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Hold training after the current step; other requests are still answered."""

    target: str


@dataclass(frozen=True, kw_only=True)
class Resume:
    """Go on with a paused training."""

    target: str


@dataclass(frozen=True, kw_only=True)
class StopAndKeep:
    """End training after the current step and save what it has become as the run's policy."""

    target: str


@dataclass(frozen=True, kw_only=True)
class Shutdown:
    """Finish the current step, save a checkpoint if training, and end the engine."""


Control = Cancel | Pause | Resume | StopAndKeep | Shutdown

RequestKind = Literal["fetch", "generate", "score", "train"]
