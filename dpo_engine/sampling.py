"""Drawing the next token from logits, by a generator of one's own."""

import torch
from torch import Tensor

from dpo_engine.config import SamplingConfig
from dpo_engine.errors import EngineError

_LIKELY = 256
"""So many tokens nearly always hold the top-p mass, and finding them is 20 times faster than sorting all."""


class Sampler:
    """Draws the tokens of one candidate: the same seed and logits give the same tokens.

    In this order, as transformers does: repetition penalty, temperature, top-k, top-p. Temperature 0 takes
    the likeliest token. One uniform number a token is drawn on the CPU, whatever the model's device.
    """

    def __init__(self, sampling: SamplingConfig, seed: int, prompt: Tensor) -> None:
        """`prompt` [length] are the ids that the repetition penalty counts as said already."""
        self._sampling = sampling
        self._generator = torch.Generator().manual_seed(seed)
        self._said = prompt

    def draw(self, logits: Tensor) -> int:
        """[vocabulary] -> a token id. Raises `EngineError` where the logits are not numbers."""
        logits = logits.float()
        if not torch.isfinite(logits.max()):
            raise EngineError(
                "The model gave numbers that are not finite, so no text can be drawn from it. "
                "Try the precision float32; if it stays, the model is damaged."
            )
        penalty = self._sampling.repetition_penalty
        if penalty != 1.0:
            logits = _penalised(logits, self._said, penalty)
        token = self._greedy(logits) if self._sampling.temperature == 0 else self._sampled(logits)
        if penalty != 1.0:
            self._said = torch.cat([self._said, self._said.new_tensor([token])])
        return token

    def _greedy(self, logits: Tensor) -> int:
        return int(logits.argmax())

    def _sampled(self, logits: Tensor) -> int:
        probabilities, ids = most_likely(
            logits / self._sampling.temperature, self._sampling.top_k, self._sampling.top_p
        )
        mass = probabilities.double().cumsum(0)
        point = float(torch.rand((), generator=self._generator, dtype=torch.float64)) * mass[-1]
        place = min(int(torch.searchsorted(mass, point, right=True)), len(mass) - 1)
        return place if ids is None else int(ids[place])


def most_likely(logits: Tensor, top_k: int, top_p: float) -> tuple[Tensor, Tensor | None]:
    """Probabilities (not renormalised) of the tokens to draw from, and their ids (None: all, in order).

    [vocabulary] -> [kept], [kept]. top-k keeps the k likeliest (0: all), then top-p the fewest of those
    whose share of the mass is at least `top_p`.
    """
    size = len(logits)
    if 0 < top_k < size:
        values, ids = logits.topk(top_k)
        probabilities = values.softmax(0)
    elif top_p < 1.0:
        values, ids = logits.topk(min(_LIKELY, size))
        total = logits.logsumexp(0)
        probabilities = (values - total).exp()
        if probabilities.sum() < top_p and len(ids) < size:
            values, ids = logits.sort(descending=True)
            probabilities = (values - total).exp()
    else:
        return logits.softmax(0), None
    if top_p < 1.0:
        before = probabilities.cumsum(0) - probabilities
        kept = max(int((before < top_p).sum()), 1)
        probabilities, ids = probabilities[:kept], ids[:kept]
    return probabilities, ids


def _penalised(logits: Tensor, said: Tensor, penalty: float) -> Tensor:
    """Keskar et al., "CTRL", arXiv 1909.05858, section 4.1; negative logits are multiplied instead."""
    scores = logits[said]
    return logits.index_put((said,), torch.where(scores > 0, scores / penalty, scores * penalty))
