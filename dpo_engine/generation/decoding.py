"""The decoding loop: each prompt once through the model, then a token a row at a time for all rows together.

What may be relied on: the same request gives the same texts on the same device with as many threads. A row's
generator is its own and its prompt is read alone, so what is beside it in a batch changes a text only where
it changes how the device rounds a last bit, which can turn a token and with it all that follow. On a CPU that
is seldom: of ten candidates with 11 to 100 tokens, drawn alone and with four other prompts, ten came out the
same in float32 and nine in bfloat16 (PyTorch's attention rounds differently on different threads).
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from dpo_engine.compute.device import precision
from dpo_engine.errors import ModelUnusable
from dpo_engine.generation.decode_step import DecodeStep
from dpo_engine.generation.decode_weights import DecodeWeights, decode_weights
from dpo_engine.generation.sampling import Sampler, draw
from dpo_engine.models.loading import LoadedModel

PREFILL_CHUNK = 512
"""Prompt tokens in one forward pass: bounds memory, and lets a cancel act inside a long prompt."""
_AGREEMENT = {torch.float32: 1e-3, torch.bfloat16: 0.2}
"""Largest distance of a step's logits from the model's own, as a share of their spread.

In bfloat16 transformers' own step is up to 0.06 away from its whole forward pass (40 prompts, a 135M model;
0.10 for ours), in float32 1e-5.
"""

Drawn = tuple[tuple[int, int], ...]
"""(row, token) for every row that drew one."""


@dataclass(frozen=True, kw_only=True)
class Stem:
    """A prompt [length], continued once for each sampler with at most `limit` tokens."""

    prompt: Tensor
    samplers: Sequence[Sampler]
    limit: int


@dataclass(kw_only=True)
class _Row:
    """A text being written."""

    number: int
    stem: int
    sampler: Sampler
    left: int
    token: int = -1


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A prompt that went through the model."""

    cache: DynamicCache
    logits: Tensor
    """[vocabulary], after its last token."""


class Decoder:
    """Writes with one loaded model."""

    def __init__(self, loaded: LoadedModel, *, fixed: bool = False) -> None:
        """`fixed`: the weights never change, so they are laid out once for all calls."""
        model: Any = loaded.model
        adapted = hasattr(model, "get_base_model")
        self._model: Any = model.get_base_model() if adapted else model
        self._dtype = loaded.dtype
        mixed = adapted or next(self._model.parameters()).dtype != loaded.dtype
        self._precision = partial(precision, loaded.device, loaded.dtype) if mixed else nullcontext
        self._device = loaded.device
        self._fixed = fixed
        self._weights: DecodeWeights | None = None
        self._by_itself = False
        """The step of our own was tried and does not suit this model."""

    def decode(self, stems: Sequence[Stem], *, ends: frozenset[int]) -> Iterator[Drawn]:
        """Continue the prompts; rows are numbered stem after stem.

        Yields nothing-drawn `()` while the prompts are read and then every round of tokens, end tokens
        included; a row that drew one of `ends` costs nothing more.
        """
        read: list[_Read] = []
        for stem in stems:
            one = yield from self._read(stem.prompt)
            read.append(one)
        rows = _rows(stems)
        logits = torch.stack([read[row.stem].logits for row in rows])
        yield _draw(rows, logits)
        rows = [row for row in rows if not _is_done(row, ends)]
        step = self._step(stems, read, rows) if rows and not self._by_itself else None
        if step is not None:
            yield from self._together(step, rows, ends)
            return
        for number, one in enumerate(read):
            yield from self._one_by_one(one, [row for row in rows if row.stem == number], ends)

    def _read(self, prompt: Tensor) -> Generator[Drawn, None, _Read]:
        cache = DynamicCache(config=self._model.config)
        logits = torch.zeros(0)
        for part in torch.split(prompt, PREFILL_CHUNK):
            logits = self._forward(part[None], cache)
            yield ()
        return _Read(cache=cache, logits=logits[0])

    def _tokens(self, rows: Sequence[_Row]) -> Tensor:
        return torch.tensor([row.token for row in rows], device=self._device)

    # By a step of our own, all rows together

    def _together(self, step: DecodeStep, rows: list[_Row], ends: frozenset[int]) -> Iterator[Drawn]:
        while rows:
            yield _draw(rows, step(self._tokens(rows)))
            for place in range(len(rows) - 1, -1, -1):
                if _is_done(rows[place], ends):
                    step.cache.drop(place)
                    rows[place] = rows[-1]
                    rows.pop()

    @torch.inference_mode()
    def _step(self, stems: Sequence[Stem], read: Sequence[_Read], rows: Sequence[_Row]) -> DecodeStep | None:
        """Ready to take each row's first token in; None where it does not say what the model says."""
        weights = self._weights or decode_weights(self._model, self._dtype)
        if weights is None:
            self._by_itself = True
            return None
        step = DecodeStep(weights)
        for number, one in enumerate(read):
            count = sum(row.stem == number for row in rows)
            if count:
                step.cache.add_rows([(layer.keys, layer.values) for layer in one.cache.layers], count)
        step.cache.step_back(range(len(rows)))
        ours = step(torch.stack([stems[row.stem].prompt[-1] for row in rows]))
        theirs = torch.stack([read[row.stem].logits for row in rows])
        if not _agree(ours.float(), theirs.float(), _AGREEMENT[self._dtype]):
            self._weights, self._by_itself = None, True
            return None
        if self._fixed:
            self._weights = weights
        return step

    # By the model itself, one prompt after another

    def _one_by_one(self, read: _Read, rows: list[_Row], ends: frozenset[int]) -> Iterator[Drawn]:
        cache = read.cache
        _repeat(cache, len(rows))
        while rows:
            yield _draw(rows, self._forward(self._tokens(rows)[:, None], cache))
            places = [place for place, row in enumerate(rows) if not _is_done(row, ends)]
            if places and len(places) < len(rows):
                _select(cache, torch.tensor(places, device=self._device))
            rows = [rows[place] for place in places]

    @torch.inference_mode()
    def _forward(self, ids: Tensor, cache: DynamicCache) -> Tensor:
        """[rows, new] -> [rows, vocabulary]: logits after the last of the new ids; the cache takes them in.

        The mode ends with the call: what runs between two tokens may be a training step.
        """
        with self._precision():
            out = self._model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        if getattr(out, "past_key_values", None) is None:
            raise ModelUnusable(
                "This model keeps no cache of the text so far, so no text can be drawn from it."
            )
        logits: Tensor = out.logits[:, -1]
        return logits


def _rows(stems: Sequence[Stem]) -> list[_Row]:
    pairs = [(number, sampler) for number, stem in enumerate(stems) for sampler in stem.samplers]
    return [
        _Row(number=number, stem=stem, sampler=sampler, left=stems[stem].limit)
        for number, (stem, sampler) in enumerate(pairs)
    ]


def _draw(rows: Sequence[_Row], logits: Tensor) -> Drawn:
    """From [rows, vocabulary]; each row keeps its token."""
    for row, token in zip(rows, draw([row.sampler for row in rows], logits), strict=True):
        row.token = token
        row.left -= 1
    return tuple((row.number, row.token) for row in rows)


def _is_done(row: _Row, ends: frozenset[int]) -> bool:
    return row.left < 1 or row.token in ends


def _agree(ours: Tensor, theirs: Tensor, most: float) -> bool:
    """[rows, vocabulary] each: is every row of `ours` near enough?"""
    spread = (theirs - theirs.mean(-1, keepdim=True)).norm(dim=-1)
    return bool(((ours - theirs).norm(dim=-1) <= most * spread).all())


@torch.inference_mode()
def _repeat(cache: DynamicCache, rows: int) -> None:
    if rows > 1:
        cache.batch_repeat_interleave(rows)


@torch.inference_mode()
def _select(cache: DynamicCache, places: Tensor) -> None:
    cache.batch_select_indices(places)
