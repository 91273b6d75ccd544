"""Which pairs a comparison of trainers runs on, and in which order our plan takes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from dpo_engine.config import TrainConfig
from dpo_engine.pairs.tokenization import TokenizedPair, ensure_chat_template, tokenize_pairs
from dpo_engine.preferences import Pair, read_pairs
from dpo_engine.training.plan import plan_of


def uncut_pairs(
    file: Path, tokenizer_folder: Path, count: int, max_length: int
) -> tuple[list[Pair], list[TokenizedPair]]:
    """The first `count` pairs that fit into `max_length` whole, as they are and as token ids."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    ensure_chat_template(tokenizer)
    found = [pair for pair in read_pairs(file).pairs if pair.split == "train"]
    kept: list[Pair] = []
    tokenized: list[TokenizedPair] = []
    for pair in found:
        one, _ = tokenize_pairs(tokenizer, [pair], max_length)
        if one and not one[0].truncated:
            kept.append(pair)
            tokenized += one
        if len(kept) == count:
            break
    return kept, tokenized


def ids_in_order(
    *, config_of: dict[str, Any], tokenized: Sequence[TokenizedPair]
) -> list[dict[str, list[int]]]:
    """The first epoch's pairs in the order in which the steps take them, under TRL's names of the columns."""
    plan = plan_of(TrainConfig(**config_of), len(tokenized))
    order = [member for step in range(1, plan.steps_per_epoch + 1) for member in _members(plan.step(step))]
    return [
        {
            "prompt_ids": list(tokenized[member].prompt),
            "chosen_ids": list(tokenized[member].chosen),
            "rejected_ids": list(tokenized[member].rejected),
        }
        for member in order
    ]


def _members(step: Sequence[Any]) -> list[int]:
    """The pairs of a step, whether or not the plan has cut it into micro-batches."""
    return [number for part in step for number in (part if isinstance(part, tuple) else (part,))]
