"""A first look at a run's pairs that turns none of them into tokens unless it must.

Reading a pair and writing it out by the chat template takes 0.1 ms, turning it into tokens ten times as long.
So a run looks which pairs can be used and how long they may be, and leaves the tokens to the steps
(`as_needed`). How long is known from above: no token is shorter than a byte.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
from transformers import PreTrainedTokenizerBase

from dpo_engine.conversations import Message, Pair
from dpo_engine.errors import BadInput
from dpo_engine.pairs.snapshots import PairsHash
from dpo_engine.pairs.tokenization import end_of_turn, rendered, tokenize_pair

_MARKS = 16
"""Tokens more than bytes at most: those that a tokenizer sets before a text, and the end of the turn."""
_HASH_BYTES = 16


@dataclass(kw_only=True)
class Survey:
    """What is known of the pairs that can be used; they are numbered from 0, in the order of the snapshot."""

    places: "array[int]" = field(default_factory=lambda: array("q"))
    """Which pair of the snapshot each is."""
    sides: "array[int]" = field(default_factory=lambda: array("I"))
    """Tokens of each prompt with the longer of its responses, at most."""
    sizes: "array[int]" = field(default_factory=lambda: array("I"))
    """Tokens of each prompt with both responses, at most; of two pairs the larger is probably the longer."""
    hashes: bytearray = field(default_factory=bytearray)
    train_pairs: int = 0
    refused: list[str] = field(default_factory=list)
    """For each pair that cannot be used a sentence that names it."""
    pairs_hash: str = ""
    """Of the whole snapshot."""

    def __len__(self) -> int:
        return len(self.places)

    def text_hashes(self) -> Sequence[bytes]:
        """`text_hash` of each pair."""
        every = range(0, len(self.hashes), _HASH_BYTES)
        return [bytes(self.hashes[start : start + _HASH_BYTES]) for start in every]

    def probably_longest(self, number: int) -> list[int]:
        """Of so many pairs, the largest first."""
        return sorted(range(len(self)), key=lambda one: -self.sizes[one])[:number]

    def maybe_longer(self, max_length: int) -> Iterator[int]:
        """The pairs that may have more than `max_length` tokens on a side."""
        return (number for number, side in enumerate(self.sides) if side > max_length)


def survey(pairs: Iterable[Pair], tokenizer: PreTrainedTokenizerBase, max_length: int) -> Survey:
    """Look at each of `pairs` once, in order."""
    found = Survey()
    whole = PairsHash()
    end = end_of_turn(tokenizer)
    for place, pair in enumerate(pairs):
        whole.add(pair)
        try:
            prompt = _prompt_size(tokenizer, pair)
            if prompt >= max_length and not _frame_fits(tokenizer, pair.prompt, max_length):
                tokenize_pair(tokenizer, pair, max_length, end)
        except BadInput as error:
            found.refused.append(str(error))
            continue
        chosen, rejected = (len(text.encode()) + _MARKS for text in (pair.chosen, pair.rejected))
        found.places.append(place)
        found.sides.append(prompt + max(chosen, rejected))
        found.sizes.append(prompt + chosen + rejected)
        found.hashes += text_hash(pair)
        found.train_pairs += pair.split == "train"
    found.pairs_hash = whole.hexdigest()
    return found


def text_hash(pair: Pair) -> bytes:
    """16 bytes that stand for the words of prompt, chosen and rejected."""
    words = msgspec.json.encode((pair.prompt, pair.chosen, pair.rejected))
    return hashlib.blake2b(words, digest_size=_HASH_BYTES).digest()


def _prompt_size(tokenizer: PreTrainedTokenizerBase, pair: Pair) -> int:
    """Its tokens at most. Raises `BadInput`, naming the pair, where the template refuses it."""
    try:
        return len(rendered(tokenizer, pair.prompt).encode()) + _MARKS
    except BadInput as error:
        raise BadInput(f"Pair {pair.id} cannot be used: {error}") from error


def _frame_fits(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], limit: int) -> bool:
    """Whether what a prompt always keeps (all before its first user's turn, and an empty one) is surely below
    `limit` tokens. False where only turning it into tokens can tell."""
    first = next((place for place, message in enumerate(messages) if message.role == "user"), 0)
    try:
        return len(rendered(tokenizer, [*messages[:first], Message("user", "")]).encode()) + _MARKS < limit
    except BadInput:
        return False
