"""The rows of a project, as the app sees them: frozen, Qt-free, torch-free."""

from dataclasses import dataclass
from typing import Literal

from dpo_engine.preferences import Message, Split

Choice = Literal["left", "right", "tie", "both_bad", "skip"]
ComparisonState = Literal["waiting", "shown", "answered", "retired"]
RunStatus = Literal["created", "running", "paused", "stopped", "finished", "failed", "interrupted"]
RunKind = Literal["trained", "scored"]
Side = Literal["left", "right"]
Purpose = Literal["collect", "repeat", "settle", "second_look"]
"""Why a comparison is asked: for training; or again, to measure agreement, to end a disagreement, or because
policies that never saw the verdict disagree with it."""
Picked = Literal["order", "random"]
"""How a comparison came to be asked; figures over those at random are free of the order's bias."""
PairSelection = Literal["all", "new", "much_better"]
"""Which preferences a run is trained on: all, those given since the last run was made, the strong ones."""

PERSON = "person"
"""The model reference of what a person wrote."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    id: int
    messages: tuple[Message, ...]
    source: str
    split: Split
    tags: tuple[str, ...]
    created_at: str


@dataclass(frozen=True, kw_only=True)
class NewCandidate:
    """A response just written, before it has a row of its own."""

    text: str
    model: str
    """The model reference that wrote it (`starter`, a folder, a run's folder)."""
    fingerprint: str
    sampling: dict[str, float | int]
    seed: int
    finish_reason: str
    tokens: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Candidate(NewCandidate):
    id: int
    prompt_id: int
    edited_from: int | None = None
    """The candidate that a person changed into this one."""
    chars: int = 0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two candidates of one prompt; which one stands left was drawn at random when it was made."""

    id: int
    prompt: Prompt
    left: Candidate
    right: Candidate
    state: ComparisonState
    purpose: Purpose = "collect"
    of_id: int | None = None
    """The comparison that this one asks again."""
    picked: Picked = "order"
    margin: float | None = None
    """Log-ratio of left minus that of right under the policy it was scored with; times beta, of rewards."""
    flagged: bool = False
    comment: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    id: int
    comparison_id: int
    choice: Choice
    strength: int
    annotator: str
    seconds: float
    """From the moment both responses were there to the key press."""
    created_at: str
    undone_at: str | None
    edited_id: int | None = None
    """The candidate whose text is the chosen one instead of the side's own."""
    imported: bool = False
    """It came by an import or a merge, not by a key here."""


@dataclass(frozen=True, kw_only=True)
class VerdictCounts:
    """Verdicts that count, one for each comparison that is collected; those in dispute are counted apart."""

    preferences: int
    """left + right: what a run can train on."""
    held_out: int
    """Those of the preferences whose prompt is held out."""
    ties: int
    both_bad: int
    skips: int
    today: int
    """All standing verdicts but skips given here since local midnight, also on what was asked again."""
    disputed: int = 0
    """Comparisons where annotators prefer different sides, and nobody settled it."""
    asked_again: int = 0
    """Answers on what was asked again, by anybody; none of them is a pair of its own."""


@dataclass(frozen=True, kw_only=True)
class Run:
    id: int
    name: str
    folder: str
    policy: str
    """The model reference it started from (which is also its reference)."""
    method: str
    beta: float
    config: dict[str, object]
    status: RunStatus
    step: int
    total_steps: int
    train_pairs: int
    held_out_pairs: int
    message: str
    """Why it failed or was interrupted; empty otherwise."""
    created_at: str
    finished_at: str | None
    kind: RunKind = "trained"
    """`scored`: never trained here; some model's scores of some pairs."""
    notes: str = ""
    pinned: bool = False
    deleted_at: str | None = None
    queue_place: int | None = None
    """Where it stands among the runs that wait to be trained, lowest first."""


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    run_id: int
    step: int
    split: Split
    metrics: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class ScoredPair:
    """One pair of a run with its four log-probs at a checkpoint, and its texts for reading."""

    run_id: int
    checkpoint: str
    """`policy` for the run's result, else the checkpoint's folder name (`step-000040`)."""
    pair: str
    split: Split
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    policy_chosen_logp: float
    policy_rejected_logp: float
    reference_chosen_logp: float
    reference_rejected_logp: float
    chosen_tokens: int
    rejected_tokens: int
    truncated: bool
