"""How a run goes: memory and speed, what it is measured by and when it ends, where it computes."""

from dataclasses import dataclass
from typing import Literal, get_args

from dpo_engine.config.choices import BestBy, Device, DType, Logger, Switch
from dpo_engine.config.learning import ADAPTER
from dpo_engine.options import option


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """Memory against time; none of them changes the curve."""

    gradient_checkpointing: Switch = option(
        "auto",
        label="Activation checkpointing",
        group="Memory and speed",
        choices=get_args(Switch),
        help="Compute activations again instead of keeping them. Auto: only where memory would run out.",
    )
    micro_batch_tokens: int | None = option(
        None,
        label="Tokens at once",
        group="Memory and speed",
        unit="tokens",
        minimum=1,
        maximum=100_000_000,
        help="Most tokens in one forward pass. It changes memory and speed, not the curve. Empty: measured.",
    )
    on_out_of_memory: Literal["stop", "skip"] = option(
        "stop",
        label="A pair too large",
        group="Memory and speed",
        choices=("stop", "skip"),
        help="What to do when one pair alone does not fit into memory.",
    )
    torch_compile: Switch = option(
        "auto",
        label="Compile",
        group="Memory and speed",
        choices=get_args(Switch),
        help="Compile the model into kernels of its own. Auto: where a run is long enough to gain by it.",
    )


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """Checkpoints, held-out checks and the samples read at them, and what ends a run early."""

    save_steps: int = option(
        20,
        label="Checkpoint every",
        group="Checks and checkpoints",
        unit="steps",
        minimum=1,
        maximum=1_000_000,
        help="Steps between two checkpoints; a crash costs at most that many.",
    )
    save_total_limit: int = option(
        2,
        label="Checkpoints kept",
        group="Checks and checkpoints",
        minimum=1,
        maximum=1000,
        help="The newest ones, and beside them the best one. Older checkpoints are deleted.",
    )
    eval_steps: int = option(
        10,
        label="Held-out check every",
        group="Checks and checkpoints",
        unit="steps",
        minimum=1,
        maximum=1_000_000,
        help="Steps between two measurements on the held-out pairs (if there are any).",
    )
    metric_for_best_model: BestBy = option(
        "eval_loss",
        label="Best by",
        group="Checks and checkpoints",
        choices=get_args(BestBy),
        help="Which held-out figure says which checkpoint is the best one.",
    )
    load_best_model_at_end: bool = option(
        False,
        label="End with the best",
        group="Checks and checkpoints",
        help="The run's policy is the one of the best held-out check, not of the last step.",
    )
    early_stopping_patience: int = option(
        0,
        label="Stop early after",
        group="Checks and checkpoints",
        unit="checks",
        minimum=0,
        maximum=100_000,
        help="End when so many held-out checks in a row brought nothing better; 0 never does.",
    )
    eval_samples: int = option(
        0,
        label="Sampled prompts",
        group="Samples",
        unit="prompts",
        minimum=0,
        maximum=64,
        help="At every held-out check the policy answers the same few prompts, to be read.",
    )
    eval_sample_tokens: int = option(
        128,
        label="Longest sample",
        group="Samples",
        unit="tokens",
        minimum=1,
        maximum=100_000,
        help="A sampled response that reaches this length is cut there.",
    )
    stop_at_repetition: float = option(
        0.0,
        label="Stop at repetition",
        group="Samples",
        minimum=0.0,
        maximum=1.0,
        help="End when the sampled answers' share of different 3-grams fell by so much; 0 never does.",
    )
    stop_at_kl: float = option(
        0.0,
        label="Stop at divergence",
        group="Samples",
        unit="nats a token",
        minimum=0.0,
        maximum=100.0,
        acts_with=ADAPTER,
        help="End when the policy is so far from its reference in the sampled answers; 0 never does.",
    )


@dataclass(frozen=True, kw_only=True)
class PlaceSettings:
    """Where it is told, from which seed, in which numbers and on what it computes."""

    report_to: Logger = option(
        "none",
        label="Also log to",
        group="Run",
        choices=get_args(Logger),
        help="A local logger beside the run's own metrics; an optional extra installs it.",
    )
    seed: int = option(
        42,
        label="Seed",
        group="Run",
        minimum=0,
        maximum=2**32 - 1,
        help="Same seed, same device: the same curve.",
    )
    dtype: DType = option(
        "auto",
        label="Precision",
        group="Memory and speed",
        choices=("auto", "float32", "bfloat16"),
        help="Of the forward pass; trained weights are always float32. Auto: bfloat16 where it is fast.",
    )
    device: Device = option(
        "auto",
        label="Device",
        group="Memory and speed",
        choices=("auto", "cuda", "mps", "cpu"),
        help="Auto: CUDA when there is one, else Apple's MPS, else the CPU.",
    )
