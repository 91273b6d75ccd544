"""The answer to `Preflight`: a run's pairs one by one, what it is expected to need, what it is measured to.

Changes and writes nothing.
"""

import gc
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from dpo_engine import run_folder
from dpo_engine.compute.device import free_cached_memory
from dpo_engine.compute.randomness import RandomStream
from dpo_engine.config import TrainConfig
from dpo_engine.conversations import Pair
from dpo_engine.errors import BadInput
from dpo_engine.events import Event, Note, PairsLookedAt, PreflightDone, PreflightMeasured, Progress
from dpo_engine.memory.facts import PairLooker
from dpo_engine.memory.needs import Fit, fit
from dpo_engine.memory.preflight import cut_to_device, measure
from dpo_engine.memory.speed import expected_seconds_a_token
from dpo_engine.models import quantization
from dpo_engine.models.loading import ModelOutline, load_for_training, outline
from dpo_engine.models.model_sizes import sizes_of
from dpo_engine.pairs.as_needed import PairsAsNeeded
from dpo_engine.pairs.survey import survey
from dpo_engine.pairs.tokenization import TokenizedPair, end_of_turn, tokenize_pair
from dpo_engine.preferences import read_pairs, refusal_summary
from dpo_engine.preflight import Needs, PairFacts, PairsSummary, RefusedPair, Tally, columns_of
from dpo_engine.requests import Preflight
from dpo_engine.run_time import seconds_of, work_of
from dpo_engine.training import loggers, optimizers
from dpo_engine.training.plan import plan_of
from dpo_engine.training.setup import check_needs_no_held_out

AT_ONCE = 128
"""Pairs of one event: a tenth of a second's work."""
_SPREAD = 32


def preflight(request: Preflight) -> Iterator[Event | None]:
    """`PairsLookedAt` a few at a time and `PreflightDone`, then `PreflightMeasured`, each where asked for.

    Raises `BadInput` when no pair can be used or a setting cannot be, and errors as for loading a model.
    """
    config = request.config
    yield Progress(request=request.id, stage="Reading the pairs", done=0, total=0)
    loggers.check_available(config.report_to)
    model = outline(request.policy, config)
    optimizers.check_available(config, model.device)
    if config.method == "qlora":
        quantization.check_available(model.device)
    pairs, notes = _pairs_at(request.pairs)
    limit = most_tokens(model.config, config)
    if limit < config.max_length:
        notes.append(
            f"The model takes at most {limit} tokens, so max_length {config.max_length} is lowered to that."
        )
    for note in (*model.notes, *notes):
        yield Note(request=request.id, message=note)
    if request.facts:
        numbers = yield from _look(request, model, pairs, limit)
    else:
        numbers = _longest_by_survey(pairs, model, limit, 4 * _step(config))
    if request.measure:
        yield from _measured(request, numbers.longest(_step(config)), numbers.spread())


def most_tokens(model_config: Any, config: TrainConfig) -> int:
    """How long a pair may be: the config's `max_length`, or what the model takes."""
    stated = getattr(model_config.get_text_config(), "max_position_embeddings", None)
    return min(config.max_length, stated) if isinstance(stated, int) and stated > 0 else config.max_length


class _Numbered:
    """The usable pairs as tokens when they are asked for, with their sizes."""

    def __init__(self, tokens: PairsAsNeeded, sizes: Sequence[int]) -> None:
        self._tokens, self._sizes = tokens, sizes

    def __len__(self) -> int:
        return len(self._tokens)

    def longest(self, number: int) -> list[TokenizedPair]:
        largest = sorted(range(len(self)), key=lambda one: -self._sizes[one])[:number]
        return [self._tokens[one] for one in largest]

    def spread(self) -> list[TokenizedPair]:
        return [self._tokens[one] for one in range(0, len(self), max(1, len(self) // _SPREAD))]


def _pairs_at(path: str) -> tuple[Sequence[Pair], list[str]]:
    """The pairs, read when they are asked for where they come from a snapshot, and what is to be said."""
    if (Path(path) / "pairs").is_dir():
        return run_folder.open_pairs(Path(path)), []
    file = read_pairs(path)
    return file.pairs, [refusal_summary(file.refused)] if file.refused else []


def _look(
    request: Preflight, model: ModelOutline, pairs: Sequence[Pair], limit: int
) -> Generator[Event | None, None, _Numbered]:
    looker, tally, end = PairLooker(model.tokenizer), Tally(), end_of_turn(model.tokenizer)
    places: list[int] = []
    facts: list[PairFacts] = []
    refused: list[RefusedPair] = []
    number_refused = 0
    for place, pair in enumerate(pairs):
        try:
            facts.append(looker.look(tokenize_pair(model.tokenizer, pair, limit, end)))
        except BadInput as error:
            refused.append(RefusedPair(pair=pair.id, reason=str(error)))
        else:
            places.append(place)
            tally.add(facts[-1])
        if len(facts) + len(refused) == AT_ONCE or place == len(pairs) - 1:
            number_refused += len(refused)
            yield PairsLookedAt(request=request.id, facts=columns_of(facts), refused=tuple(refused))
            yield Progress(
                request=request.id,
                stage="Looking at the pairs",
                done=place + 1,
                total=len(pairs),
                unit="pairs",
            )
            first_refused = refused[0].reason if refused and not places else ""
            facts, refused = [], []
    if not places:
        raise BadInput(f"No pair can be used. {first_refused}".strip())
    numbers = _Numbered(PairsAsNeeded(pairs, places, model.tokenizer, limit), tally.packed)
    summary = tally.summary(refused=number_refused, most_tokens=limit)
    yield Progress(request=request.id, stage="Estimating memory and time", done=0, total=0)
    yield PreflightDone(
        request=request.id, summary=summary, needs=needs_of(request.config, model, summary, numbers)
    )
    return numbers


def needs_of(config: TrainConfig, model: ModelOutline, summary: PairsSummary, numbers: _Numbered) -> Needs:
    """What a run over these pairs will need. Raises `BadInput` for settings that no run can have."""
    if not summary.held_out:
        check_needs_no_held_out(config)
    cut = fit(
        model.config,
        config,
        numbers.longest(_step(config)),
        of=len(numbers),
        device=model.device,
        dtype=model.dtype,
    )
    steps = plan_of(config, summary.train).total_steps if summary.train else 0
    return Needs(
        device=model.device.type,
        dtype=str(model.dtype).removeprefix("torch."),
        parts=asdict(cut.expected),
        room=cut.room,
        token_budget=cut.token_budget,
        checkpoint_activations=cut.checkpoint_activations,
        steps=steps,
        seconds=_seconds(config, model, summary, cut, steps),
    )


def _seconds(config: TrainConfig, model: ModelOutline, summary: PairsSummary, cut: Fit, steps: int) -> float:
    a_token = expected_seconds_a_token(
        sizes_of(model.config, config),
        config,
        scored_share=summary.scored_tokens / (summary.train_tokens + summary.held_out_tokens),
        device=model.device,
        dtype=model.dtype,
        checkpointed=cut.checkpoint_activations,
    )
    work = work_of(summary, config, steps)
    return seconds_of(work, a_token, config, checkpointed=cut.checkpoint_activations)


def _longest_by_survey(pairs: Sequence[Pair], model: ModelOutline, limit: int, number: int) -> _Numbered:
    """As a run finds its longest pairs before it begins, without turning all of them into tokens."""
    known = survey(pairs, model.tokenizer, limit)
    if not len(known):
        raise BadInput(f"No pair can be used. {' '.join(known.refused[:1])}".strip())
    tokens = PairsAsNeeded(pairs, known.places, model.tokenizer, limit)
    sizes = [0] * len(known)
    for place in known.probably_longest(number):
        pair = tokens[place]
        sizes[place] = len(pair.prompt) + len(pair.chosen) + len(pair.rejected)
    return _Numbered(tokens, sizes)


def _measured(
    request: Preflight, longest: Sequence[TokenizedPair], usual: Sequence[TokenizedPair]
) -> Iterator[Event | None]:
    config = request.config
    yield Progress(request=request.id, stage="Loading the model", done=0, total=3)
    with RandomStream(config.seed, torch.device("cpu")).active():
        loaded = load_for_training(request.policy, config)
    device = loaded.device
    cut = cut_to_device(loaded, config, longest)
    turns = measure(loaded, longest, usual, cut.token_budget)
    done = 1
    while True:
        try:
            stage = next(turns)
        except StopIteration as ended:
            measured = ended.value
            break
        yield Progress(request=request.id, stage=stage, done=done, total=3)
        done += 1
    yield PreflightMeasured(request=request.id, measured=measured)
    del loaded, turns
    gc.collect()  # an adapted model is part of cycles
    free_cached_memory(device)


def _step(config: TrainConfig) -> int:
    """Pairs of one optimizer step."""
    return config.per_device_train_batch_size * config.gradient_accumulation_steps
