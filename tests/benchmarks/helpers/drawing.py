"""Responses to many prompts, drawn in batches by the engine's own decoder, equal ones and all."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from dpo_engine.config import SamplingConfig
from dpo_engine.generation.decoding import Decoder, Stem
from dpo_engine.generation.sampling import Sampler
from dpo_engine.generation.writing import end_ids
from dpo_engine.models.loading import LoadedModel
from dpo_engine.pairs.tokenization import prompt_ids
from dpo_engine.preferences import Message

ROWS = 64
"""Drawn at once."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    text: str
    tokens: int
    ended: bool
    """The policy ended it; False where it was cut at the limit."""


def draw_many(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[Message]],
    each: int,
    *,
    first_seed: int,
    sampling: SamplingConfig,
) -> list[list[Draw]]:
    """`each` responses to every prompt, every one with a seed of its own, counted up from `first_seed`."""
    decoder, ends = Decoder(loaded, fixed=True), end_ids(loaded)
    draws: list[list[Draw]] = []
    at_once = max(1, ROWS // each)
    for start in range(0, len(prompts), at_once):
        stems = [
            _stem(loaded, prompt, range(seed, seed + each), sampling)
            for prompt, seed in zip(
                prompts[start : start + at_once],
                range(first_seed + start * each, first_seed + len(prompts) * each, each),
                strict=False,
            )
        ]
        rows = _written(decoder, stems, ends)
        flat = [_draw(loaded, row, ends) for row in rows]
        draws += [flat[place : place + each] for place in range(0, len(flat), each)]
    return draws


def _stem(
    loaded: LoadedModel, prompt: Sequence[Message], seeds: Sequence[int], sampling: SamplingConfig
) -> Stem:
    ids = torch.tensor(prompt_ids(loaded.tokenizer, prompt), device=loaded.device)
    samplers = [Sampler(sampling, seed, ids) for seed in seeds]
    return Stem(prompt=ids, samplers=samplers, limit=sampling.max_new_tokens)


def _written(decoder: Decoder, stems: Sequence[Stem], ends: frozenset[int]) -> list[list[int]]:
    """The ids of each row, its end token too if it drew one."""
    rows: list[list[int]] = [[] for stem in stems for _ in stem.samplers]
    for drawn in decoder.decode(stems, ends=ends):
        for row, token in drawn:
            rows[row].append(token)
    return rows


def _draw(loaded: LoadedModel, ids: list[int], ends: frozenset[int]) -> Draw:
    ended = bool(ids) and ids[-1] in ends
    said = ids[:-1] if ended else ids
    text = str(loaded.tokenizer.decode(said, skip_special_tokens=True)).strip()
    return Draw(text=text, tokens=len(said), ended=ended)
