"""The output layer: log π(token | tokens before it) from hidden states, a chunk at a time.

No [tokens, vocabulary] matrix is ever whole. What is kept for the backward pass is one number a token; the
logits are computed again there.

Products are computed in the type of the run's other products. With this layer alone in float32, margins of a
bfloat16 run on a CPU would be off by 0.18 nats on average instead of 0.29 (β times that in reward), for 5 to
9 % more time: most of what is left is the layers' rounding, which only a float32 run is free of.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from dpo_engine.forward.kept_gradients import add_up, gradient_of, is_kept, is_plain

CHUNK_ELEMENTS = 2**20
"""Logits of one chunk: 4 MB in float32, which stay in a processor's cache. On GPUs sixteen times as many."""


class Head:
    """Hidden states to logits: the output layer, then the scale or soft cap that some families add."""

    def __init__(self, causal: Any) -> None:
        config = causal.config.get_text_config()
        self.layer: Any = causal.get_output_embeddings()
        self.usable = self.layer is not None and causal.base_model is not causal
        self.vocabulary: int = config.vocab_size
        self._cap: float | None = getattr(config, "final_logit_softcapping", None)  # Gemma 2
        divisor = getattr(config, "logits_scaling", None) or 1.0  # Granite
        self._scale: float = (getattr(config, "logit_scale", None) or 1.0) / divisor  # Cohere

    def logits(self, hidden: Tensor) -> Tensor:
        """[…, width] -> […, vocabulary], at least float32."""
        logits: Tensor = at_least_float32(self.layer(hidden)) * self._scale
        return logits if self._cap is None else torch.tanh(logits / self._cap) * self._cap

    def log_probs(self, hidden: Tensor, target: Tensor, dtype: torch.dtype) -> Tensor:
        """[n, width] and [n] -> [n], at least float32; matrix products are computed in `dtype`."""
        if self._is_plain(hidden):
            plain: Tensor = _PlainHead.apply(hidden, self.layer.weight, target, dtype)  # type: ignore[no-untyped-call]
            return plain
        size = chunk_size(self.vocabulary, hidden.device)
        pieces = zip(torch.split(hidden, size), torch.split(target, size), strict=True)
        if torch.is_grad_enabled():
            return torch.cat(
                [
                    checkpoint(self._of_chunk, *piece, use_reentrant=False, preserve_rng_state=False)
                    for piece in pieces
                ]
            )
        return torch.cat([self._of_chunk(*piece) for piece in pieces])

    def _of_chunk(self, hidden: Tensor, target: Tensor) -> Tensor:
        return gathered_log_softmax(self.logits(hidden), target)

    def _is_plain(self, hidden: Tensor) -> bool:
        """A matrix and nothing else: no bias, scale or cap, no adapter on it, not spread over devices."""
        layer: Any = self.layer
        if not is_plain(layer, torch.nn.Linear) or getattr(layer, "bias", None) is not None:
            return False
        whole = type(layer.weight) in (Tensor, torch.nn.Parameter) and layer.weight.device == hidden.device
        return whole and self._cap is None and self._scale == 1.0


class _PlainHead(torch.autograd.Function):
    """log softmax(h Wᵀ)[target], a few columns of the vocabulary at a time; d/dlogits = onehot − softmax.

    Going by columns writes each row of the weight's gradient once, and the logits of a column block stay in
    a processor's cache.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, target: Tensor, dtype: torch.dtype) -> Tensor:
        states = hidden.to(dtype)
        precise = torch.promote_types(dtype, torch.float32)
        sums = torch.full((len(states),), float("-inf"), dtype=precise, device=states.device)
        result = torch.zeros_like(sums)
        for columns in _column_blocks(len(states), weight):
            logits = (states @ weight[columns].to(dtype).t()).to(precise)
            sums = torch.logaddexp(sums, logits.logsumexp(-1))
            inside, place = _places(target, columns)
            result += torch.where(inside, logits.gather(-1, place).squeeze(-1), 0)
        ctx.save_for_backward(hidden, weight, target, sums)
        ctx.dtype, ctx.weight = dtype, weight
        return result - sums

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, target, sums = ctx.saved_tensors
        states = hidden.to(ctx.dtype)
        to_hidden = torch.zeros(states.shape, dtype=sums.dtype, device=states.device)
        learns, kept = ctx.needs_input_grad[1], is_kept(ctx.weight)
        to_weight, begins = None, True
        if learns:
            to_weight, begins = gradient_of(ctx.weight) if kept else (torch.empty_like(weight), True)
        for columns in _column_blocks(len(states), weight):
            matrix = weight[columns].to(ctx.dtype)
            slope = (states @ matrix.t()).to(sums.dtype).sub_(sums[:, None]).exp_()
            inside, place = _places(target, columns)
            slope.scatter_add_(-1, place, -inside.to(slope.dtype)[:, None])
            slope = slope.mul_(-gradient[:, None]).to(ctx.dtype)
            to_hidden += slope @ matrix
            if to_weight is not None:
                add_up(to_weight[columns], slope.t() @ states, begins=begins)
        return to_hidden.to(hidden.dtype), None if kept else to_weight, None, None


def _column_blocks(tokens: int, matrix: Tensor) -> list[slice]:
    """Blocks of the vocabulary in which the logits of all tokens have at most a chunk's elements."""
    size = chunk_size(max(tokens, 1), matrix.device)
    return [slice(start, min(start + size, len(matrix))) for start in range(0, len(matrix), size)]


def _places(target: Tensor, columns: slice) -> tuple[Tensor, Tensor]:
    """[tokens]: is the target in this block? and [tokens, 1]: where (anywhere, if it is not)."""
    place = target - columns.start
    inside = (place >= 0) & (place < columns.stop - columns.start)
    return inside, torch.where(inside, place, 0)[:, None]


def chunk_size(other: int, device: torch.device) -> int:
    """Tokens beside a vocabulary of `other`, or columns of the vocabulary beside `other` tokens."""
    return max(1, (1 if device.type == "cpu" else 16) * CHUNK_ELEMENTS // other)


def gathered_log_softmax(logits: Tensor, target: Tensor) -> Tensor:
    """log softmax(logits)[target]: [n, vocabulary] and [n] -> [n]."""
    return logits.gather(-1, target[:, None]).squeeze(-1) - logits.logsumexp(-1)


def at_least_float32(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
