"""What can be said of a run before it begins: its pairs in tokens, what it needs, and how long it takes.

Records only, and the sums over them. Torch-free: the engine makes them, the app and the command line show
them.
"""

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntFlag
from statistics import median_low

from dpo_engine.conversations import Split


class Mark(IntFlag):
    """What is so of a pair, as bits of one number."""

    HELD_OUT = 1
    HAS_BOS = 2
    PROMPT_CUT = 4
    CHOSEN_CUT = 8
    REJECTED_CUT = 16
    IDENTICAL = 32
    """Chosen and rejected are the same tokens, so that nothing can be learned from them."""
    DUPLICATE = 64
    """An earlier pair has the same prompt, chosen and rejected."""
    CONTRADICTS = 128
    """An earlier pair with the same prompt has chosen and rejected the other way round."""


CUT = Mark.PROMPT_CUT | Mark.CHOSEN_CUT | Mark.REJECTED_CUT


@dataclass(frozen=True, kw_only=True, slots=True)
class PairFacts:
    """What training will see of a pair, and what a person may want to look at again."""

    id: str
    split: Split
    prompt_tokens: int
    chosen_tokens: int
    """Scored, with the end of the turn; likewise the rejected ones."""
    rejected_tokens: int
    has_bos: bool
    prompt_cut: bool
    chosen_cut: bool
    rejected_cut: bool
    identical_sides: bool
    """Chosen and rejected are the same tokens, so that nothing can be learned from them."""
    duplicate_of: str = ""
    """The first pair with the same prompt, chosen and rejected."""
    contradicts: str = ""
    """The first pair with the same prompt that has chosen and rejected the other way round."""

    @property
    def cut(self) -> bool:
        return self.prompt_cut or self.chosen_cut or self.rejected_cut

    @property
    def marks(self) -> Mark:
        said = {
            Mark.HELD_OUT: self.split == "held_out",
            Mark.HAS_BOS: self.has_bos,
            Mark.PROMPT_CUT: self.prompt_cut,
            Mark.CHOSEN_CUT: self.chosen_cut,
            Mark.REJECTED_CUT: self.rejected_cut,
            Mark.IDENTICAL: self.identical_sides,
            Mark.DUPLICATE: bool(self.duplicate_of),
            Mark.CONTRADICTS: bool(self.contradicts),
        }
        return Mark(sum(mark for mark, so in said.items() if so))


@dataclass(frozen=True, kw_only=True)
class Twin:
    """A pair that says again, or turns round, what an earlier one says."""

    pair: str
    earlier: str


@dataclass(frozen=True, kw_only=True)
class RefusedPair:
    """A pair that cannot be trained on, and why, as a sentence."""

    pair: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FactColumns:
    """The facts of a few pairs, one after another, a column each."""

    ids: tuple[str, ...]
    prompt_tokens: tuple[int, ...]
    chosen_tokens: tuple[int, ...]
    rejected_tokens: tuple[int, ...]
    marks: tuple[int, ...]
    """Each a `Mark`."""
    duplicates: tuple[Twin, ...] = ()
    contradictions: tuple[Twin, ...] = ()


def columns_of(facts: Iterable[PairFacts]) -> FactColumns:
    rows = tuple(facts)
    return FactColumns(
        ids=tuple(row.id for row in rows),
        prompt_tokens=tuple(row.prompt_tokens for row in rows),
        chosen_tokens=tuple(row.chosen_tokens for row in rows),
        rejected_tokens=tuple(row.rejected_tokens for row in rows),
        marks=tuple(int(row.marks) for row in rows),
        duplicates=tuple(Twin(pair=row.id, earlier=row.duplicate_of) for row in rows if row.duplicate_of),
        contradictions=tuple(Twin(pair=row.id, earlier=row.contradicts) for row in rows if row.contradicts),
    )


def facts_in(columns: FactColumns) -> Iterator[PairFacts]:
    """The facts that `columns_of` was made of."""
    duplicates = {one.pair: one.earlier for one in columns.duplicates}
    contradictions = {one.pair: one.earlier for one in columns.contradictions}
    rows = zip(
        columns.ids,
        columns.prompt_tokens,
        columns.chosen_tokens,
        columns.rejected_tokens,
        columns.marks,
        strict=True,
    )
    for name, prompt, chosen, rejected, marks in rows:
        yield PairFacts(
            id=name,
            split="held_out" if marks & Mark.HELD_OUT else "train",
            prompt_tokens=prompt,
            chosen_tokens=chosen,
            rejected_tokens=rejected,
            has_bos=bool(marks & Mark.HAS_BOS),
            prompt_cut=bool(marks & Mark.PROMPT_CUT),
            chosen_cut=bool(marks & Mark.CHOSEN_CUT),
            rejected_cut=bool(marks & Mark.REJECTED_CUT),
            identical_sides=bool(marks & Mark.IDENTICAL),
            duplicate_of=duplicates.get(name, ""),
            contradicts=contradictions.get(name, ""),
        )


@dataclass(frozen=True, kw_only=True)
class LengthBias:
    """How far the verdicts follow the length of the responses. Over the training pairs, in tokens."""

    pairs: int = 0
    chosen_longer: int = 0
    chosen_shorter: int = 0
    mean_difference: float = 0.0
    """Chosen less rejected."""
    correlation: float = 0.0
    """Pearson's r of "is the chosen one" and a response's length beside its pair's mean.

    With d = chosen − rejected of a pair both lie symmetrically around 0, so r = Σd / √(n Σd²): 1 where the
    chosen response is always longer by the same number of tokens, 0 where length does not matter.
    """


def length_bias(differences: Iterable[int]) -> LengthBias:
    """From each pair's chosen less rejected tokens."""
    found = tuple(differences)
    squares = sum(one * one for one in found)
    return LengthBias(
        pairs=len(found),
        chosen_longer=sum(one > 0 for one in found),
        chosen_shorter=sum(one < 0 for one in found),
        mean_difference=sum(found) / len(found) if found else 0.0,
        correlation=sum(found) / math.sqrt(len(found) * squares) if squares else 0.0,
    )


@dataclass(frozen=True, kw_only=True)
class PairsSummary:
    """All pairs of a run in figures. Tokens are counted as training computes them."""

    train: int = 0
    held_out: int = 0
    refused: int = 0
    train_tokens: int = 0
    """Of the training pairs, each prompt once, then both responses: what one epoch computes."""
    held_out_tokens: int = 0
    scored_tokens: int = 0
    """Of the responses of all pairs."""
    median_length: int = 0
    """Of each prompt with the longer of its responses, which is what `max_length` bounds."""
    longest_length: int = 0
    longest_pair: str = ""
    most_tokens: int = 0
    """The longest that a pair may be: the config's `max_length`, or what the model takes."""
    prompts_cut: int = 0
    responses_cut: int = 0
    """Pairs of which at least one response lost its end, and with it the end of its turn."""
    cut: int = 0
    """Pairs that lost anything."""
    with_bos: int = 0
    identical: int = 0
    duplicates: int = 0
    contradictions: int = 0
    bias: LengthBias = field(default_factory=LengthBias)

    @property
    def pairs(self) -> int:
        return self.train + self.held_out


class Tally:
    """Adds up facts as they come; a few bytes a pair."""

    def __init__(self) -> None:
        self._lengths = array("I")
        self._packed = array("I")
        self._train_differences = array("l")
        self._counts: dict[Mark, int] = dict.fromkeys(Mark, 0)
        self._cut = self._responses_cut = 0
        self._train_tokens = self._held_out_tokens = self._scored = 0
        self._longest, self._longest_pair = 0, ""

    @property
    def packed(self) -> "array[int]":
        """Tokens of each pair as it is computed, in order."""
        return self._packed

    def add(self, facts: PairFacts) -> None:
        responses = facts.chosen_tokens + facts.rejected_tokens
        length = facts.prompt_tokens + max(facts.chosen_tokens, facts.rejected_tokens)
        if length > self._longest:
            self._longest, self._longest_pair = length, facts.id
        self._lengths.append(length)
        self._packed.append(facts.prompt_tokens + responses)
        self._scored += responses
        if facts.split == "train":
            self._train_tokens += facts.prompt_tokens + responses
            self._train_differences.append(facts.chosen_tokens - facts.rejected_tokens)
        else:
            self._held_out_tokens += facts.prompt_tokens + responses
        for mark in facts.marks:
            self._counts[mark] += 1
        self._cut += facts.cut
        self._responses_cut += facts.chosen_cut or facts.rejected_cut

    def summary(self, *, refused: int, most_tokens: int) -> PairsSummary:
        counts, pairs = self._counts, len(self._lengths)
        return PairsSummary(
            train=pairs - counts[Mark.HELD_OUT],
            held_out=counts[Mark.HELD_OUT],
            refused=refused,
            train_tokens=self._train_tokens,
            held_out_tokens=self._held_out_tokens,
            scored_tokens=self._scored,
            median_length=median_low(self._lengths) if pairs else 0,
            longest_length=self._longest,
            longest_pair=self._longest_pair,
            most_tokens=most_tokens,
            prompts_cut=counts[Mark.PROMPT_CUT],
            responses_cut=self._responses_cut,
            cut=self._cut,
            with_bos=counts[Mark.HAS_BOS],
            identical=counts[Mark.IDENTICAL],
            duplicates=counts[Mark.DUPLICATE],
            contradictions=counts[Mark.CONTRADICTS],
            bias=length_bias(self._train_differences),
        )


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a run is expected to need, and how it would be cut to its device. Bytes."""

    device: str
    dtype: str
    parts: dict[str, int]
    """Of the expected peak: weights, gradients, activations, …"""
    room: int
    """What a run may use of its device."""
    token_budget: int
    """Most tokens in one forward pass."""
    checkpoint_activations: bool
    steps: int
    seconds: float
    """The whole run, from the speed of a matrix product on this machine: right within about a factor of 2."""

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    @property
    def is_tight(self) -> bool:
        return self.total > self.room


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One forward and backward pass over the run's longest micro-batch, and one over a usual one."""

    peak: int
    """Bytes, the optimizer's state not yet among them; 0 where it did not fit."""
    fits: bool
    longest_pair: str
    seconds_a_pair: float
    """Forward and backward; the reference and the optimizer's step come on top."""
    seconds_a_token: float = 0.0
    """Likewise, a token of a packed row."""


class TokenMark(IntFlag):
    """What is so of a token, as bits of one number."""

    SCORED = 1
    """The policy has to produce it: its log-prob counts."""
    CUT = 2
    """It is over `max_length` and takes no part."""
    SPECIAL = 4
    """A sign of the chat template or the tokenizer rather than text."""


@dataclass(frozen=True, kw_only=True)
class TokenColumns:
    """Tokens in order, a column each. `left_out` of a very long text stand after `texts[gap]`'s place."""

    texts: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()
    """Each a `TokenMark`."""
    gap: int = 0
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.ids) + self.left_out

    def __iter__(self) -> Iterator[tuple[str, int, TokenMark]]:
        return (
            (text, number, TokenMark(mark))
            for text, number, mark in zip(self.texts, self.ids, self.marks, strict=True)
        )
