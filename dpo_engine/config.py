"""The settings of a training run and of sampling, each with what a form needs to show it.

Names are TRL's where TRL has the setting. Every field carries an `Option` (label, help, range, unit) in
its metadata, and every value is checked when the object is made, so that a wrong one is a `BadInput`
naming the field, long before a model is loaded.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from dpo_engine.errors import BadInput
from dpo_engine.loss_mix import check_losses
from dpo_engine.options import Option, check, explain, option, options_of
from dpo_engine.sampling_config import SamplingConfig

__all__ = ["Option", "SamplingConfig", "TrainConfig", "explain", "options_of"]

Method = Literal["lora", "full", "qlora"]
LossType = Literal[
    "sigmoid",
    "ipo",
    "hinge",
    "robust",
    "exo_pair",
    "nca_pair",
    "bco_pair",
    "sppo_hard",
    "apo_zero",
    "apo_down",
    "discopop",
    "sigmoid_norm",
    "simpo",
    "orpo",
]
DType = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cuda", "mps", "cpu"]
Schedule = Literal["linear", "cosine", "constant"]
Optimizer = Literal["adamw", "adamw_8bit"]
Switch = Literal["auto", "on", "off"]
BestBy = Literal["eval_loss", "eval_rewards/margins", "eval_rewards/accuracies"]
Logger = Literal["none", "tensorboard", "trackio"]

_ADAPTER = ("method", ("lora", "qlora"))
_SMOOTHED = ("loss_type", ("sigmoid", "robust", "exo_pair"))


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that shapes a run besides the model and the pairs."""

    method: Method = option(
        "lora",
        label="Method",
        choices=get_args(Method),
        help="LoRA trains a small adapter; full trains every weight; QLoRA keeps the model in 4 bits (CUDA).",
    )
    beta: float = option(
        0.1,
        label="β (strength)",
        above=0.0,
        maximum=10.0,
        main=True,
        help="How strongly the policy is held to its reference; 2 to 10 for losses over mean log-probs.",
    )
    learning_rate: float | None = option(
        None,
        label="Learning rate",
        above=0.0,
        maximum=1.0,
        main=True,
        help="Step size of AdamW. Empty: the value recommended for the method and number of pairs.",
    )
    num_train_epochs: float = option(
        3.0,
        label="Epochs",
        above=0.0,
        maximum=1000.0,
        main=True,
        help="How many times every pair is seen. Three suits a few dozen pairs, one suits thousands.",
    )
    per_device_train_batch_size: int = option(
        4,
        label="Batch size",
        unit="pairs",
        minimum=1,
        maximum=4096,
        main=True,
        help="Pairs of a step, times accumulation and devices. Memory does not depend on it.",
    )
    max_length: int = option(
        1024,
        label="Max length",
        unit="tokens",
        minimum=8,
        maximum=1_000_000,
        main=True,
        help="Prompt and response together. Longer prompts lose their start, then responses their end.",
    )
    gradient_accumulation_steps: int = option(
        1,
        label="Gradient accumulation",
        group="Optimizer",
        unit="batches",
        minimum=1,
        maximum=65536,
        help="Batches whose gradients are summed into one optimizer step: the same as a larger batch.",
    )
    loss_type: LossType = option(
        "sigmoid",
        label="Loss",
        group="Loss",
        choices=get_args(LossType),
        help="What is made small. sigmoid, −log σ(margin), is the loss of the DPO paper.",
    )
    loss_mix: str | None = option(
        None,
        label="Mixed with",
        group="Loss",
        help='Further losses with their weights beside the first one\'s 1, for example "sft 0.2, ipo 0.5".',
    )
    label_smoothing: float = option(
        0.0,
        label="Label smoothing",
        group="Loss",
        minimum=0.0,
        maximum=0.499,
        acts_with=_SMOOTHED,
        or_named_in="loss_mix",
        help="Share of verdicts assumed to be wrong (conservative DPO). 0 trusts every verdict.",
    )
    discopop_tau: float = option(
        0.05,
        label="DiscoPOP τ",
        group="Loss",
        above=0.0,
        maximum=1.0,
        acts_with=("loss_type", ("discopop",)),
        or_named_in="loss_mix",
        help="Temperature of the blend between the logistic and the exponential loss.",
    )
    simpo_gamma: float = option(
        0.5,
        label="SimPO γ",
        group="Loss",
        minimum=0.0,
        maximum=100.0,
        acts_with=("loss_type", ("simpo",)),
        or_named_in="loss_mix",
        help="The margin between chosen and rejected that SimPO aims for.",
    )
    sync_ref_model: bool = option(
        False,
        label="Reference follows",
        group="Loss",
        acts_with=("method", ("full",)),
        help="TR-DPO: every few steps the reference moves towards the policy.",
    )
    ref_model_mixup_alpha: float = option(
        0.6,
        label="How far it follows",
        group="Loss",
        above=0.0,
        maximum=1.0,
        acts_with=("sync_ref_model", (True,)),
        help="The policy's share in the new reference: 1 copies the policy.",
    )
    ref_model_sync_steps: int = option(
        64,
        label="It follows every",
        group="Loss",
        unit="steps",
        minimum=1,
        maximum=1_000_000,
        acts_with=("sync_ref_model", (True,)),
        help="Optimizer steps between two moves of the reference.",
    )
    optim: Optimizer = option(
        "adamw",
        label="Optimizer",
        group="Optimizer",
        choices=get_args(Optimizer),
        help="adamw_8bit keeps its moments in 8 bits: a quarter of their memory (CUDA, needs bitsandbytes).",
    )
    lr_scheduler_type: Schedule = option(
        "linear",
        label="Schedule",
        group="Optimizer",
        choices=("linear", "cosine", "constant"),
        help="How the learning rate falls after the warm-up.",
    )
    warmup_ratio: float = option(
        0.1,
        label="Warm-up",
        group="Optimizer",
        unit="of all steps",
        minimum=0.0,
        maximum=1.0,
        help="Share of the steps in which the learning rate rises from zero.",
    )
    warmup_steps: int = option(
        0,
        label="Warm-up steps",
        group="Optimizer",
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        help="Steps in which the learning rate rises from zero; above 0 it replaces the share.",
    )
    weight_decay: float = option(
        0.0,
        label="Weight decay",
        group="Optimizer",
        minimum=0.0,
        maximum=1.0,
        help="AdamW's decoupled weight decay.",
    )
    max_grad_norm: float = option(
        1.0,
        label="Gradient clipping",
        group="Optimizer",
        minimum=0.0,
        maximum=1e6,
        help="Largest norm of the gradient; 0 leaves it as it is.",
    )
    lora_r: int = option(
        16,
        label="LoRA rank",
        group="Adapter",
        minimum=1,
        maximum=1024,
        acts_with=_ADAPTER,
        help="Width of the adapter: more can learn more and needs more memory.",
    )
    lora_alpha: int = option(
        32,
        label="LoRA alpha",
        group="Adapter",
        minimum=1,
        maximum=4096,
        acts_with=_ADAPTER,
        help="The adapter's output is scaled by alpha / rank.",
    )
    lora_dropout: float = option(
        0.0,
        label="LoRA dropout",
        group="Adapter",
        minimum=0.0,
        maximum=0.9,
        acts_with=_ADAPTER,
        help="Dropout before the adapter while training.",
    )
    lora_target_modules: str = option(
        "all-linear",
        label="LoRA targets",
        group="Adapter",
        acts_with=_ADAPTER,
        help="Layers that get an adapter: all-linear, or names separated by commas.",
    )
    use_rslora: bool = option(
        False,
        label="Rank-stabilised LoRA",
        group="Adapter",
        acts_with=_ADAPTER,
        help="The adapter's output is scaled by alpha / √rank, which lets large ranks learn.",
    )
    use_dora: bool = option(
        False,
        label="DoRA",
        group="Adapter",
        acts_with=_ADAPTER,
        help="The adapter also learns the length of each weight column: closer to full, and slower.",
    )
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
        acts_with=_ADAPTER,
        help="End when the policy is so far from its reference in the sampled answers; 0 never does.",
    )
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

    def __post_init__(self) -> None:
        check(self)
        check_losses(self)
        for name in ("stop_at_repetition", "stop_at_kl"):
            if getattr(self, name) and not self.eval_samples:
                raise BadInput(f"{name} has no effect while eval_samples is 0. Sample some prompts.")
