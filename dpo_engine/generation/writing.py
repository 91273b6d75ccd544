"""Candidates for one prompt or for several at once, streamed while they are written."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from dpo_engine.config import SamplingConfig
from dpo_engine.errors import BadInput
from dpo_engine.events import Event, Note
from dpo_engine.generation.candidates import Candidates, Clock, Task
from dpo_engine.generation.decoding import Decoder
from dpo_engine.models.loading import LoadedModel
from dpo_engine.pairs.tokenization import end_of_turn_id
from dpo_engine.pairs.truncation import fit_prompt
from dpo_engine.preferences import Message
from dpo_engine.requests import Generate, GenerateMany
from dpo_engine.training.setup import context_length

MAX_CANDIDATES = 64


def generate(
    request: Generate,
    loaded: LoadedModel,
    *,
    decoder: Decoder | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[Event | None]:
    """Draw `request.n` candidates; yields None where there is nothing to tell but a cancel may act.

    Candidate i is drawn with seed `request.seed + i`, in one batch with the others. One that comes out
    equal to another (whitespace aside) is drawn again with another seed. `decoder` is the one kept for this
    model, if there is one. Raises `BadInput`.
    """
    _check_number(request.n)
    task, notes = _task(0, request.prompt, request.seed, request.sampling, loaded)
    for message in notes:
        yield Note(request=request.id, message=message)
    yield from Candidates(request, loaded, decoder or Decoder(loaded), clock).events([task])


def generate_many(
    request: GenerateMany,
    loaded: LoadedModel,
    *,
    decoder: Decoder | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[Event | None]:
    """As `generate`, for several prompts in one batch; candidate i of prompt p has the index p·n + i.

    A prompt that cannot be answered gets a warning and no candidate. Raises `BadInput`.
    """
    _check_number(request.n * len(request.prompts))
    tasks: list[Task] = []
    for number, asked in enumerate(request.prompts):
        try:
            task, notes = _task(number, asked.prompt, asked.seed, request.sampling, loaded)
        except BadInput as error:
            message = f"Prompt {number + 1} of {len(request.prompts)} is left out: {error}"
            yield Note(request=request.id, message=message, level="warning")
            continue
        tasks.append(task)
        for message in notes:
            yield Note(request=request.id, message=message)
    if tasks:
        yield from Candidates(request, loaded, decoder or Decoder(loaded), clock).events(tasks)


def _check_number(candidates: int) -> None:
    if not 1 <= candidates <= MAX_CANDIDATES:
        raise BadInput(f"{candidates} candidates were asked for; it must be from 1 to {MAX_CANDIDATES}.")


def _task(
    number: int, prompt: Sequence[Message], seed: int, sampling: SamplingConfig, loaded: LoadedModel
) -> tuple[Task, list[str]]:
    """At least half of the model's context is left to the prompt, the rest to the response."""
    if not prompt or prompt[-1].role != "user":
        raise BadInput("The prompt must end with a turn of the user.")
    notes: list[str] = []
    longest = context_length(loaded)
    limit = sampling.max_new_tokens
    room = 2**40 if longest is None else max(longest - limit, longest // 2)
    fitted = fit_prompt(loaded.tokenizer, prompt, room)
    if fitted.cut:
        notes.append(f"The prompt is too long for this model; its beginning was cut ({room} tokens stay).")
    if longest is not None:
        if len(fitted.ids) >= longest:
            raise BadInput(f"The prompt does not fit into the {longest} tokens that this model takes.")
        limit = min(limit, longest - len(fitted.ids))
    ids = torch.tensor(fitted.ids, device=loaded.device)
    return Task(number=number, prompt=ids, seed=seed, ends=end_ids(loaded), limit=limit), notes


def end_ids(loaded: LoadedModel) -> frozenset[int]:
    """Every token that ends a response: the template's end of turn, and what model and tokenizer name."""
    model: Any = loaded.model
    named = [
        loaded.tokenizer.eos_token_id,
        getattr(model.config, "eos_token_id", None),
        getattr(getattr(model, "generation_config", None), "eos_token_id", None),
    ]
    ends = {end_of_turn_id(loaded.tokenizer)}
    for ids in named:
        if ids is not None:
            ends.update([ids] if isinstance(ids, int) else ids)
    return frozenset(ends)
