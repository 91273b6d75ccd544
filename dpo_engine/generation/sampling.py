"""Drawing the next token of several candidates at once from logits, each by a generator of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dpo_engine.config import SamplingConfig
from dpo_engine.errors import EngineError

_LIKELY = 256
"""So many tokens nearly always hold the top-p mass, and finding them is 20 times faster than sorting all."""
_MORE = 16
"""Where they do not, this many times as many are looked at."""


class Sampler:
    """What one candidate draws with: the same seed and logits give the same tokens, in whatever company.

    In this order, as transformers does: repetition penalty, temperature, top-k, top-p. Temperature 0 takes
    the likeliest token. One uniform number a token is drawn on the CPU, whatever the model's device.
    """

    def __init__(self, sampling: SamplingConfig, seed: int, prompt: Tensor) -> None:
        """`prompt` [length] are the ids that the repetition penalty counts as said already."""
        self.sampling = sampling
        self._generator = torch.Generator().manual_seed(seed)
        self._said = prompt

    def number(self) -> float:
        """The next uniform number from 0 to 1."""
        return float(torch.rand((), generator=self._generator, dtype=torch.float64))

    def penalised(self, logits: Tensor) -> Tensor:
        """Keskar et al., "CTRL", arXiv 1909.05858, section 4.1; negative logits are multiplied instead."""
        penalty, said = self.sampling.repetition_penalty, self._said
        scores = logits[said]
        return logits.index_put((said,), torch.where(scores > 0, scores / penalty, scores * penalty))

    def say(self, token: int) -> None:
        self._said = torch.cat([self._said, self._said.new_tensor([token])])


def draw(samplers: Sequence[Sampler], logits: Tensor) -> list[int]:
    """A token id for each of the samplers, which share their settings, from its row of [rows, vocabulary].

    Raises `EngineError` where the logits are not numbers.
    """
    logits = logits.float()
    if not torch.isfinite(logits.amax(-1)).all():
        raise EngineError(
            "The model gave numbers that are not finite, so no text can be drawn from it. "
            "Try the precision float32; if it stays, the model is damaged."
        )
    sampling = samplers[0].sampling
    if sampling.repetition_penalty != 1.0:
        logits = torch.stack([one.penalised(row) for one, row in zip(samplers, logits, strict=True)])
    if sampling.temperature == 0:
        tokens: list[int] = logits.argmax(-1).tolist()
    else:
        numbers = torch.tensor([one.number() for one in samplers], dtype=torch.float64)
        tokens = _sampled(logits / sampling.temperature, numbers, sampling.top_k, sampling.top_p).tolist()
    if sampling.repetition_penalty != 1.0:
        for one, token in zip(samplers, tokens, strict=True):
            one.say(token)
    return tokens


def _sampled(logits: Tensor, numbers: Tensor, top_k: int, top_p: float, among: int = _LIKELY) -> Tensor:
    """[rows, vocabulary], [rows] -> [rows]; the likeliest `among` tokens are tried first."""
    probabilities, ids, enough = most_likely(logits, top_k, top_p, among)
    mass = probabilities.double().cumsum(-1)
    points = numbers[:, None] * mass[:, -1:]
    places = torch.searchsorted(mass, points, right=True).clamp_(max=mass.shape[1] - 1)
    tokens = (places if ids is None else ids.gather(1, places))[:, 0]
    if not enough.all():
        short = (~enough).nonzero()[:, 0]
        rows = logits[short.to(logits.device)]
        tokens[short] = _sampled(rows, numbers[short], top_k, top_p, among * _MORE)
    return tokens


def most_likely(
    logits: Tensor, top_k: int, top_p: float, among: int = _LIKELY
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Probabilities (not renormalised) of the tokens to draw from, their ids, and whether they are all.

    [rows, vocabulary] -> [rows, kept], [rows, kept] (None: all, in order), [rows], on the CPU. top-k keeps
    the k likeliest (0: all), then top-p the fewest of those whose share of the mass is at least `top_p`; the
    others have probability 0. A row may need more than the `among` likeliest: what it has is not all then.
    """
    size = logits.shape[-1]
    enough = torch.ones(len(logits), dtype=torch.bool)
    if 0 < top_k < size:
        values, ids = logits.topk(top_k)
        probabilities = values.softmax(-1).cpu()
    elif top_p < 1.0:
        values, ids = logits.topk(min(among, size))
        probabilities = (values - logits.logsumexp(-1, keepdim=True)).exp().cpu()
        if among < size:
            enough = probabilities.sum(-1) >= top_p
    else:
        return logits.softmax(-1).cpu(), None, enough
    if top_p < 1.0:
        before = probabilities.cumsum(-1) - probabilities
        kept = before < top_p
        kept[:, 0] = True
        probabilities = probabilities * kept
    return probabilities, ids.cpu(), enough
