"""Responses to many prompts in one batch, by transformers' forward pass and a cache padded on the left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from dpo_engine.config import SamplingConfig
from dpo_engine.device import precision
from dpo_engine.generation import end_ids
from dpo_engine.models import LoadedModel
from dpo_engine.preferences import Message
from dpo_engine.tokenization import prompt_ids

ROWS = 64
"""Drawn at once."""
_LIKELY = 256
"""So many tokens nearly always hold the mass that top-p keeps."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    text: str
    tokens: int
    ended: bool
    """The policy ended it; False where it was cut at the limit."""


def draw_many(
    loaded: LoadedModel, prompts: Sequence[Sequence[Message]], seeds: Sequence[int], sampling: SamplingConfig
) -> list[Draw]:
    """One response for each prompt, drawn with its own seed; longest prompts together.

    The same seed gives the same text only in the same batch: at low precision the logits depend a little on
    the padding.
    """
    ids = [prompt_ids(loaded.tokenizer, prompt) for prompt in prompts]
    order = sorted(range(len(ids)), key=lambda place: -len(ids[place]))
    drawn: dict[int, Draw] = {}
    for start in range(0, len(order), ROWS):
        places = order[start : start + ROWS]
        rows = _Rows(loaded, [ids[place] for place in places], [seeds[place] for place in places], sampling)
        drawn |= zip(places, rows.finish(), strict=True)
    return [drawn[place] for place in range(len(ids))]


class _Rows:
    """Rows that are still going; one that drew an end token leaves the batch."""

    def __init__(
        self, loaded: LoadedModel, ids: list[list[int]], seeds: list[int], sampling: SamplingConfig
    ) -> None:
        self._loaded = loaded
        self._sampling = sampling
        self._ends = torch.tensor(sorted(end_ids(loaded)), device=loaded.device)
        model: Any = loaded.model
        self._adapted = hasattr(model, "get_base_model")
        self._model: Any = model.get_base_model() if self._adapted else model
        self._cache = DynamicCache(config=self._model.config)
        longest = max(map(len, ids))
        self._input = torch.tensor([[0] * (longest - len(one)) + one for one in ids], device=loaded.device)
        self._mask = torch.tensor(
            [[0] * (longest - len(one)) + [1] * len(one) for one in ids], device=loaded.device
        )
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        points = [torch.rand(sampling.max_new_tokens, generator=one) for one in generators]
        self._points = torch.stack(points).to(loaded.device)
        self._texts: list[list[int]] = [[] for _ in ids]
        self._ended = [False] * len(ids)

    @torch.inference_mode()
    def finish(self) -> list[Draw]:
        self._read_prompts()
        going = torch.arange(len(self._texts), device=self._loaded.device)
        for number in range(self._sampling.max_new_tokens):
            tokens = sampled(self._logits(), self._sampling, self._points[going, number])
            ended = torch.isin(tokens, self._ends)
            for row, token, end in zip(going.tolist(), tokens.tolist(), ended.tolist(), strict=True):
                if end:
                    self._ended[row] = True
                else:
                    self._texts[row].append(token)
            if ended.all():
                break
            if ended.any():
                staying = (~ended).nonzero().squeeze(1)
                self._cache.batch_select_indices(staying)
                going, tokens, self._mask = going[staying], tokens[staying], self._mask[staying]
            self._input = tokens[:, None]
            self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
        return [self._draw(*one) for one in zip(self._texts, self._ended, strict=True)]

    def _read_prompts(self) -> None:
        """All but the last token of each, without the head.

        With it the last of many positions would be taken as a slice, for which a CPU copies the head's
        weights once a row: 3.6 GB for 64 rows of the starter model.
        """
        early, self._input = self._input[:, :-1], self._input[:, -1:]
        if early.shape[1]:
            self._forward(self._model.base_model, early, self._mask[:, :-1])

    def _logits(self) -> Tensor:
        """[rows, vocabulary] after the last token of each row; the cache takes the input in."""
        logits: Tensor = self._forward(self._model, self._input, self._mask).logits[:, -1].float()
        return logits

    def _forward(self, module: Any, ids: Tensor, mask: Tensor) -> Any:
        dtype = (
            self._loaded.dtype if self._adapted else torch.float32
        )  # plain weights have their type already
        with precision(self._loaded.device, dtype):
            return module(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :],
                past_key_values=self._cache,
                use_cache=True,
            )

    def _draw(self, ids: list[int], ended: bool) -> Draw:
        text = str(self._loaded.tokenizer.decode(ids, skip_special_tokens=True))
        return Draw(text=text.strip(), tokens=len(ids), ended=ended)


def sampled(logits: Tensor, sampling: SamplingConfig, points: Tensor) -> Tensor:
    """[rows, vocabulary] float32 and one uniform number a row -> a token a row, by temperature and top-p."""
    if sampling.temperature == 0:
        return logits.argmax(-1)
    log_probs = (logits / sampling.temperature).log_softmax(-1)
    values, ids = log_probs.topk(min(_LIKELY, log_probs.shape[-1]))
    tokens = _taken(values, ids, sampling.top_p, points)
    wide = values.exp().sum(-1) < sampling.top_p
    if wide.any():  # sorting every row would take longer than the model does
        tokens[wide] = _taken(*log_probs[wide].sort(-1, descending=True), sampling.top_p, points[wide])
    return tokens


def _taken(log_probs: Tensor, ids: Tensor, top_p: float, points: Tensor) -> Tensor:
    """[rows, likeliest first] and their ids -> the id at each row's point of the mass that top-p keeps."""
    mass = log_probs.double().exp().cumsum(-1)
    kept = (mass - log_probs.double().exp() < top_p).sum(-1, keepdim=True)
    point = points.double()[:, None] * mass.gather(-1, kept - 1)
    place = torch.searchsorted(mass, point, right=True).minimum(kept - 1)
    return ids.gather(-1, place).squeeze(-1)
