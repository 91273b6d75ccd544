"""The output layer: log π(token | tokens before it) from hidden states, a chunk of tokens at a time.

No [tokens, vocabulary] matrix is ever whole. A chunk's logits live in one buffer that every chunk uses again;
what is kept for the backward pass is one number a token, and the chunk is computed again there.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

CHUNK_ELEMENTS = 2**22
"""Logits of one chunk: 16 MB in float32, which stay in a processor's cache. On GPUs four times as many."""


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
        if type(layer) is not torch.nn.Linear or getattr(layer, "bias", None) is not None:
            return False
        whole = type(layer.weight) in (Tensor, torch.nn.Parameter) and layer.weight.device == hidden.device
        return whole and self._cap is None and self._scale == 1.0


class _PlainHead(torch.autograd.Function):
    """log softmax(h Wᵀ)[target]; d/dlogits = onehot(target) − softmax."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, target: Tensor, dtype: torch.dtype) -> Tensor:
        states, matrix = hidden.to(dtype), weight.to(dtype)
        buffer = _buffer(matrix, len(states))
        result = torch.empty(len(states), dtype=buffer.dtype, device=states.device)
        sums = torch.empty_like(result)
        for chunk in _chunks(len(states), matrix):
            logits = _logits(states[chunk], matrix, buffer)
            sums[chunk] = logits.logsumexp(-1)
            result[chunk] = logits.gather(-1, target[chunk, None]).squeeze(-1) - sums[chunk]
        ctx.save_for_backward(hidden, weight, target, sums)
        ctx.dtype = dtype
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, target, sums = ctx.saved_tensors
        states, matrix = hidden.to(ctx.dtype), weight.to(ctx.dtype)
        to_hidden = torch.empty_like(states)
        to_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        buffer = _buffer(matrix, len(states))
        for chunk in _chunks(len(states), matrix):
            slope = _logits(states[chunk], matrix, buffer)
            slope.sub_(sums[chunk, None]).exp_()
            slope.scatter_add_(-1, target[chunk, None], slope.new_full((len(slope), 1), -1.0))
            slope = slope.mul_(-gradient[chunk, None]).to(ctx.dtype)
            torch.mm(slope, matrix, out=to_hidden[chunk])
            if to_weight is not None:
                to_weight += slope.t() @ states[chunk]
        return to_hidden.to(hidden.dtype), to_weight, None, None


def _logits(states: Tensor, matrix: Tensor, buffer: Tensor) -> Tensor:
    """states · matrixᵀ, written over `buffer`."""
    return buffer[: len(states)].copy_(states @ matrix.t())


def _buffer(matrix: Tensor, tokens: int) -> Tensor:
    rows = min(tokens, chunk_size(len(matrix), matrix.device))
    precise = torch.promote_types(matrix.dtype, torch.float32)
    return torch.empty(rows, len(matrix), dtype=precise, device=matrix.device)


def _chunks(tokens: int, matrix: Tensor) -> list[slice]:
    size = chunk_size(len(matrix), matrix.device)
    return [slice(start, min(start + size, tokens)) for start in range(0, tokens, size)]


def chunk_size(vocabulary: int, device: torch.device) -> int:
    """Tokens of one chunk."""
    return max(1, (1 if device.type == "cpu" else 4) * CHUNK_ELEMENTS // vocabulary)


def gathered_log_softmax(logits: Tensor, target: Tensor) -> Tensor:
    """log softmax(logits)[target]: [n, vocabulary] and [n] -> [n]."""
    return logits.gather(-1, target[:, None]).squeeze(-1) - logits.logsumexp(-1)


def at_least_float32(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
