"""All scored pairs of a checkpoint as columns, and which of them to show in which order. Qt-free.

Building a table reads every text once (for searching and for sorting by prompt), so it is done off the
window's thread; arranging one is a few numpy operations and is done while a person types.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.inspector.figures import CASES, Figures, Floats, Ints, LogProbs, Summary, figures, summarise
from app.store.records import ScoredPair
from dpo_engine.pair_math import Case
from dpo_engine.preferences import Split

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class PairTable:
    """Every column has one entry a pair, in the order in which the run holds them."""

    pairs: tuple[ScoredPair, ...]
    log_probs: LogProbs
    figures: Figures
    held_out: Mask
    chosen_tokens: Ints
    rejected_tokens: Ints
    prompt_rank: Ints
    """Place of the pair when sorted by its prompt's text."""
    searchable: tuple[str, ...]
    """Prompt and both responses, case-folded."""
    left_out: int
    """Pairs whose log-probs are not finite numbers, which therefore have no figures."""

    @staticmethod
    def build(scored: Sequence[ScoredPair], beta: float) -> "PairTable":
        """The table of these pairs at this β; a pair with a log-prob that is no finite number is left out."""
        finite = LogProbs.of(scored).are_finite()
        pairs = tuple(pair for pair, usable in zip(scored, finite, strict=True) if usable)
        log_probs = LogProbs.of(pairs)
        return PairTable(
            pairs=pairs,
            log_probs=log_probs,
            figures=figures(log_probs, beta),
            held_out=np.array([pair.split == "held_out" for pair in pairs], dtype=np.bool_),
            chosen_tokens=np.array([pair.chosen_tokens for pair in pairs], dtype=np.int64),
            rejected_tokens=np.array([pair.rejected_tokens for pair in pairs], dtype=np.int64),
            prompt_rank=_ranks([prompt_line(pair).casefold() for pair in pairs]),
            searchable=tuple(_searchable(pair) for pair in pairs),
            left_out=len(scored) - len(pairs),
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def at_beta(self, beta: float) -> "PairTable":
        """The same pairs with their figures at another β."""
        return replace(self, figures=figures(self.log_probs, beta))

    def splits(self) -> Ints:
        """0 for train, 1 for held-out."""
        return self.held_out.astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """Which pairs to show, and in which order. None and an empty text let every pair through."""

    split: Split | None = None
    case: Case | None = None
    text: str = ""
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
    order = np.argsort(-keys if wanted.descending else keys, kind="stable")
    return Arranged(rows=rows[order], cases=cases)


def matches(table: PairTable, wanted: Arrangement) -> Mask:
    """True for every pair that passes split and text, whatever its case."""
    passed = _split_mask(table, wanted.split)
    rows: list[int] = np.flatnonzero(passed).tolist()
    words = wanted.text.casefold().split()
    for word in words:
        # Only pairs that are still in are read: texts are what costs.
        rows = [row for row in rows if word in table.searchable[row]]
    if words:
        passed[:] = False
        passed[rows] = True
    return passed


def summary_of(table: PairTable, split: Split | None) -> Summary:
    """Means over all pairs of a split, whatever is filtered."""
    return summarise(table.figures, _split_mask(table, split))


def prompt_line(pair: ScoredPair, limit: int = 200) -> str:
    """The last user turn on one line, cut after `limit` characters, to tell pairs apart in a list."""
    turns = [message.content for message in pair.prompt if message.role == "user"]
    text = turns[-1] if turns else (pair.prompt[-1].content if pair.prompt else "")
    line = " ".join(text[: 2 * limit].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _split_mask(table: PairTable, split: Split | None) -> Mask:
    if split is None:
        return np.ones(len(table), dtype=np.bool_)
    return table.held_out.copy() if split == "held_out" else ~table.held_out


def _searchable(pair: ScoredPair) -> str:
    prompt = "\n".join(message.content for message in pair.prompt)
    return f"{prompt}\n{pair.chosen}\n{pair.rejected}".casefold()


def _ranks(keys: Sequence[str]) -> Ints:
    """Equal keys get equal ranks, so that a stable sort leaves them in their order."""
    place = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return np.array([place[key] for key in keys], dtype=np.int64)
