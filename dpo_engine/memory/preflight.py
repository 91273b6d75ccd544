"""A look at a run before it begins: its pairs one by one, and one forward and backward pass for real.

No weight is changed and nothing is written.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

import torch
from transformers import PreTrainedTokenizerBase

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


@dataclass(frozen=True, kw_only=True)
class PairFacts:
    """What training will see of a pair, and what a person may want to look at again."""

    id: str
    split: str
    prompt_tokens: int
    chosen_tokens: int
    """Scored, with the end of the turn; likewise the rejected ones."""
    rejected_tokens: int
    has_bos: bool
    prompt_cut: bool
    chosen_cut: bool
    rejected_cut: bool
    identical_sides: bool
    """Chosen and rejected are the same tokens, so that nothing can be learned from them."""
    duplicate_of: str = ""
    """The first pair with the same prompt, chosen and rejected."""
    contradicts: str = ""
    """The first pair with the same prompt that has chosen and rejected the other way round."""

    @property
    def cut(self) -> bool:
        return self.prompt_cut or self.chosen_cut or self.rejected_cut


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One forward and backward pass over the run's longest micro-batch, and one over a usual one."""

    peak: int
    """Bytes, the optimizer's state not yet among them; 0 where it did not fit."""
    fits: bool
    longest_pair: str
    seconds_a_pair: float
    """Forward and backward; the reference and the optimizer's step come on top."""


def facts_of(pairs: Sequence[TokenizedPair], tokenizer: PreTrainedTokenizerBase) -> tuple[PairFacts, ...]:
    """What there is to know about each pair, in order."""
    first: dict[tuple[tuple[int, ...], ...], str] = {}
    facts: list[PairFacts] = []
    for pair in pairs:
        same = first.setdefault((pair.prompt, pair.chosen, pair.rejected), pair.id)
        reverse = "" if pair.chosen == pair.rejected else first.get((pair.prompt, pair.rejected, pair.chosen))
        facts.append(
            PairFacts(
                id=pair.id,
                split=pair.split,
                prompt_tokens=len(pair.prompt),
                chosen_tokens=len(pair.chosen),
                rejected_tokens=len(pair.rejected),
                has_bos=tokenizer.bos_token_id is not None and pair.prompt[:1] == (tokenizer.bos_token_id,),
                prompt_cut=pair.prompt_cut,
                chosen_cut=pair.chosen_cut,
                rejected_cut=pair.rejected_cut,
                identical_sides=pair.chosen == pair.rejected,
                duplicate_of=same if same != pair.id else "",
                contradicts=reverse or "",
            )
        )
    return tuple(facts)


def cut_to_device(loaded: LoadedModel, config: TrainConfig, pairs: Sequence[TokenizedPair]) -> Fit:
    """As a run does before it begins: activation checkpointing switched on where it is needed."""
    cut = fit(loaded.model.config, config, pairs, device=loaded.device, dtype=loaded.dtype)
    if cut.checkpoint_activations:
        checkpoint_layers(loaded.model, dropout=config.lora_dropout > 0)
    if kept_gradients.pays(config, loaded.device):
        kept_gradients.keep_gradients(loaded.model)
    return cut


def measure(loaded: LoadedModel, pairs: Sequence[TokenizedPair], token_budget: int) -> Measured:
    """Compute the longest micro-batch and a usual one for real; `loaded` is left as it was.

    The usual one holds pairs of the median length, so its time stands for all of them.
    """
    scorer = LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)
    lengths = [packed_length(pair) for pair in pairs]
    longest = in_micro_batches(range(len(pairs)), lengths, token_budget)[0]
    usual = median_low(lengths)
    nearest = sorted(range(len(pairs)), key=lambda member: abs(lengths[member] - usual))
    some = nearest[: max(1, token_budget // usual)]
    memory = PeakMemory(loaded.device)
    named = pairs[longest[0]].id
    try:
        _pass(scorer, pairs, longest)
        peak = memory.since_last()
        seconds = _pass(scorer, pairs, some)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return Measured(peak=0, fits=False, longest_pair=named, seconds_a_pair=0.0)
    return Measured(peak=peak, fits=True, longest_pair=named, seconds_a_pair=seconds / len(some))


def _pass(scorer: LogProbs, pairs: Sequence[TokenizedPair], members: Sequence[int]) -> float:
    """Seconds."""
    started = time.perf_counter()
    try:
        batch = collate([pairs[member] for member in members], members)
        chosen, rejected = scorer.sums(batch)
        (rejected - chosen).sum().backward()
        if scorer.device.type == "cuda":
            torch.cuda.synchronize(scorer.device)
    finally:
        scorer.model.zero_grad(set_to_none=True)
    return time.perf_counter() - started
