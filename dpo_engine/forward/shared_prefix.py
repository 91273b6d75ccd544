"""Teaching a model to read packed rows: attention that keeps to the pairs, where that is right for the model.

transformers lets attention be replaced by name. Ours takes a packed row's layout along with the call; without
one it does what the library does, so the same model still writes text and reads padded rows.

What a model must be for this: attention over all earlier tokens in every layer, positions that enter through
`position_ids` alone, and no state that runs along the row. That is asked of its config and its classes, and
then tested once on a short text; a model that fails reads padded rows, and `Sharing.note` says so.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from dpo_engine.forward import flex_attention
from dpo_engine.forward.span_attention import Layout, capped_attention, masked_attention, span_attention

NAME = "shared_prefix"
_POSITIONS_OF_ITS_OWN = ("alibi", "use_alibi", "position_bias", "relative_attention_num_buckets")
_UNKNOWN_OPTIONS = ("s_aux", "position_bias")
"""What some families pass to attention and ours would have to know."""


@dataclass(frozen=True)
class Sharing:
    """`longest`: tokens of a prompt and response up to which rows may be packed; None: any, 0: never."""

    longest: int | None
    note: str = ""

    def fits(self, longest: int) -> bool:
        return self.longest is None or longest <= self.longest


def declared(causal: Any) -> Sharing:
    """What the model's own description allows."""
    config = causal.config.get_text_config()
    name = type(causal).__name__
    if getattr(causal, "_is_stateful", False):
        return Sharing(0, f"{name} keeps a state along the text.")
    if any(getattr(config, one, None) for one in _POSITIONS_OF_ITS_OWN):
        return Sharing(0, f"{name} measures distances between tokens in a way of its own.")
    if not getattr(causal, "_supports_attention_backend", False):
        return Sharing(0, f"{name} does not let its attention be replaced.")
    return Sharing(_window(config))


def teach(causal: Any) -> None:
    """Make the model use our attention, which is the library's where no packed row is read."""
    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    causal.set_attn_implementation(NAME)


def is_taught(causal: Any) -> bool:
    return bool(causal.config._attn_implementation == NAME)


def _window(config: Any) -> int | None:
    """Tokens that a layer with a sliding window looks back; None where every layer sees everything."""
    kinds = getattr(config, "layer_types", None)
    if kinds is not None and not any("sliding" in kind or "chunked" in kind for kind in kinds):
        return None if all("full" in kind for kind in kinds) else 0
    chunk = getattr(config, "attention_chunk_size", None)
    window = getattr(config, "sliding_window", None)
    if kinds is None and not getattr(config, "use_sliding_window", True):
        window = None
    sizes = [size for size in (window, chunk) if isinstance(size, int) and size > 0]
    return min(sizes) if sizes else (0 if kinds is not None else None)


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    shared_prefix: Any = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """[1, heads, tokens, width] -> [1, tokens, heads, width], as `transformers` asks of an attention."""
    cap = options.get("softcap")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if shared_prefix is None:
        if cap is not None:
            capped = masked_attention(query, key, value, _whole_mask(query, key, attention_mask), scale, cap)
            return capped.transpose(1, 2).contiguous(), None
        out, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
        return out, None
    if any(options.get(name) is not None for name in _UNKNOWN_OPTIONS):
        raise NotImplementedError(f"attention with {', '.join(_UNKNOWN_OPTIONS)}")
    if cap is not None:
        return capped_attention(query, key, value, shared_prefix, scale, cap), None
    # Rotated queries and keys come in float32, and values too from a layer with an adapter.
    dtype = product_dtype(value)
    return _uncompiled(query.to(dtype), key.to(dtype), value.to(dtype), shared_prefix, scale), None


def product_dtype(states: Tensor) -> torch.dtype:
    """What matrix products with `states` are computed in here: autocast's type where it is on."""
    kind = states.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _uncompiled(query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float) -> Tensor:
    """The number of pairs and all their lengths would be compiled in, and so again for every batch."""
    if flex_attention.works(query, key):
        mask = layout.on_device(query.device, flex_attention.block_mask)
        return flex_attention.block_attention(query, key, value, mask, scale)
    return span_attention(query, key, value, layout, scale)


def _whole_mask(query: Tensor, key: Tensor, given: Tensor | None) -> Tensor | None:
    """Without a mask the library means: every token sees those before it."""
    if given is not None or query.shape[2] == 1:
        return given
    seen = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool, device=query.device)
    return seen.tril(key.shape[2] - query.shape[2])
