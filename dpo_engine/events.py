"""What the engine tells while it works. Frozen, torch-free, in strict order for each request.

Every event but `EngineReady` and `DeviceMemory` carries the `request` it answers. A request's events are
`RequestStarted`, then its own, then exactly one of `RequestFinished` and `RequestFailed`.
"""

from dataclasses import dataclass
from typing import Literal

from dpo_engine.conversations import Message
from dpo_engine.pair_math import PairScore
from dpo_engine.preflight import FactColumns, Measured, Needs, PairsSummary, RefusedPair, TokenColumns
from dpo_engine.token_scores.details import TokenDetail


@dataclass(frozen=True, kw_only=True)
class EngineReady:
    """Sent once when the engine can take requests."""

    version: str
    device: str
    """`cuda`, `mps` or `cpu`."""
    device_name: str
    memory_total: int
    """Bytes on the device (of the machine, when the device is the CPU)."""


@dataclass(frozen=True, kw_only=True)
class DeviceMemory:
    """Memory in use, about once a second while the engine works. Bytes."""

    used: int
    total: int


@dataclass(frozen=True, kw_only=True)
class RequestStarted:
    request: str


@dataclass(frozen=True, kw_only=True)
class RequestFinished:
    request: str


@dataclass(frozen=True, kw_only=True)
class RequestFailed:
    """`message` is a sentence for the user; `detail` (a traceback, the worker's last lines) for a report."""

    request: str
    code: str
    message: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a long step is; `total` is 0 when it cannot be known."""

    request: str
    stage: str
    """What is being done, as a short phrase: "Downloading the starter model"."""
    done: int
    total: int
    unit: Literal["bytes", "pairs", "steps", ""] = ""


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something worth knowing that is no failure: a default template used, a step skipped."""

    request: str
    message: str
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True, kw_only=True)
class ModelFetched:
    request: str
    model: str
    path: str


@dataclass(frozen=True, kw_only=True)
class ModelLoaded:
    request: str
    model: str
    fingerprint: str
    parameters: int
    device: str
    dtype: str


@dataclass(frozen=True, kw_only=True)
class TextDelta:
    """More text of candidate `index`; concatenated, they are the candidate's text."""

    request: str
    index: int
    text: str


@dataclass(frozen=True, kw_only=True)
class CandidateRestarted:
    """Candidate `index` came out equal to another one and is drawn again: forget its text so far."""

    request: str
    index: int


@dataclass(frozen=True, kw_only=True)
class CandidateDone:
    request: str
    index: int
    text: str
    tokens: int
    seed: int
    finish_reason: Literal["end", "length"]
    seconds: float
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class TrainingStarted:
    """`first_step` is 0, or the step of the checkpoint that the run resumes from."""

    request: str
    run: str
    first_step: int
    total_steps: int
    train_pairs: int
    held_out_pairs: int
    learning_rate: float
    device: str
    dtype: str
    trainable_parameters: int
    refused: tuple[str, ...] = ()
    """Pairs that cannot be trained on, each with its reason."""


@dataclass(frozen=True, kw_only=True)
class StepDone:
    """Means over all pairs of the step, under TRL's names (see `metrics`)."""

    request: str
    step: int
    total_steps: int
    metrics: dict[str, float]
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Means over all held-out pairs, under TRL's `eval_` names, after `step` optimizer steps; beside them
    `samples/distinct`, `samples/kl`, `samples/tokens` of the fixed prompts' answers, where there are any."""

    request: str
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What the policy says to `prompt`, drawn as a candidate is, with the same seed at every check."""

    prompt: tuple[Message, ...]
    text: str
    finish_reason: Literal["end", "length"]
    tokens: int = 0
    """Of the answer, its end-of-turn token not counted; 0 also where an older version wrote it."""


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """The run's fixed prompts, answered by the policy after `step` optimizer steps."""

    request: str
    step: int
    samples: tuple[Sample, ...]
    distinct: float | None = None
    """Share of different 3-grams in the answers; None where none has three words."""
    kl: float | None = None
    """KL(π‖π_ref) a token in nats in the answers; None where it was not asked for."""


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved:
    request: str
    step: int
    path: str


@dataclass(frozen=True, kw_only=True)
class TrainingPaused:
    request: str
    step: int


@dataclass(frozen=True, kw_only=True)
class TrainingResumed:
    request: str
    step: int


@dataclass(frozen=True, kw_only=True)
class TrainingFinished:
    """The run's policy is saved. `stopped`: a person ended it before its last step."""

    request: str
    run: str
    step: int
    """The last step done."""
    policy: str
    stopped: bool
    policy_step: int | None = None
    """The step whose policy this is, where it is not that of the last step but the best one."""
    message: str = ""
    """Why it ended before its last step by itself."""


@dataclass(frozen=True, kw_only=True)
class PairsScored:
    """The next few pairs, in input order."""

    request: str
    scores: tuple[PairScore, ...]


@dataclass(frozen=True, kw_only=True)
class TokensScored:
    """The next scored tokens of one pair, in order, those of the chosen response first.

    A long pair comes in several of these, none of which takes long to read.
    """

    request: str
    pair: str
    chosen: tuple[TokenDetail, ...]
    rejected: tuple[TokenDetail, ...]
    last: bool = True


@dataclass(frozen=True, kw_only=True)
class StudyAdvanced:
    """How far a study of suspect verdicts is."""

    request: str
    fold: int
    """The one under way, from 1."""
    folds: int
    share: float
    """Of all the work, 0 to 1."""
    seconds_left: float | None = None
    """None until something could be measured."""


@dataclass(frozen=True, kw_only=True)
class FoldScored:
    """The pairs of a fold under the policy that was trained on all others."""

    request: str
    fold: int
    scores: tuple[PairScore, ...]
    left_out: tuple[str, ...] = ()
    """Sentences on pairs that could not be scored."""


@dataclass(frozen=True, kw_only=True)
class PairsLookedAt:
    """The next few pairs of a run that may begin, in input order, and those among them that are left out."""

    request: str
    facts: FactColumns
    refused: tuple[RefusedPair, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PreflightDone:
    """Every pair was looked at."""

    request: str
    summary: PairsSummary
    needs: Needs


@dataclass(frozen=True, kw_only=True)
class PreflightMeasured:
    request: str
    measured: Measured


@dataclass(frozen=True, kw_only=True)
class PairTokenized:
    """A pair's tokens. `refused`: why training leaves the pair out, as a sentence."""

    request: str
    pair: str
    prompt: TokenColumns
    chosen: TokenColumns
    rejected: TokenColumns
    refused: str = ""


Event = (
    EngineReady
    | DeviceMemory
    | RequestStarted
    | RequestFinished
    | RequestFailed
    | Progress
    | Note
    | ModelFetched
    | ModelLoaded
    | TextDelta
    | CandidateRestarted
    | CandidateDone
    | TrainingStarted
    | StepDone
    | Evaluated
    | Sampled
    | CheckpointSaved
    | TrainingPaused
    | TrainingResumed
    | TrainingFinished
    | PairsScored
    | TokensScored
    | StudyAdvanced
    | FoldScored
    | PairsLookedAt
    | PreflightDone
    | PreflightMeasured
    | PairTokenized
)
