"""log π(token | tokens before it) of response tokens, under one model, for training and scoring alike.

The backbone gives hidden states; those at the scored positions go through the output layer in chunks
(`head`). A model whose head is more than a linear layer with a known scale is noticed by comparing on a short
text when the scorer is made, and is then asked for its own logits. Pairs are packed with shared prompts where
the model can read that (`shared_prefix`), which is tried on a short text as well, and padded otherwise.
"""

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from dpo_engine.compute.device import precision
from dpo_engine.forward import shared_prefix
from dpo_engine.forward.compilation import CompiledLayers
from dpo_engine.forward.head import Head, at_least_float32, chunk_size, gathered_log_softmax
from dpo_engine.forward.shared_prefix import Sharing
from dpo_engine.pairs.batches import PairBatch, Rows
from dpo_engine.pairs.tokenization import TokenizedPair

_PROBE = TokenizedPair(
    id="probe", split="train", prompt=(1, 3, 2), chosen=(4, 1, 3), rejected=(2, 4, 4, 1, 3, 2)
)


class LogProbs:
    """Scores batches under one model: `scorer(batch)` is [scored] float32, differentiable.

    `forward_dtype` is what matrix products are computed in (the weights may be kept in another type).
    """

    def __init__(self, model: nn.Module, *, device: torch.device, forward_dtype: torch.dtype) -> None:
        self.model = model
        self.device = device
        self.forward_dtype = forward_dtype
        self._causal: Any = without_adapter_wrapper(model)
        self._head = Head(self._causal)
        self._splittable = self._head.usable and self._head_is_the_whole_story()
        self.sharing = self._settle_sharing()
        self._compiled: CompiledLayers | None = None

    def compile_layers(self) -> None:
        """From now on compute with compiled layers. Raises `BadInput` where this machine cannot compile."""
        self._compiled = CompiledLayers(self._causal)

    def __call__(self, batch: PairBatch) -> Tensor:
        rows = batch.packed if self.sharing.fits(batch.longest) else batch.padded
        with self._compiled.active() if self._compiled else nullcontext():
            return self._of_rows(rows.to(self.device))

    def sums(self, batch: PairBatch) -> Tensor:
        """[2, pairs] float32: log π(y_w|x) of every pair, then log π(y_l|x)."""
        return sum_by_response(self(batch), batch)

    def with_distributions(self, batch: PairBatch) -> tuple[Tensor, Iterator[tuple[Tensor, Tensor]]]:
        """[scored] as a call gives them; then all log-probs, [n, vocabulary] with [n] targets at a time.

        Not differentiable. That second pass of the output layer is computed as the iterator is asked.
        """
        rows = (batch.packed if self.sharing.fits(batch.longest) else batch.padded).to(self.device)
        with torch.no_grad(), self._precision():
            if not self._splittable:
                logits = self._whole_logits(rows)
                return gathered_log_softmax(logits, rows.target), self._chunks(logits, rows.target)
            hidden = _hidden(self._causal, rows)
            log_probs = self._head.log_probs(hidden, rows.target, self._product_dtype(hidden))
        return log_probs, self._chunks(hidden, rows.target)

    def _chunks(self, states: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """`states` are hidden ones, or logits where the head alone does not make them."""
        size = chunk_size(self._head.vocabulary, states.device)
        for part, places in zip(torch.split(states, size), torch.split(target, size), strict=True):
            with torch.no_grad(), self._precision():
                logits = self._head.logits(part) if self._splittable else part
                log_probs = logits.log_softmax(-1)
            yield log_probs, places

    def _of_rows(self, rows: Rows) -> Tensor:
        with self._precision():
            if not self._splittable:
                return gathered_log_softmax(self._whole_logits(rows), rows.target)
            hidden = _hidden(self._causal, rows)
            return self._head.log_probs(hidden, rows.target, self._product_dtype(hidden))

    def _precision(self) -> AbstractContextManager[Any]:
        """Opened for one forward pass only: autocast keeps cast weights, which a step makes stale."""
        return precision(self.device, self.forward_dtype)

    def _product_dtype(self, hidden: Tensor) -> torch.dtype:
        return hidden.dtype if self.forward_dtype == torch.float32 else self.forward_dtype

    def _whole_logits(self, rows: Rows) -> Tensor:
        """[scored, vocabulary], as the model itself makes them."""
        first = int(rows.column.min())
        logits = self._causal(**_inputs(rows), logits_to_keep=rows.input_ids.shape[1] - first).logits
        return at_least_float32(logits[rows.row, rows.column - first])

    @torch.no_grad()
    def _head_is_the_whole_story(self) -> bool:
        """Does head(backbone(ids)) equal what the model itself makes of the same ids?"""
        ids = torch.arange(1, 5, device=self.device)[None]
        with evaluating(self._causal), self._precision():
            own = at_least_float32(self._causal(input_ids=ids, use_cache=False).logits)
            states = self._causal.base_model(input_ids=ids, use_cache=False).last_hidden_state
            ours = self._head.logits(states)
        return own.shape == ours.shape and self._agree(own, ours)

    def _settle_sharing(self) -> Sharing:
        sharing = shared_prefix.declared(self._causal)
        if sharing.longest == 0:
            return sharing
        before = self._causal.config._attn_implementation
        shared_prefix.teach(self._causal)
        if self._packed_equals_padded():
            return sharing
        self._causal.set_attn_implementation(before)
        return Sharing(0, f"{type(self._causal).__name__} computes packed rows otherwise than separate ones.")

    @torch.no_grad()
    def _packed_equals_padded(self) -> bool:
        """In float32, since low precision makes more of a difference than a leak between responses may."""
        batch = PairBatch((_PROBE, _PROBE), (0, 1))
        try:
            model = self._causal if _is_float32(self._causal) else one_layer_of(self._causal)
            with evaluating(model):
                together, apart = (
                    _hidden(model, rows.to(_device(model))) for rows in (batch.packed, batch.padded)
                )
        except Exception:  # whatever a foreign model does with a row that it does not know
            return False
        return torch.allclose(together, apart, rtol=1e-4, atol=1e-4 * float(apart.abs().max()))

    def _agree(self, first: Tensor, second: Tensor) -> bool:
        tolerance = 1e-4 if self.forward_dtype == torch.float32 else 2e-2
        return torch.allclose(first, second, rtol=tolerance, atol=tolerance)


def _hidden(causal: Any, rows: Rows) -> Tensor:
    """[scored, width]: the states that predict the scored tokens."""
    states = causal.base_model(**_inputs(rows)).last_hidden_state
    picked: Tensor = states[rows.row, rows.column]
    return picked


def _inputs(rows: Rows) -> dict[str, Any]:
    inputs: dict[str, Any] = {"input_ids": rows.input_ids, "use_cache": False}
    if rows.layout is None:
        return inputs | {"attention_mask": rows.attention_mask}
    # A mask with four dimensions is passed on as it is; without one the library would build its own.
    passed_on = rows.input_ids.new_empty((1, 1, 0, 0))
    return inputs | {
        "attention_mask": passed_on,
        "position_ids": rows.position_ids,
        "shared_prefix": rows.layout,
    }


def one_layer_of(causal: Any) -> Any:
    """A model of the same kind with one layer, few tokens and random weights, in float32 on the CPU."""
    config = copy.deepcopy(causal.config)
    text = config.get_text_config()
    text.num_hidden_layers, text.vocab_size = 1, 8
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:1]
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(text, name, 0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = type(causal)(config).float()
    shared_prefix.teach(made)
    return made


def _is_float32(causal: Any) -> bool:
    return all(one.dtype in (torch.float32, torch.float64) for one in causal.parameters())


def _device(causal: Any) -> torch.device:
    device: torch.device = next(causal.parameters()).device
    return device


def sum_by_response(token_log_probs: Tensor, batch: PairBatch) -> Tensor:
    """[scored] -> [2, pairs]: the log-probs of each response added up, chosen ones first.

    Added response by response rather than by scattered addition, whose order CUDA does not fix.
    """
    return torch.stack([one.sum() for one in torch.split(token_log_probs, list(batch.lengths))]).view(
        2, batch.pairs
    )


def without_adapter_wrapper(model: Any) -> Any:
    """The causal language model itself; an adapter inside its layers stays active."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off inside the block, and every module's mode as it was after it."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
