"""log π(token | tokens before it) of response tokens, without a [tokens, vocabulary] matrix ever being whole.

The backbone gives hidden states; those at the scored positions go through the head in chunks, each followed
by a float32 log-softmax of which one number a token is kept. In the backward pass a chunk is computed again
instead of remembered. A model whose head is more than a linear layer with a known scale is noticed by
comparing on a short text when the scorer is made, and is then asked for its own logits.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dpo_engine.batches import PairBatch

CHUNK_ELEMENTS = 2**24
"""Logits in memory at once: 64 MB in float32."""


class LogProbs:
    """Scores batches under one model: `scorer(batch)` is [scored] float32, differentiable.

    `forward_dtype` is what matrix products are computed in (the weights may be kept in another type).
    """

    def __init__(self, model: nn.Module, *, device: torch.device, forward_dtype: torch.dtype) -> None:
        self.model = model
        self.device = device
        self.forward_dtype = forward_dtype
        self._causal: Any = _without_adapter_wrapper(model)
        self._head = _Head(self._causal)
        self._splittable = self._head.usable and self._head_is_the_whole_story()

    def __call__(self, batch: PairBatch) -> Tensor:
        batch = batch.to(self.device)
        with self._precision():
            if self._splittable:
                return self._chunked(self._hidden(batch), batch.target)
            return self._from_whole_logits(batch)

    def sums(self, batch: PairBatch) -> Tensor:
        """[2, pairs] float32: log π(y_w|x) of every pair, then log π(y_l|x)."""
        return sum_by_response(self(batch), batch)

    def _precision(self) -> AbstractContextManager[Any]:
        """Opened for one forward pass only: autocast keeps cast weights, which a step makes stale."""
        if self.forward_dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.forward_dtype)

    def _hidden(self, batch: PairBatch) -> Tensor:
        """[scored, width]: hidden states that predict the scored tokens."""
        states = self._causal.base_model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, use_cache=False
        ).last_hidden_state
        picked: Tensor = states[batch.row, batch.column]
        return picked

    def _chunked(self, hidden: Tensor, target: Tensor) -> Tensor:
        size = max(1, CHUNK_ELEMENTS // self._head.vocabulary)
        pieces = zip(torch.split(hidden, size), torch.split(target, size), strict=True)
        if torch.is_grad_enabled():
            return torch.cat(
                [
                    checkpoint(self._head.log_probs, *piece, use_reentrant=False, preserve_rng_state=False)
                    for piece in pieces
                ]
            )
        return torch.cat([self._head.log_probs(*piece) for piece in pieces])

    def _from_whole_logits(self, batch: PairBatch) -> Tensor:
        first = int(batch.column.min())
        logits = self._causal(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            use_cache=False,
            logits_to_keep=batch.input_ids.shape[1] - first,
        ).logits
        return gathered_log_softmax(logits[batch.row, batch.column - first].float(), batch.target)

    @torch.no_grad()
    def _head_is_the_whole_story(self) -> bool:
        """Does head(backbone(ids)) equal what the model itself makes of the same ids?"""
        ids = torch.arange(1, 5, device=self.device)[None]
        with _evaluating(self._causal), self._precision():
            own = self._causal(input_ids=ids, use_cache=False).logits.float()
            states = self._causal.base_model(input_ids=ids, use_cache=False).last_hidden_state
            ours = self._head.logits(states)
        tolerance = 1e-4 if self.forward_dtype == torch.float32 else 1e-2
        return own.shape == ours.shape and torch.allclose(own, ours, rtol=tolerance, atol=tolerance)


class _Head:
    """Hidden states to logits: the output layer, then the scale or soft cap that some families add."""

    def __init__(self, causal: Any) -> None:
        config = causal.config.get_text_config()
        self.layer: Any = causal.get_output_embeddings()
        self.usable = self.layer is not None and causal.base_model is not causal
        self.vocabulary: int = config.vocab_size
        self._cap: float | None = getattr(config, "final_logit_softcapping", None)  # Gemma
        divisor = getattr(config, "logits_scaling", None) or 1.0  # Granite
        self._scale: float = (getattr(config, "logit_scale", None) or 1.0) / divisor  # Cohere

    def logits(self, hidden: Tensor) -> Tensor:
        """[…, width] -> […, vocabulary] float32."""
        logits: Tensor = self.layer(hidden).float() * self._scale
        return logits if self._cap is None else torch.tanh(logits / self._cap) * self._cap

    def log_probs(self, hidden: Tensor, target: Tensor) -> Tensor:
        return gathered_log_softmax(self.logits(hidden), target)


def gathered_log_softmax(logits: Tensor, target: Tensor) -> Tensor:
    """log softmax(logits)[target]: [n, vocabulary] float32 and [n] -> [n]."""
    return logits.gather(-1, target[:, None]).squeeze(-1) - logits.logsumexp(-1)


def sum_by_response(token_log_probs: Tensor, batch: PairBatch) -> Tensor:
    """[scored] -> [2, pairs]: the log-probs of each response added up, chosen ones first.

    Added response by response rather than by scattered addition, whose order CUDA does not fix.
    """
    return torch.stack([one.sum() for one in torch.split(token_log_probs, list(batch.lengths))]).view(
        2, batch.pairs
    )


def _without_adapter_wrapper(model: Any) -> Any:
    """The causal language model itself; an adapter inside its layers stays active."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off inside the block, and every module's mode as it was after it."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
