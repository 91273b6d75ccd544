"""How much memory training will need, and what follows: tokens at once, and activation checkpointing.

Everything is counted from the model's config: weights by laying the model out without numbers
(`model_sizes`), activations by running a thin copy (`kept_activations`). What neither sees is in the table
`_Rough` below.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch

from dpo_engine.compute.device import machine_memory, memory_of
from dpo_engine.config import TrainConfig
from dpo_engine.forward import kept_gradients
from dpo_engine.forward.head import chunk_size
from dpo_engine.loss_mix import needs_reference
from dpo_engine.memory.kept_activations import Lengths, kept_by
from dpo_engine.models.frozen_model import SHARE_OF_ROOM, are_computed_first
from dpo_engine.models.model_sizes import ModelSizes, sizes_of
from dpo_engine.models.quantization import BYTES_A_WEIGHT
from dpo_engine.pairs.batches import packed_length
from dpo_engine.pairs.packing import in_micro_batches
from dpo_engine.pairs.tokenization import TokenizedPair

_FLOAT32 = 4
_TOKENS_AT_ONCE = {"cpu": 512, "mps": 4096, "cuda": 16384}
"""What a budget begins with: on a CPU small for the sake of memory, on a GPU as large as it needs."""
_SHARE_OF_MEMORY = 0.85
"""The rest is for other programs, and for what the allocator cannot use."""


@dataclass(frozen=True)
class _Rough:
    """What was measured rather than counted.

    On a CPU, random Llamas of 23, 74 and 135 million weights, full and LoRA, float32 and bfloat16, packed
    batches of 240 to 2,000 tokens, one micro-batch a step and four: fitted to 19 cases, of which the estimate
    was 0.89 to 1.05 times the process's peak. Full fine-tunes keep less since (`kept_gradients`); six cases
    are held within 15 % by a test. No GPU was at hand: the figures for it are guesses.
    """

    cpu_slack: float = 0.22
    """Of activations and logits: what comes and goes unseen by autograd, and holes in the heap."""
    gpu_slack: float = 0.1
    """Likewise."""
    gpu_context: int = 500_000_000
    """CUDA's own memory, with its libraries loaded."""
    layer_gradients: float = 0.5
    """Gradients of a layer's activations, while it is gone back through, as a share of what it keeps."""


@dataclass(frozen=True, kw_only=True)
class MemoryEstimate:
    """Bytes at the moment of a training step that needs most, after the first step."""

    weights: int
    """Of model and adapter, with the copies in the type of matrix products."""
    reference: int
    """A full fine-tune's copy of the model it began with, until all its log-probs are known."""
    gradients: int
    optimizer: int
    activations: int
    """Kept for the backward pass, and what one layer needs while it is gone back through."""
    head: int
    """One chunk of logits, and the gradient of the output layer where that learns."""
    overhead: int
    """The process with its libraries, and what an allocator cannot use."""

    @property
    def total(self) -> int:
        return sum(getattr(self, part.name) for part in fields(self))


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a run is cut to its device."""

    token_budget: int
    """Most tokens in one forward pass; a pair that is longer goes alone."""
    checkpoint_activations: bool
    expected: MemoryEstimate
    room: int
    """Bytes that a run may use of its device."""

    @property
    def is_tight(self) -> bool:
        """Even so it may not fit."""
        return self.expected.total > self.room

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for a person."""
        needed, there = (f"{one / 1e9:.1f} GB" for one in (self.expected.total, self.room))
        if self.is_tight:
            return (
                f"This run is expected to need {needed}, and {there} are there. Try LoRA instead of full, a "
                "smaller max_length, or a smaller model.",
            )
        if self.checkpoint_activations:
            return ("Activations are computed again instead of kept, so that the longest pairs fit.",)
        return ()


def lengths_of(pair: TokenizedPair) -> Lengths:
    return len(pair.prompt), len(pair.chosen), len(pair.rejected)


def estimate(
    model_config: Any,
    config: TrainConfig,
    lengths: Sequence[Lengths],
    *,
    device: torch.device,
    dtype: torch.dtype,
    several: bool = True,
    checkpointed: bool = False,
    reference_cached: bool = False,
    process: int | None = None,
) -> MemoryEstimate:
    """For a model of this config (transformers') and one micro-batch of pairs of these lengths.

    `several`: a step has more than this micro-batch, so that gradients are there while activations are kept.
    `reference_cached`: the reference log-probs of all pairs are known before the first step.
    `process`: bytes of this process without model; by default what it has now. Raises `BadInput`.
    """
    sizes = sizes_of(model_config, config)
    keeps = kept_gradients.pays(config, device)
    kept = kept_by(model_config, config, dtype, lengths, checkpointed=checkpointed, keeps=keeps)
    layer = kept.a_layer
    if checkpointed:
        layer = kept_by(model_config, config, dtype, lengths, keeps=keeps).a_layer
    activations = kept.total + (layer if checkpointed else 0) + layer * _ROUGH.layer_gradients
    gradients = _FLOAT32 * sizes.trained
    head = _head(sizes, dtype, device, sum(one[1] + one[2] for one in lengths), keeps=keeps)
    if (
        not several and not keeps
    ):  # gradients come as activations go, and the larger of the two is what counts
        activations = max(activations - gradients, 0)
    weights = _weights(sizes, config, dtype, keeps=keeps)
    slack = _ROUGH.cpu_slack if device.type == "cpu" else _ROUGH.gpu_slack
    if process is None:
        process = memory_of(device).used if device.type == "cpu" else _ROUGH.gpu_context
    return MemoryEstimate(
        weights=weights,
        reference=0 if reference_cached else _reference(sizes, config, dtype, device),
        gradients=gradients,
        optimizer=_optimizer(sizes, config),
        activations=round(activations),
        head=head,
        overhead=process + round(slack * (activations + head)),
    )


def fit(
    model_config: Any,
    config: TrainConfig,
    pairs: Sequence[TokenizedPair],
    *,
    device: torch.device,
    dtype: torch.dtype,
    of: int | None = None,
    room: int | None = None,
    process: int | None = None,
) -> Fit:
    """The token budget and activation checkpointing for a run over `pairs`, as far as `config` leaves them.

    `of` so many pairs these need only be the longest.

    They follow from the device's whole memory (`room`, by default a share of it) and not from what happens to
    be free, so that a resumed run adds up in the same order. Checkpointing, which costs a second forward
    pass, comes before batches of less than the longest pair are possible, hence only where that pair does
    not fit otherwise.
    """
    room = room_on(device) if room is None else room
    budget = config.micro_batch_tokens or _TOKENS_AT_ONCE[device.type]
    wanted = {"on": [True], "off": [False], "auto": [False, True]}[config.gradient_checkpointing]
    lengths = [lengths_of(pair) for pair in pairs]
    packed = [packed_length(pair) for pair in pairs]
    step = config.per_device_train_batch_size * config.gradient_accumulation_steps
    longest = sorted(range(len(pairs)), key=lambda one: -packed[one])[:step]

    few = are_computed_first(device, len(pairs) if of is None else of)

    def expected(checkpointed: bool, tokens: int) -> MemoryEstimate:
        batches = in_micro_batches(longest, packed, tokens)
        return estimate(
            model_config,
            config,
            [lengths[member] for member in batches[0]],
            device=device,
            dtype=dtype,
            several=len(batches) > 1,
            checkpointed=checkpointed,
            reference_cached=few,
            process=process,
        )

    for checkpointed in wanted:
        tokens = budget
        while True:
            found = expected(checkpointed, tokens)
            chosen = Fit(token_budget=tokens, checkpoint_activations=checkpointed, expected=found, room=room)
            if not chosen.is_tight or tokens <= packed[longest[0]] or config.micro_batch_tokens:
                break
            tokens = max(tokens // 2, packed[longest[0]])
        if not chosen.is_tight:
            break
    return chosen


def room_on(device: torch.device) -> int:
    """Bytes of the device, or of the machine, that a training may use."""
    return int(
        _SHARE_OF_MEMORY * min(memory_of(device).total, machine_memory() if _shares(device) else 2**62)
    )


def _shares(device: torch.device) -> bool:
    """Whether the device uses the machine's own memory."""
    return device.type in ("cpu", "mps")


def _weights(sizes: ModelSizes, config: TrainConfig, dtype: torch.dtype, *, keeps: bool) -> int:
    if config.method == "full":
        casts = 0 if dtype == torch.float32 or keeps else sizes.linear * dtype.itemsize
        return sizes.parameters * _FLOAT32 + casts
    base = sizes.parameters * dtype.itemsize
    if config.method == "qlora":
        base = round(sizes.linear * BYTES_A_WEIGHT) + (sizes.parameters - sizes.linear) * dtype.itemsize
    return base + sizes.trained * _FLOAT32


def _reference(sizes: ModelSizes, config: TrainConfig, dtype: torch.dtype, device: torch.device) -> int:
    """A frozen copy, which is only made where it takes little of the memory; see `frozen_model`."""
    if config.method != "full" or not needs_reference(config):
        return 0
    if config.sync_ref_model:
        return sizes.parameters * _FLOAT32
    copy = sizes.linear * dtype.itemsize + (sizes.parameters - sizes.linear) * _FLOAT32
    left = memory_of(device).total - 4 * _FLOAT32 * sizes.parameters
    return copy if copy <= SHARE_OF_ROOM * left else 0


def _optimizer(sizes: ModelSizes, config: TrainConfig) -> int:
    """Two moments a weight, in float32 or in 8 bits with a float32 scale for 256 of them."""
    if config.optim == "adamw":
        return 2 * _FLOAT32 * sizes.trained
    small = 2 * _FLOAT32 * sizes.trained_small
    return small + round(2 * (1 + _FLOAT32 / 256) * (sizes.trained - sizes.trained_small))


def _head(sizes: ModelSizes, dtype: torch.dtype, device: torch.device, scored: int, *, keeps: bool) -> int:
    """A chunk of logits in `dtype` and float32, the weight as matrix products reorder it, its gradient."""
    rows = min(scored, chunk_size(sizes.vocabulary, device))
    chunk = rows * sizes.vocabulary * (_FLOAT32 + 2 * dtype.itemsize)
    reordered = sizes.head * dtype.itemsize
    if keeps:
        return chunk
    if not sizes.trains_head:
        return chunk + reordered
    cast = 0 if dtype == torch.float32 else sizes.head * dtype.itemsize
    return chunk + reordered + sizes.head * _FLOAT32 + cast


_ROUGH = _Rough()
