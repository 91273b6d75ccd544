"""All scored pairs of a checkpoint as columns, and which of them to show in which order. Qt-free.

The texts of the pairs are not in it: they are read when a pair is looked at, and searched where they are.
Arranging a table is a few numpy operations and is done while a person drags a slider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.inspector.figures import CASES, Figures, Floats, Ints, LogProbs, Summary, figures, summarise
from app.store.training.score_columns import ScoreColumns
from dpo_engine.pair_math import Case
from dpo_engine.preferences import Split

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class PairTable:
    """Every column has one entry a pair, in the order in which the run holds them."""

    ids: tuple[str, ...]
    place_of: Mapping[str, int]
    """From a pair's id to its place."""
    rows: Ints
    """The numbers by which a search names the pairs; they rise."""
    log_probs: LogProbs
    figures: Figures
    held_out: Mask
    chosen_tokens: Ints
    rejected_tokens: Ints
    truncated: Mask
    strength: Ints
    """Of the verdict that made the pair: 1 better, 2 or 3 much better; 0 where none is known."""
    prompt_lines: tuple[str, ...]
    prompt_rank: Ints
    """Place of the pair when sorted by its prompt's text."""
    left_out: int = 0
    """Pairs whose log-probs are not finite numbers, which therefore have no figures."""

    @staticmethod
    def empty(beta: float = 0.1) -> "PairTable":
        nothing = np.empty(0, dtype=np.int64)
        none = np.empty(0, dtype=np.float64)
        log_probs = LogProbs(
            policy_chosen=none, policy_rejected=none, reference_chosen=none, reference_rejected=none
        )
        return PairTable(
            ids=(),
            place_of={},
            rows=nothing,
            log_probs=log_probs,
            figures=figures(log_probs, beta),
            held_out=nothing > 0,
            chosen_tokens=nothing,
            rejected_tokens=nothing,
            truncated=nothing > 0,
            strength=nothing,
            prompt_lines=(),
            prompt_rank=nothing,
        )

    @staticmethod
    def of(columns: ScoreColumns, beta: float) -> "PairTable":
        """The table of these pairs at this β; a pair with a log-prob that is no finite number is left out."""
        finite = columns.are_finite()
        usable = columns if finite.all() else columns.only(finite)
        log_probs = LogProbs(
            policy_chosen=usable.policy_chosen,
            policy_rejected=usable.policy_rejected,
            reference_chosen=usable.reference_chosen,
            reference_rejected=usable.reference_rejected,
        )
        return PairTable(
            ids=usable.ids,
            place_of={pair: place for place, pair in enumerate(usable.ids)},
            rows=usable.rows,
            log_probs=log_probs,
            figures=figures(log_probs, beta),
            held_out=usable.held_out,
            chosen_tokens=usable.chosen_tokens,
            rejected_tokens=usable.rejected_tokens,
            truncated=usable.truncated,
            strength=usable.strength,
            prompt_lines=usable.prompt_lines,
            prompt_rank=usable.prompt_rank,
            left_out=len(finite) - len(usable.ids),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def at_beta(self, beta: float) -> "PairTable":
        """The same pairs with their figures at another β."""
        return replace(self, figures=figures(self.log_probs, beta))

    def sharing(self, other: "PairTable") -> "PairTable":
        """The same, with the words of another table of the same pairs in place of equal ones.

        A hundred thousand strings take a while to let go of, and it is the window's thread that does.
        """
        if not np.array_equal(self.rows, other.rows):
            return self
        return replace(
            self, ids=other.ids, place_of=other.place_of, rows=other.rows, prompt_lines=other.prompt_lines
        )

    def mask_of(self, found: Ints) -> Mask:
        """True for the pairs of these row numbers, which rise."""
        if not found.size:
            return np.zeros(len(self), dtype=np.bool_)
        nearest = np.minimum(np.searchsorted(found, self.rows), found.size - 1)
        mask: Mask = found[nearest] == self.rows
        return mask

    def splits(self) -> Ints:
        """0 for train, 1 for held-out."""
        return self.held_out.astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """Which pairs to show, and in which order. None lets every pair through."""

    split: Split | None = None
    case: Case | None = None
    masks: tuple[Mask, ...] = ()
    """What else a pair has to pass: a search, a brush, a course over training."""
    descending: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Arranged:
    rows: Rows
    """Places of the wanted pairs in the wanted order."""
    cases: dict[Case, int]
    """How many pairs each choice of the case filter would show, the other filters being as they are."""


def arrange(table: PairTable, wanted: Arrangement, sort_by: Floats | Ints | None = None) -> Arranged:
    """Filter and sort; equal pairs stay in the run's order.

    `sort_by` has one entry a pair; without it the order is the run's.
    """
    passed = matches(table, wanted)
    cases = summarise(table.figures, passed).cases
    if wanted.case is not None:
        passed &= table.figures.case == CASES.index(wanted.case)
    rows = np.flatnonzero(passed)
    if sort_by is None:
        return Arranged(rows=rows[::-1] if wanted.descending else rows, cases=cases)
    keys = sort_by[rows]
    return Arranged(rows=rows[stable_order(-keys if wanted.descending else keys)], cases=cases)


def stable_order(keys: Floats | Ints) -> Rows:
    """The places of the keys, the smallest key first; equal keys stay in their order.

    numpy's sort that keeps equal keys in their order takes six times as long as the one that does not, so
    the latter sorts, and what it took for equal is then sorted by place.
    """
    order = np.argsort(keys)
    ordered = keys[order]
    rises = ordered[1:] != ordered[:-1]
    if rises.all():
        return order
    rank = np.concatenate([[0], np.cumsum(rises)])
    places: Rows = np.sort(rank * len(keys) + order) % len(keys)
    return places


def matches(table: PairTable, wanted: Arrangement) -> Mask:
    """True for every pair that passes split and masks, whatever its case."""
    passed = _split_mask(table, wanted.split)
    for mask in wanted.masks:
        passed &= mask
    return passed


def summary_of(table: PairTable, split: Split | None) -> Summary:
    """Means over all pairs of a split, whatever is filtered."""
    return summarise(table.figures, _split_mask(table, split))


def _split_mask(table: PairTable, split: Split | None) -> Mask:
    if split is None:
        return np.ones(len(table), dtype=np.bool_)
    return table.held_out.copy() if split == "held_out" else ~table.held_out
