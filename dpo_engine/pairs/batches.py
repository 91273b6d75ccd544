"""Pairs as tensors: which ids go through the model together, and which positions of them are scored.

Two ways to lay pairs out. *Packed*: all pairs in one row without padding, each as prompt, chosen, rejected,
so that a prompt is computed once for both responses; it needs attention that keeps to the pairs
(`span_attention`). *Padded*: every response in a row of its own after its prompt, which any model can read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

import torch
from torch import Tensor

from dpo_engine.forward.span_attention import Layout, Span
from dpo_engine.pairs.tokenization import TokenizedPair


@dataclass(frozen=True)
class PairBatch:
    """A few pairs; all chosen responses come before all rejected ones in `lengths` and `target`."""

    tokenized: tuple[TokenizedPair, ...]
    members: tuple[int, ...]
    """[pairs]: which of the run's pairs these are."""
    pinned: bool = False
    """Make rows in memory that CUDA copies from without stopping the program."""

    @property
    def pairs(self) -> int:
        return len(self.members)

    @property
    def responses(self) -> list[tuple[int, ...]]:
        return [pair.chosen for pair in self.tokenized] + [pair.rejected for pair in self.tokenized]

    @property
    def lengths(self) -> tuple[int, ...]:
        """[2 · pairs]: scored tokens of each response."""
        return tuple(map(len, self.responses))

    @property
    def tokens(self) -> int:
        """Of both sequences of every pair, prompts counted twice."""
        return sum(pair.tokens for pair in self.tokenized)

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt with one of its responses."""
        return max(len(pair.prompt) + max(len(pair.chosen), len(pair.rejected)) for pair in self.tokenized)

    @cached_property
    def target(self) -> Tensor:
        """[scored] int64: the scored tokens."""
        return torch.tensor([token for response in self.responses for token in response])

    @cached_property
    def packed(self) -> "Rows":
        """All pairs in one row, on the CPU. Made once for every model that reads it."""
        return _packed(self).pinned() if self.pinned else _packed(self)

    @cached_property
    def padded(self) -> "Rows":
        """A row for every response, on the CPU."""
        return _padded(self).pinned() if self.pinned else _padded(self)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A batch as a model takes it. A scored token is predicted by the hidden state of the one before it."""

    input_ids: Tensor
    """[rows, columns] int64."""
    position_ids: Tensor
    """[rows, columns] int64: places in each sequence's own text."""
    row: Tensor
    """[scored] int64: the row of each scored token's predecessor…"""
    column: Tensor
    """[scored] int64: …and its column."""
    target: Tensor
    """[scored] int64."""
    attention_mask: Tensor | None = None
    """[rows, columns] int64 of padded rows: 1 for a token, 0 for padding."""
    layout: Layout | None = None
    """Of a packed row."""

    def to(self, device: torch.device) -> "Rows":
        return self._with(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "Rows":
        return self._with(Tensor.pin_memory)

    def _with(self, change: Callable[[Tensor], Tensor]) -> "Rows":
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        changed: dict[str, Any] = {name: change(tensor) for name, tensor in tensors.items()}
        return replace(self, **changed)


def collate(pairs: Sequence[TokenizedPair], members: Iterable[int]) -> PairBatch:
    """One batch of `pairs`, which are numbered `members` in their run."""
    return PairBatch(tuple(pairs), tuple(members))


def packed_length(pair: TokenizedPair) -> int:
    """Tokens of a pair in a packed row, where the prompt stands once."""
    return len(pair.prompt) + len(pair.chosen) + len(pair.rejected)


class PackedLengths(Sequence[int]):
    """`packed_length` of each pair, found out when it is asked for."""

    def __init__(self, pairs: Sequence[TokenizedPair]) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    @overload
    def __getitem__(self, number: int) -> int: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[int, ...]: ...
    def __getitem__(self, number: int | slice) -> int | tuple[int, ...]:
        if isinstance(number, slice):
            return tuple(map(packed_length, self._pairs[number]))
        return packed_length(self._pairs[number])


def _packed(batch: PairBatch) -> Rows:
    ids: list[int] = []
    positions: list[int] = []
    spans: list[Span] = []
    before_chosen: list[int] = []
    before_rejected: list[int] = []
    for pair in batch.tokenized:
        span = Span(len(ids), len(pair.prompt), len(pair.chosen), len(pair.rejected))
        ids += (*pair.prompt, *pair.chosen, *pair.rejected)
        positions += (*range(span.prompt + span.chosen), *range(span.prompt, span.prompt + span.rejected))
        last_of_prompt = span.start + span.prompt - 1
        before_chosen += range(last_of_prompt, span.turn - 1)
        before_rejected += (last_of_prompt, *range(span.turn, span.end - 1))
        spans.append(span)
    column = torch.tensor(before_chosen + before_rejected)
    return Rows(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        row=torch.zeros_like(column),
        column=column,
        target=batch.target,
        layout=Layout(tuple(spans)),
    )


def _padded(batch: PairBatch) -> Rows:
    """Masks go by position, so the padding may be any id: here 0."""
    prompts = [pair.prompt for pair in batch.tokenized] * 2
    sequences = [(*prompt, *response) for prompt, response in zip(prompts, batch.responses, strict=True)]
    columns = max(map(len, sequences))
    input_ids = torch.zeros((len(sequences), columns), dtype=torch.int64)
    attention_mask = torch.zeros_like(input_ids)
    row: list[int] = []
    column: list[int] = []
    for number, (prompt, sequence) in enumerate(zip(prompts, sequences, strict=True)):
        input_ids[number, : len(sequence)] = torch.tensor(sequence)
        attention_mask[number, : len(sequence)] = 1
        row += [number] * (len(sequence) - len(prompt))
        column += range(len(prompt) - 1, len(sequence) - 1)
    return Rows(
        input_ids=input_ids,
        position_ids=torch.arange(columns).expand(len(sequences), -1),
        row=torch.tensor(row),
        column=torch.tensor(column),
        target=batch.target,
        attention_mask=attention_mask,
    )
