"""The settings of a training run and of sampling, each with what a form needs to show it.

Names are TRL's where TRL has the setting. Every field carries an `Option` (label, help, range, unit) in
its metadata, and every value is checked when the object is made, so that a wrong one is a `BadInput`
naming the field, long before a model is loaded.
"""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from dpo_engine.errors import BadInput

Method = Literal["lora", "full"]
LossType = Literal["sigmoid"]
DType = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cuda", "mps", "cpu"]
Schedule = Literal["linear", "cosine", "constant"]


@dataclass(frozen=True, kw_only=True)
class Option:
    """How one setting presents itself: in a form, in `--help` and in an error."""

    label: str
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    main: bool = False
    """One of the few settings that stand in view; the others are under "All settings"."""
    only_for: Method | None = None
    """The method in which the setting acts; with another one it has no effect."""


def option(default: Any, **description: Any) -> Any:
    """A dataclass field with a default and an `Option`."""
    return field(default=default, metadata={"option": Option(**description)})


def options_of(config: type[Any] | Any) -> dict[str, Option]:
    """Field name -> `Option`, in the order of definition."""
    return {
        entry.name: entry.metadata["option"]
        for entry in dataclasses.fields(config)
        if "option" in entry.metadata
    }


def explain(name: str, value: Any, described: Option) -> str | None:
    """Why `value` cannot be the setting `name`, as a sentence; None when it can."""
    if described.choices:
        if value in described.choices:
            return None
        return f"{name} is {value!r}; it must be one of {', '.join(described.choices)}."
    if value is None or isinstance(value, (bool, str, tuple)):
        return None
    if not math.isfinite(value):
        return f"{name} is {value}; it must be a finite number."
    if described.above is not None and value <= described.above:
        return f"{name} is {value}; it must be above {described.above:g}."
    if described.minimum is not None and value < described.minimum:
        return f"{name} is {value}; it must be at least {described.minimum:g}."
    if described.maximum is not None and value > described.maximum:
        return f"{name} is {value}; it must be at most {described.maximum:g}."
    return None


def check(config: Any) -> None:
    """Raise `BadInput` for the first setting out of its range."""
    for name, described in options_of(config).items():
        problem = explain(name, getattr(config, name), described)
        if problem:
            raise BadInput(problem)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that shapes a run besides the model and the pairs."""

    method: Method = option(
        "lora",
        label="Method",
        choices=("lora", "full"),
        help="LoRA trains a small adapter and needs little memory; full trains every weight.",
    )
    beta: float = option(
        0.1,
        label="β (strength)",
        above=0.0,
        maximum=10.0,
        main=True,
        help="How strongly the policy is held to its reference. Smaller lets it move further.",
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
        help="Pairs in one forward pass. It changes memory and speed, not the curve of a full batch.",
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
        unit="batches",
        minimum=1,
        maximum=65536,
        help="Batches whose gradients are summed into one optimizer step.",
    )
    loss_type: LossType = option(
        "sigmoid", label="Loss", choices=("sigmoid",), help="−log σ(margin), the loss of the DPO paper."
    )
    label_smoothing: float = option(
        0.0,
        label="Label smoothing",
        minimum=0.0,
        maximum=0.499,
        help="Share of verdicts assumed to be wrong (conservative DPO). 0 trusts every verdict.",
    )
    lr_scheduler_type: Schedule = option(
        "linear",
        label="Schedule",
        choices=("linear", "cosine", "constant"),
        help="How the learning rate falls after the warm-up.",
    )
    warmup_ratio: float = option(
        0.1,
        label="Warm-up",
        unit="of all steps",
        minimum=0.0,
        maximum=1.0,
        help="Share of the steps in which the learning rate rises from zero.",
    )
    weight_decay: float = option(
        0.0, label="Weight decay", minimum=0.0, maximum=1.0, help="AdamW's decoupled weight decay."
    )
    max_grad_norm: float = option(
        1.0,
        label="Gradient clipping",
        minimum=0.0,
        maximum=1e6,
        help="Largest norm of the gradient; 0 leaves it as it is.",
    )
    lora_r: int = option(
        16,
        label="LoRA rank",
        minimum=1,
        maximum=1024,
        only_for="lora",
        help="Width of the adapter: more can learn more and needs more memory.",
    )
    lora_alpha: int = option(
        32,
        label="LoRA alpha",
        minimum=1,
        maximum=4096,
        only_for="lora",
        help="The adapter's output is scaled by alpha / rank.",
    )
    lora_dropout: float = option(
        0.0,
        label="LoRA dropout",
        minimum=0.0,
        maximum=0.9,
        only_for="lora",
        help="Dropout before the adapter while training.",
    )
    lora_target_modules: str = option(
        "all-linear",
        label="LoRA targets",
        only_for="lora",
        help="Layers that get an adapter: all-linear, or names separated by commas.",
    )
    save_steps: int = option(
        20,
        label="Checkpoint every",
        unit="steps",
        minimum=1,
        maximum=1_000_000,
        help="Steps between two checkpoints; a crash costs at most that many.",
    )
    save_total_limit: int = option(
        2, label="Checkpoints kept", minimum=1, maximum=1000, help="Older checkpoints are deleted."
    )
    eval_steps: int = option(
        10,
        label="Held-out check every",
        unit="steps",
        minimum=1,
        maximum=1_000_000,
        help="Steps between two measurements on the held-out pairs (if there are any).",
    )
    seed: int = option(
        42, label="Seed", minimum=0, maximum=2**32 - 1, help="Same seed, same device: the same curve."
    )
    dtype: DType = option(
        "auto",
        label="Precision",
        choices=("auto", "float32", "bfloat16"),
        help="Of the forward pass; trained weights are always float32. Auto: bfloat16 where it is fast.",
    )
    device: Device = option(
        "auto",
        label="Device",
        choices=("auto", "cuda", "mps", "cpu"),
        help="Auto: CUDA when there is one, else Apple's MPS, else the CPU.",
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How candidates are drawn from the policy. Stored with each candidate, so it can be drawn again."""

    temperature: float = option(
        0.7,
        label="Temperature",
        minimum=0.0,
        maximum=5.0,
        help="0 always takes the likeliest token; higher is more varied.",
    )
    top_p: float = option(
        0.95, label="Top-p", above=0.0, maximum=1.0, help="Draw from the likeliest tokens up to this mass."
    )
    top_k: int = option(
        0, label="Top-k", minimum=0, maximum=1_000_000, help="Draw from this many tokens; 0 for all."
    )
    repetition_penalty: float = option(
        1.0, label="Repetition penalty", minimum=0.5, maximum=5.0, help="Above 1 discourages repeats."
    )
    max_new_tokens: int = option(
        256,
        label="Longest response",
        unit="tokens",
        minimum=1,
        maximum=100_000,
        help="A response that reaches this length is cut there.",
    )

    def __post_init__(self) -> None:
        check(self)


def recommended_learning_rate(method: Method, pairs: int) -> float:
    """A step size that moves a model visibly without breaking it, for so many pairs.

    Published recipes (5e-6 for LoRA, 5e-7 to 1e-6 for full fine-tunes) are for 10^4 to 10^5 pairs; with a
    few dozen they change nothing. Measured with a 135M model and 35 verdicts over 3 epochs: LoRA 2e-4
    learned a held-out preference with healthy text, 5e-4 broke the text; full 1e-5 moved it slightly.
    """
    few, some, many = {"lora": (2e-4, 5e-5, 5e-6), "full": (1e-5, 5e-6, 1e-6)}[method]
    return few if pairs < 500 else some if pairs < 10_000 else many


def resolved(config: TrainConfig, pairs: int) -> TrainConfig:
    """The same settings with every "recommended" value filled in for `pairs` training pairs."""
    if config.learning_rate is not None:
        return config
    return dataclasses.replace(config, learning_rate=recommended_learning_rate(config.method, pairs))
