"""A conversation's messages and a preference pair: what everything else passes around. Torch-free.

Import them from `preferences`, which also reads and writes the files they come in.
"""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "held_out"]


@dataclass(frozen=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A prompt (ending with a user turn) and its two responses, the better one known."""

    id: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    split: Split = "train"
    strength: int = 1
    """1 better, 2 or 3 much better."""
