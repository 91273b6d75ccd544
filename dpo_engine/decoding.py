"""The decoding loop: one prefill of the prompt, shared by all rows, then a token a row at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from dpo_engine.errors import ModelUnusable
from dpo_engine.sampling import Sampler

PREFILL_CHUNK = 512
"""Prompt tokens in one forward pass: bounds memory, and lets a cancel act inside a long prompt."""

Precision = Callable[[], AbstractContextManager[Any]]

Drawn = tuple[tuple[int, int], ...]
"""(row, token) for every row that is still going."""


def decode(
    model: Any,
    prompt: Tensor,
    samplers: Sequence[Sampler],
    *,
    ends: frozenset[int],
    limit: int,
    precision: Precision,
) -> Iterator[Drawn]:
    """Continue `prompt` [length] once for each sampler, with at most `limit` tokens a row.

    Yields nothing-drawn `()` after every part of the prefill and then every round of tokens, end tokens
    included; a row that drew one of `ends` is dropped and costs nothing more. `precision` gives what each
    forward pass runs under.
    """
    cache = DynamicCache(config=model.config)

    def forward(ids: Tensor) -> Tensor:
        with precision():
            return _forward(model, ids, cache)

    parts = torch.split(prompt, PREFILL_CHUNK)
    logits = forward(parts[0][None])
    for part in parts[1:]:
        yield ()
        logits = forward(part[None])
    yield ()
    _repeat(cache, len(samplers))
    logits = logits.expand(len(samplers), -1)
    going = list(range(len(samplers)))
    for _ in range(limit):
        drawn = tuple((row, samplers[row].draw(logits[place])) for place, row in enumerate(going))
        yield drawn
        staying = [place for place, (_, token) in enumerate(drawn) if token not in ends]
        if not staying:
            return
        if len(staying) < len(going):
            _select(cache, torch.tensor(staying, device=prompt.device))
            going = [going[place] for place in staying]
        tokens = torch.tensor([drawn[place][1] for place in staying], device=prompt.device)
        logits = forward(tokens[:, None])


@torch.inference_mode()
def _forward(model: Any, ids: Tensor, cache: DynamicCache) -> Tensor:
    """[rows, new] -> [rows, vocabulary]: logits after the last of the new ids; the cache takes them in.

    The mode ends with the call: what runs between two tokens may be a training step.
    """
    out = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    if getattr(out, "past_key_values", None) is None:
        raise ModelUnusable("This model keeps no cache of the text so far, so no text can be drawn from it.")
    logits: Tensor = out.logits[:, -1]
    return logits


@torch.inference_mode()
def _repeat(cache: DynamicCache, rows: int) -> None:
    if rows > 1:
        cache.batch_repeat_interleave(rows)


@torch.inference_mode()
def _select(cache: DynamicCache, places: Tensor) -> None:
    cache.batch_select_indices(places)
