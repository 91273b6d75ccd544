"""How many bytes a forward pass keeps for its backward pass, counted on a thin copy of the model.

What is kept depends on the architecture, the method, the precision and the layout of a batch, so it is not
written down here but counted: the same code scores a batch of the same lengths under random models of one and
of two layers, with heads 8 and 16 wide, and autograd says what it keeps. For a given batch the bytes are
linear in the width (all widths in proportion) and linear in the number of layers, so four small passes give
those of the whole model.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from dpo_engine.config import TrainConfig
from dpo_engine.forward.activation_checkpointing import checkpoint_layers
from dpo_engine.forward.fast_norm import speed_up_norms
from dpo_engine.forward.kept_gradients import keep_gradients
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models import adapters
from dpo_engine.pairs.batches import collate
from dpo_engine.pairs.tokenization import TokenizedPair

Lengths = tuple[int, int, int]
"""Prompt, chosen and rejected tokens of a pair."""

_CPU = torch.device("cpu")
_WIDTHS = (8, 16)
"""Of a head in the thin copies."""
_SCALED = ("hidden_size", "intermediate_size", "head_dim", "n_embd", "n_inner", "ffn_dim")
_VOCABULARY = 64


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Bytes kept from the forward to the backward pass of one batch."""

    outside: float
    """By the embedding, the last norm and what all layers share (positions, masks)."""
    a_layer: float
    """By each layer."""
    layers: int

    @property
    def total(self) -> float:
        return self.outside + self.layers * self.a_layer


def kept_by(
    model_config: Any,
    config: TrainConfig,
    dtype: torch.dtype,
    lengths: Sequence[Lengths],
    *,
    checkpointed: bool = False,
    keeps: bool = False,
) -> Kept:
    """For pairs with these numbers of prompt, chosen and rejected tokens as one batch, computed in `dtype`.

    Without casts of weights, which do not depend on the batch. `checkpointed`: with activation
    checkpointing, of which the one layer that is computed again is not part. `keeps`: with `keep_gradients`.
    """
    text = model_config.get_text_config()
    heads: int = text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // heads
    shares = [thin / width for thin in _WIDTHS]

    def counted(share: float, layers: int) -> float:
        with torch.random.fork_rng():
            model = _thin(model_config, config, dtype, share, layers, keeps)
        if checkpointed:
            checkpoint_layers(model, dropout=config.lora_dropout > 0)
        casts = 0 if checkpointed or keeps else _bytes_of_casts(model, dtype)
        return _counted(model, dtype, lengths) - casts

    one, two = ([counted(share, layers) for share in shares] for layers in (1, 2))
    at_whole_width = [_extended(shares, counts) for counts in (one, two)]
    a_layer = at_whole_width[1] - at_whole_width[0]
    return Kept(outside=at_whole_width[0] - a_layer, a_layer=a_layer, layers=text.num_hidden_layers)


def _extended(shares: Sequence[float], counts: Sequence[float]) -> float:
    """The line through two points, at 1."""
    slope = (counts[1] - counts[0]) / (shares[1] - shares[0])
    return counts[0] + slope * (1 - shares[0])


def _counted(model: nn.Module, dtype: torch.dtype, lengths: Sequence[Lengths]) -> int:
    """Bytes that autograd keeps, the model's own weights aside."""
    pairs = [_blank(*numbers) for numbers in lengths]
    batch = collate(pairs, range(len(pairs)))
    scorer = LogProbs(model, device=_CPU, forward_dtype=dtype)
    owned = {one.untyped_storage().data_ptr() for one in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in owned:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        sums = scorer.sums(batch)
    total = sum(kept.values())
    del sums
    return total


def _thin(
    model_config: Any, config: TrainConfig, dtype: torch.dtype, share: float, layers: int, keeps: bool
) -> nn.Module:
    """A random model of the same kind as it is trained: frozen in `dtype` under an adapter, or whole."""
    thin = copy.deepcopy(model_config)
    text = thin.get_text_config()
    for name in _SCALED:
        if name not in text.attribute_map and isinstance(getattr(text, name, None), int):
            setattr(text, name, max(1, round(getattr(text, name) * share)))
    text.num_hidden_layers, text.vocab_size = layers, _VOCABULARY
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:layers]
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(text, name, 0)
    model: Any = AutoModelForCausalLM.from_config(thin, trust_remote_code=False).eval()
    speed_up_norms(model)  # as `models` does: they keep less than the library's
    if config.method == "full":
        whole: nn.Module = model.float()
        if keeps:
            keep_gradients(whole)
        return whole
    adapted: nn.Module = adapters.begin(model.to(dtype).requires_grad_(False), config, "").eval()
    return adapted


def _bytes_of_casts(model: nn.Module, dtype: torch.dtype) -> int:
    """Of the weights of linear layers that autocast keeps in `dtype` as well, the output layer's aside."""
    causal: Any = model
    head = causal.get_output_embeddings().weight
    cast: list[int] = [
        module.weight.numel()
        for module in causal.modules()
        if _is_linear(module) and module.weight is not head and module.weight.dtype != dtype
    ]
    return sum(cast) * dtype.itemsize


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def _blank(prompt: int, chosen: int, rejected: int) -> TokenizedPair:
    """A pair of these lengths that says nothing."""
    return TokenizedPair(
        id="", split="train", prompt=(0,) * prompt, chosen=(0,) * chosen, rejected=(0,) * rejected
    )
