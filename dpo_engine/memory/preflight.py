"""One forward and backward pass of a run for real, before it begins.

No weight is changed and nothing is written.
"""

import time
from collections.abc import Generator, Sequence
from statistics import median_low

import torch

from dpo_engine.compute.peak_memory import PeakMemory
from dpo_engine.config import TrainConfig
from dpo_engine.forward import kept_gradients
from dpo_engine.forward.activation_checkpointing import checkpoint_layers
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.memory.micro_batches import is_out_of_memory
from dpo_engine.memory.needs import Fit, fit
from dpo_engine.models.loading import LoadedModel
from dpo_engine.pairs.batches import collate, packed_length
from dpo_engine.pairs.packing import in_micro_batches
from dpo_engine.pairs.tokenization import TokenizedPair
from dpo_engine.preflight import Measured


def cut_to_device(
    loaded: LoadedModel, config: TrainConfig, longest: Sequence[TokenizedPair], *, of: int | None = None
) -> Fit:
    """As a run of `of` pairs does before it begins: activation checkpointing is switched on where needed."""
    cut = fit(loaded.model.config, config, longest, device=loaded.device, dtype=loaded.dtype, of=of)
    if cut.checkpoint_activations:
        checkpoint_layers(loaded.model, dropout=config.lora_dropout > 0)
    if kept_gradients.pays(config, loaded.device):
        kept_gradients.keep_gradients(loaded.model)
    return cut


def measure(
    loaded: LoadedModel,
    longest: Sequence[TokenizedPair],
    usual: Sequence[TokenizedPair],
    token_budget: int,
) -> Generator[str, None, Measured]:
    """Compute two micro-batches for real, and say before each which; `loaded` is left as it was.

    `longest`: as many of a run's longest pairs as one step takes, of which the first micro-batch is computed.
    Of `usual`, some pairs of the run, those of about their median length are, so that their time stands for
    all.
    """
    scorer = LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)
    first = in_micro_batches(range(len(longest)), [packed_length(pair) for pair in longest], token_budget)[0]
    batch = [longest[member] for member in first]
    some = _about_median(usual, token_budget)
    memory = PeakMemory(loaded.device)
    try:
        yield "Computing the longest pair"
        _pass(scorer, batch)
        peak = memory.since_last()
        yield "Computing pairs of the usual length"
        seconds = _pass(scorer, some)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return Measured(peak=0, fits=False, longest_pair=batch[0].id, seconds_a_pair=0.0)
    return Measured(
        peak=peak,
        fits=True,
        longest_pair=batch[0].id,
        seconds_a_pair=seconds / len(some),
        seconds_a_token=seconds / sum(map(packed_length, some)),
    )


def _about_median(pairs: Sequence[TokenizedPair], token_budget: int) -> list[TokenizedPair]:
    usual = median_low(map(packed_length, pairs))
    nearest = sorted(pairs, key=lambda pair: abs(packed_length(pair) - usual))
    return nearest[: max(1, token_budget // usual)]


def _pass(scorer: LogProbs, pairs: Sequence[TokenizedPair]) -> float:
    """Seconds."""
    started = time.perf_counter()
    try:
        batch = collate(pairs, range(len(pairs)))
        chosen, rejected = scorer.sums(batch)
        (rejected - chosen).sum().backward()
        if scorer.device.type == "cuda":
            torch.cuda.synchronize(scorer.device)
    finally:
        scorer.model.zero_grad(set_to_none=True)
    return time.perf_counter() - started
