"""Keys and values of rows of different lengths, written in place one token a row at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor

_ROOM = 256
_STEP = 64
"""Positions looked at are a multiple of this: a row's sums are then cut the same way in every batch."""


class DecodeCache:
    """Row r's text is at positions 0 to `lengths[r]`; what is behind that is masked, and always zeros or old.

    Memory: layers · rows · 2 · key heads · length · head width numbers, growing with the longest row.
    """

    def __init__(self, *, layers: int, key_heads: int, head_width: int, like: Tensor) -> None:
        """`like` has the type and the device."""
        self._like = like
        self._heads = key_heads
        self._shape = (layers, 0, 2 * key_heads, 0, head_width)
        self._stored = like.new_zeros(self._shape)
        self._mask = like.new_zeros((0, 1, 1, 0))
        self.lengths: list[int] = []
        self._looked_at = 0
        self._same = 0
        self._rows = self._places = torch.zeros(0, dtype=torch.long)

    def add_rows(self, prompt: Sequence[tuple[Tensor, Tensor]], rows: int) -> None:
        """Rows that all begin with one prompt: its keys and values [1, key heads, length, width] by layer."""
        length = prompt[0][0].shape[2]
        first = len(self.lengths)
        self._make_room(first + rows, length)
        for layer, (keys, values) in enumerate(prompt):
            self._stored[layer, first : first + rows, : self._heads, :length] = keys
            self._stored[layer, first : first + rows, self._heads :, :length] = values
        self.lengths += [length] * rows
        self._mask[first:, ..., :length] = 0

    def step_back(self, rows: Sequence[int]) -> None:
        """Forget the last token of these rows."""
        for row in rows:
            self.lengths[row] -= 1

    def advance(self) -> Tensor:
        """Room for one more token in every row; its positions [rows]."""
        longest = max(self.lengths) + 1
        self._make_room(len(self.lengths), longest)
        self._looked_at = -(-longest // _STEP) * _STEP
        self._same = self.lengths[0] if min(self.lengths) + 1 == longest else -1
        device = self._like.device
        self._rows = torch.arange(len(self.lengths), device=device)
        self._places = torch.tensor(self.lengths, device=device)
        self._mask[self._rows, 0, 0, self._places] = 0
        self.lengths = [length + 1 for length in self.lengths]
        return self._places

    def take(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keep each row's newest key and value [rows, key heads, width]; gives all so far, of every row."""
        stored = self._stored[layer]
        if self._same >= 0:
            stored[:, : self._heads, self._same] = keys
            stored[:, self._heads :, self._same] = values
        else:
            stored[self._rows, : self._heads, self._places] = keys.to(stored.dtype)
            stored[self._rows, self._heads :, self._places] = values.to(stored.dtype)
        return stored[:, : self._heads, : self._looked_at], stored[:, self._heads :, : self._looked_at]

    @property
    def mask(self) -> Tensor:
        """[rows, 1, 1, looked at], to be added to the attention's scores."""
        return self._mask[..., : self._looked_at]

    @torch.inference_mode()
    def drop(self, row: int) -> None:
        """Give up a row; the last one takes its place."""
        last = len(self.lengths) - 1
        if row != last:
            self._stored[:, row] = self._stored[:, last]
            self._mask[row] = self._mask[last]
            self.lengths[row] = self.lengths[last]
        self.lengths.pop()
        self._stored, self._mask = self._stored[:, :last], self._mask[:last]

    def _make_room(self, rows: int, length: int) -> None:
        old = self._stored
        layers, had, heads, capacity, width = old.shape
        if rows <= had and length <= capacity:
            return
        if length > capacity:
            capacity = -(-max(length + _ROOM, capacity * 3 // 2) // _STEP) * _STEP
        self._stored = old.new_zeros((layers, rows, heads, capacity, width))
        self._stored[:, :had, :, : old.shape[3]] = old
        mask = self._mask
        self._mask = mask.new_full((rows, 1, 1, capacity), -torch.inf)
        self._mask[:had, ..., : mask.shape[3]] = mask
