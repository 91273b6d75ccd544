"""The weights of a Llama-shaped model, laid out for writing one token at a time.

At one token a row a forward pass is reading weights. Projections of the same input become one product, and
on a CPU their weights are copied once into oneDNN's blocked layout. Measured on two cores with AVX512-BF16,
the layers' products of a 135M model for two rows: 13.4 ms as they are, 7.2 ms blocked (float32: 46 and 12),
in bfloat16 the same to the last bit, however many rows. Copying takes 0.1 s. Nothing is approximated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn
from torch.nn import functional

from dpo_engine.forward.exact_lora import ExactLoraLinear
from dpo_engine.forward.kept_gradients import is_plain

_FAMILIES = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM")
_STEADY_ROTATIONS = ("default", "linear", "llama3", "yarn")
"""Rotary embeddings whose angle for a position does not depend on how long the text has become."""
_ROWS_EXPECTED = 16
"""oneDNN picks its layout for this many; measured as good for 1 to 64 as one of their own."""
_SHARE_OF_FREE_MEMORY = 0.5
"""The copy must leave room for what the request needs besides."""


class Projection:
    """y = W x + b for layers that share their input, side by side, each with its adapter if it has one.

    What is rounded when is as in the model: products in `dtype`, an adapter's output added in float32.
    """

    def __init__(self, layers: Sequence[nn.Module], dtype: torch.dtype, *, blocked: bool) -> None:
        plain = [_plain(layer) for layer in layers]
        self._dtype = dtype
        self._weights = [layer.weight.to(dtype) for layer in plain]
        self._biases = [None if layer.bias is None else layer.bias.to(dtype) for layer in plain]
        self._adapters = _adapters(layers, dtype)
        self._blocked = self._bias = None
        if blocked:
            whole = torch.cat(self._weights)
            self._blocked = torch.ops.mkldnn._reorder_linear_weight(whole, _ROWS_EXPECTED)
            self._multiply = torch.ops.mkldnn._linear_pointwise.default
            if any(bias is not None for bias in self._biases):
                self._bias = torch.cat(
                    [weight.new_zeros(len(weight)) if bias is None else bias for weight, bias in self._parts]
                )
            self._weights, self._biases = [], []

    def __call__(self, x: Tensor) -> Tensor:
        """[rows, in] -> [rows, all outs]; float32 where an adapter is among the layers, else `dtype`."""
        x = x.to(self._dtype)
        y = self._own(x)
        if not self._adapters:
            return y
        y = y.float()
        for adapter in self._adapters:
            adapter.add(x, y)
        return y

    def _own(self, x: Tensor) -> Tensor:
        if self._blocked is not None:
            # oneDNN cuts the sums of a single row otherwise than those of several. So there is never one: a
            # row that is left when the others have ended goes on as it began.
            alone = x.shape[0] == 1
            rows = x.expand(2, -1).contiguous() if alone else x
            y: Tensor = self._multiply(rows, self._blocked, self._bias, "none", [], "")
            return y[:1] if alone else y
        parts = [functional.linear(x, weight, bias) for weight, bias in self._parts]
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)

    @property
    def _parts(self) -> list[tuple[Tensor, Tensor | None]]:
        return list(zip(self._weights, self._biases, strict=True))


@dataclass(frozen=True)
class _Adapter:
    """B A x · scaling, for the outputs from `start` to `end`."""

    down: Tensor
    up: Tensor
    scaling: float
    start: int
    end: int

    def add(self, x: Tensor, y: Tensor) -> None:
        """`y` is float32 and changed in place."""
        added = functional.linear(functional.linear(x, self.down), self.up)
        y[:, self.start : self.end].add_(added.float().mul_(self.scaling))


@dataclass(frozen=True)
class Norm:
    """Zhang & Sennrich, "Root Mean Square Layer Normalization", arXiv 1910.07467, equation 4."""

    weight: Tensor
    epsilon: float

    def __call__(self, x: Tensor) -> Tensor:
        """Over the last dimension, in float32."""
        wide = x.float()
        share = wide.square().mean(-1, keepdim=True).add_(self.epsilon).rsqrt_()
        return self.weight * (wide * share).to(x.dtype)


@dataclass(frozen=True)
class Layer:
    before_attention: Norm
    query_key_value: Projection
    head_norm: Norm | None
    """Of every head of query and key, as in Qwen3."""
    output: Projection
    before_mlp: Norm
    gate_up: Projection
    activation: nn.Module
    down: Projection


@dataclass(frozen=True)
class DecodeWeights:
    """Everything that a step needs."""

    embedding: Tensor
    layers: tuple[Layer, ...]
    norm: Norm
    head: Projection
    rotary: nn.Module
    query_heads: int
    key_heads: int
    head_width: int
    scaling: float
    dtype: torch.dtype

    def rotation(self, length: int) -> tuple[Tensor, Tensor]:
        """cos and sin [length, head width] of every position, from the model's own rotary embedding."""
        places = torch.arange(length, device=self.embedding.device)[None]
        cos, sin = self.rotary(self.embedding[:1, None], places)
        return cos[0], sin[0]


@torch.inference_mode()
def decode_weights(model: Any, dtype: torch.dtype) -> DecodeWeights | None:
    """None for a model of another shape, or with parts that are not known here. `model` is not changed."""
    if not _is_known(model):
        return None
    body, blocked = model.model, _blocks(model, dtype)

    def projection(*layers: nn.Module) -> Projection:
        return Projection(layers, dtype, blocked=blocked)

    attention = body.layers[0].self_attn
    return DecodeWeights(
        embedding=body.embed_tokens.weight,
        layers=tuple(
            Layer(
                before_attention=_norm(layer.input_layernorm),
                query_key_value=projection(
                    layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj
                ),
                head_norm=_head_norm(layer.self_attn, model.config),
                output=projection(layer.self_attn.o_proj),
                before_mlp=_norm(layer.post_attention_layernorm),
                gate_up=projection(layer.mlp.gate_proj, layer.mlp.up_proj),
                activation=layer.mlp.act_fn,
                down=projection(layer.mlp.down_proj),
            )
            for layer in body.layers
        ),
        norm=_norm(body.norm),
        head=projection(model.lm_head),
        rotary=body.rotary_emb,
        query_heads=model.config.num_attention_heads,
        key_heads=model.config.num_key_value_heads,
        head_width=attention.head_dim,
        scaling=attention.scaling,
        dtype=dtype,
    )


def _is_known(model: Any) -> bool:
    config = model.config
    if type(model).__name__ not in _FAMILIES or model.training:
        return False
    rotation = (getattr(config, "rope_parameters", None) or {}).get("rope_type")
    kinds = set(getattr(config, "layer_types", None) or ())
    slides = getattr(config, "sliding_window", None) is not None and kinds != {"full_attention"}
    if rotation not in _STEADY_ROTATIONS or slides or kinds - {"full_attention"}:
        return False
    body = model.model
    if not is_plain(body.embed_tokens, nn.Embedding):
        return False
    products = [getattr(part, name, None) for part, name in _places(body)]
    return all(_is_usable(layer) for layer in (*products, model.lm_head))


def _places(body: Any) -> list[tuple[Any, str]]:
    attention, mlp = ("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_proj", "up_proj", "down_proj")
    return [(layer.self_attn, name) for layer in body.layers for name in attention] + [
        (layer.mlp, name) for layer in body.layers for name in mlp
    ]


def _is_usable(layer: Any) -> bool:
    """A plain linear layer of real numbers, or one with a single exact LoRA adapter that is switched on."""
    if is_plain(layer, nn.Linear):
        return bool(layer.weight.is_floating_point())
    if type(layer) is not ExactLoraLinear or not is_plain(layer.base_layer, nn.Linear):
        return False
    active = layer.active_adapters
    if layer.merged or layer.disable_adapters or len(active) != 1:
        return False
    name = active[0]
    return (
        name in layer.lora_A
        and name not in layer.lora_variant
        and layer.lora_A[name].bias is None
        and layer.lora_B[name].bias is None
    )


def _plain(layer: Any) -> nn.Linear:
    base: nn.Linear = layer if is_plain(layer, nn.Linear) else layer.base_layer
    return base


def _adapters(layers: Sequence[Any], dtype: torch.dtype) -> tuple[_Adapter, ...]:
    adapters: list[_Adapter] = []
    start = 0
    for layer in layers:
        end = start + _plain(layer).out_features
        if type(layer) is ExactLoraLinear:
            (name,) = layer.active_adapters
            down, up = layer.lora_A[name].weight.to(dtype), layer.lora_B[name].weight.to(dtype)
            adapters.append(_Adapter(down, up, layer.scaling[name], start, end))
        start = end
    return tuple(adapters)


def _norm(module: Any) -> Norm:
    return Norm(module.weight, module.variance_epsilon)


def _head_norm(attention: Any, config: Any) -> Norm | None:
    if not hasattr(attention, "q_norm"):
        return None
    query = attention.q_norm.weight.expand(config.num_attention_heads, -1)
    key = attention.k_norm.weight.expand(config.num_key_value_heads, -1)
    return Norm(torch.cat([query, key]), attention.q_norm.variance_epsilon)


def _blocks(model: Any, dtype: torch.dtype) -> bool:
    """Is there oneDNN for this type on this device, and memory for a copy of the weights?"""
    if model.device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    operations = torch.ops.mkldnn
    if not hasattr(operations, "_reorder_linear_weight") or not hasattr(operations, "_linear_pointwise"):
        return False
    if dtype == torch.bfloat16 and not operations._is_mkldnn_bf16_supported():
        return False
    copied = dtype.itemsize * sum(parameter.numel() for parameter in model.parameters())
    return bool(copied < _SHARE_OF_FREE_MEMORY * psutil.virtual_memory().available)
