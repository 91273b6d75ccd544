"""Pairs as tensors: which ids go through the model together, and which positions of them are scored.

A batch is a set of rows and a list of scored positions in them; nothing that uses one needs to know how
the rows were laid out. Here every response is a row of its own after its prompt, padded on the right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dpo_engine.tokenization import TokenizedPair


@dataclass(frozen=True, kw_only=True)
class PairBatch:
    """`pairs` pairs; all chosen responses come before all rejected ones, here and in `lengths`."""

    input_ids: Tensor
    """[rows, columns] int64."""
    attention_mask: Tensor
    """[rows, columns] int64: 1 for a token, 0 for padding."""
    row: Tensor
    """[scored] int64: the row of each scored token's predecessor…"""
    column: Tensor
    """[scored] int64: …and its column: the hidden state there predicts the token."""
    target: Tensor
    """[scored] int64: the scored token."""
    lengths: tuple[int, ...]
    """[2 · pairs]: scored tokens of each response, in the order of `target`."""
    members: tuple[int, ...]
    """[pairs]: which of the run's pairs these are."""
    tokens: int
    """Real tokens in the rows."""

    @property
    def pairs(self) -> int:
        return len(self.members)

    def to(self, device: torch.device) -> "PairBatch":
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            row=self.row.to(device),
            column=self.column.to(device),
            target=self.target.to(device),
        )


def collate(pairs: Sequence[TokenizedPair], members: Sequence[int], pad_id: int) -> PairBatch:
    """One batch of `pairs`. Masks go by position, so `pad_id` may be any id, the end token's too."""
    prompts = [pair.prompt for pair in pairs] * 2
    responses = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    columns = max(len(prompt) + len(response) for prompt, response in zip(prompts, responses, strict=True))
    input_ids = torch.full((len(prompts), columns), pad_id)
    attention_mask = torch.zeros((len(prompts), columns), dtype=torch.int64)
    row: list[int] = []
    column: list[int] = []
    for number, (prompt, response) in enumerate(zip(prompts, responses, strict=True)):
        length = len(prompt) + len(response)
        input_ids[number, :length] = torch.tensor((*prompt, *response))
        attention_mask[number, :length] = 1
        row += [number] * len(response)
        column += range(len(prompt) - 1, length - 1)
    return PairBatch(
        input_ids=input_ids,
        attention_mask=attention_mask,
        row=torch.tensor(row),
        column=torch.tensor(column),
        target=torch.tensor([token for response in responses for token in response]),
        lengths=tuple(len(response) for response in responses),
        members=tuple(members),
        tokens=sum(pair.tokens for pair in pairs),
    )
