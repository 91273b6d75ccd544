"""The facts of all pairs as columns, and which pairs a remark is about. Qt-free."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dpo_engine.preflight import CUT, FactColumns, Mark, RefusedPair

Places = NDArray[np.intp]


class FactsComing:
    """Takes the engine's columns as they come."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._columns = [array("I") for _ in range(4)]
        self._duplicates: dict[str, str] = {}
        self._contradictions: dict[str, str] = {}
        self._refused: list[RefusedPair] = []

    def take(self, facts: FactColumns, refused: tuple[RefusedPair, ...]) -> None:
        self._ids.extend(facts.ids)
        new = (facts.prompt_tokens, facts.chosen_tokens, facts.rejected_tokens, facts.marks)
        for column, values in zip(self._columns, new, strict=True):
            column.extend(values)
        self._duplicates.update((one.pair, one.earlier) for one in facts.duplicates)
        self._contradictions.update((one.pair, one.earlier) for one in facts.contradictions)
        self._refused.extend(refused)

    def table(self) -> "FactTable":
        prompt, chosen, rejected, marks = (
            np.frombuffer(column, dtype=np.uint32).astype(np.int64) for column in self._columns
        )
        return FactTable(
            ids=tuple(self._ids),
            prompt=prompt,
            chosen=chosen,
            rejected=rejected,
            marks=marks,
            duplicates=self._duplicates,
            contradictions=self._contradictions,
            refused=tuple(self._refused),
        )


def _none() -> NDArray[np.int64]:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class FactTable:
    """One entry a pair that can be trained on, in the run's order. Tokens."""

    ids: tuple[str, ...] = ()
    prompt: NDArray[np.int64] = field(default_factory=_none)
    chosen: NDArray[np.int64] = field(default_factory=_none)
    rejected: NDArray[np.int64] = field(default_factory=_none)
    marks: NDArray[np.int64] = field(default_factory=_none)
    duplicates: Mapping[str, str] = field(default_factory=dict)
    """Pair -> the first one that says the same."""
    contradictions: Mapping[str, str] = field(default_factory=dict)
    """Pair -> the first one that says the opposite."""
    refused: tuple[RefusedPair, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def length(self) -> NDArray[np.int64]:
        """Of each prompt with the longer of its responses."""
        return self.prompt + np.maximum(self.chosen, self.rejected)

    def marked(self, mark: Mark) -> Places:
        """The pairs that have any of these bits."""
        return np.flatnonzero(self.marks & int(mark))

    def longest_first(self) -> Places:
        return np.argsort(-self.length, kind="stable")

    def most_cut_first(self) -> Places:
        """Pairs that lost something, those without the end of a response first."""
        cut = self.marked(CUT)
        ends = self.marks[cut] & int(Mark.CHOSEN_CUT | Mark.REJECTED_CUT)
        return cut[np.argsort(ends == 0, kind="stable")]

    def by_difference(self, *, longer: bool) -> Places:
        """Training pairs, those first whose chosen response is the longer (or shorter) one by most."""
        train = np.flatnonzero((self.marks & int(Mark.HELD_OUT)) == 0)
        difference = (self.chosen - self.rejected)[train]
        return train[np.argsort(-difference if longer else difference, kind="stable")]

    def leaks(self) -> Places:
        """Held-out pairs that say the same as a training pair."""
        train = {name for name, mark in zip(self.ids, self.marks.tolist(), strict=True) if not mark & 1}
        held_out = self.marked(Mark.DUPLICATE)
        return np.array(
            [
                place
                for place in held_out.tolist()
                if int(self.marks[place]) & Mark.HELD_OUT and self.duplicates[self.ids[place]] in train
            ],
            dtype=np.intp,
        )
