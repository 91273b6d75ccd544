"""One decoding step of our own for Llama-shaped models: a token a row in, logits for the next one out.

It computes what transformers' forward does and rounds what that rounds, but leaves out what costs more than
the arithmetic at one token a row: keys repeated for every query head, masks and rotations built anew in each
call, caches copied to grow by a token. Whoever uses it compares its logits with the model's own first.
"""

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from dpo_engine.generation.decode_cache import DecodeCache
from dpo_engine.generation.decode_weights import DecodeWeights, Layer


class DecodeStep:
    """Rows of texts that grow by a token in each call."""

    def __init__(self, weights: DecodeWeights) -> None:
        self._weights = weights
        self._cos = self._sin = torch.zeros(0)
        self.cache = self.empty_cache()

    def empty_cache(self) -> DecodeCache:
        weights = self._weights
        return DecodeCache(
            layers=len(weights.layers),
            key_heads=weights.key_heads,
            head_width=weights.head_width,
            like=torch.zeros(0, dtype=weights.dtype, device=weights.embedding.device),
        )

    @torch.inference_mode()
    def __call__(self, tokens: Tensor) -> Tensor:
        """[rows] -> [rows, vocabulary]; the cache takes the tokens in.

        The mode ends with the call: what runs between two tokens may be a training step.
        """
        places = self.cache.advance()
        self._turn_up_to(max(self.cache.lengths))
        rotation = (self._cos[places, None], self._sin[places, None])
        mask = self.cache.mask
        x = torch.nn.functional.embedding(tokens, self._weights.embedding)
        for number, layer in enumerate(self._weights.layers):
            x = x + self._attention(number, layer, layer.before_attention(x), rotation, mask)
            x = x + _mlp(layer, layer.before_mlp(x))
        return self._weights.head(self._weights.norm(x))

    def _attention(
        self, number: int, layer: Layer, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor
    ) -> Tensor:
        """[rows, hidden] -> [rows, hidden]. Query heads that share keys stand side by side, not repeated."""
        weights = self._weights
        rows, turned = len(x), weights.query_heads + weights.key_heads
        heads = layer.query_key_value(x).view(rows, -1, weights.head_width)
        query_key = heads[:, :turned]
        if layer.head_norm is not None:
            query_key = layer.head_norm(query_key)
        query_key = _turn(query_key, *rotation)
        keys, values = self.cache.take(number, query_key[:, weights.query_heads :], heads[:, turned:])
        query = query_key[:, : weights.query_heads].to(weights.dtype)
        mixed = scaled_dot_product_attention(
            query.reshape(rows, weights.key_heads, -1, weights.head_width),
            keys,
            values,
            attn_mask=mask,
            scale=weights.scaling,
        )
        return layer.output(mixed.reshape(rows, -1))

    def _turn_up_to(self, length: int) -> None:
        if len(self._cos) < length:
            cos, sin = self._weights.rotation(2 * length)
            first, second = sin.chunk(2, -1)
            self._cos, self._sin = cos, torch.cat([-first, second], -1)


def _mlp(layer: Layer, x: Tensor) -> Tensor:
    gate, up = layer.gate_up(x).chunk(2, -1)
    return layer.down(layer.activation(gate) * up)


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Su et al., "RoFormer", arXiv 2104.09864, in halves; the first half of `sin` is negated already."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([second, first], -1) * sin
