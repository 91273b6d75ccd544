"""What is learned and how: the settings in view first, then loss, optimizer and adapter."""

from dataclasses import dataclass
from typing import get_args

from dpo_engine.config.choices import LossType, Method, Optimizer, Schedule
from dpo_engine.options import option

ADAPTER = ("method", ("lora", "qlora"))
"""The setting, and the values of it, with which there is an adapter."""
_SMOOTHED = ("loss_type", ("sigmoid", "robust", "exo_pair"))


@dataclass(frozen=True, kw_only=True)
class MainSettings:
    """How strongly, how fast and how long, and how much at once."""

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


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """What is made small, and whether the reference stays where it is."""

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


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """How a gradient becomes a step."""

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


@dataclass(frozen=True, kw_only=True)
class AdapterSettings:
    """What is trained where not every weight is."""

    lora_r: int = option(
        16,
        label="LoRA rank",
        group="Adapter",
        minimum=1,
        maximum=1024,
        acts_with=ADAPTER,
        help="Width of the adapter: more can learn more and needs more memory.",
    )
    lora_alpha: int = option(
        32,
        label="LoRA alpha",
        group="Adapter",
        minimum=1,
        maximum=4096,
        acts_with=ADAPTER,
        help="The adapter's output is scaled by alpha / rank.",
    )
    lora_dropout: float = option(
        0.0,
        label="LoRA dropout",
        group="Adapter",
        minimum=0.0,
        maximum=0.9,
        acts_with=ADAPTER,
        help="Dropout before the adapter while training.",
    )
    lora_target_modules: str = option(
        "all-linear",
        label="LoRA targets",
        group="Adapter",
        acts_with=ADAPTER,
        help="Layers that get an adapter: all-linear, or names separated by commas.",
    )
    use_rslora: bool = option(
        False,
        label="Rank-stabilised LoRA",
        group="Adapter",
        acts_with=ADAPTER,
        help="The adapter's output is scaled by alpha / √rank, which lets large ranks learn.",
    )
    use_dora: bool = option(
        False,
        label="DoRA",
        group="Adapter",
        acts_with=ADAPTER,
        help="The adapter also learns the length of each weight column: closer to full, and slower.",
    )
