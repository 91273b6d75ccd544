"""A run's pairs as token ids, made when a step asks for them, so that no run waits for pairs it needs later.

What was made is kept compactly up to a bound: four bytes a token instead of thirty-six.
"""

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple, overload

from transformers import PreTrainedTokenizerBase

from dpo_engine.conversations import Pair, Split
from dpo_engine.pairs.tokenization import TokenizedPair, end_of_turn, tokenize_pair

MOST_KEPT = 4_000_000
"""Token ids: 16 MB, ten thousand pairs of 400."""


class _Kept(NamedTuple):
    id: str
    split: Split
    ids: "array[int]"
    """Of prompt, chosen and rejected, one after another."""
    turns: tuple[int, int]
    """Where chosen and rejected begin."""
    cut: tuple[bool, bool, bool]


class PairsAsNeeded(Sequence[TokenizedPair]):
    """Token ids of `pairs[places[0]]`, `pairs[places[1]]`, …; any thread may ask.

    Raises `BadInput` for a pair that cannot be used, which a `survey` has seen to beforehand.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        places: Sequence[int],
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        *,
        most_kept: int = MOST_KEPT,
    ) -> None:
        self._pairs = pairs
        self._places = places
        self._tokenizer = tokenizer
        self._end = end_of_turn(tokenizer)
        self._max_length = max_length
        self._most_kept = most_kept
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._ids_kept = 0
        self._lock = Lock()
        self._cut = bytearray(len(places))

    @property
    def cut(self) -> int:
        """How many of the pairs asked for so far were too long and lost something."""
        return sum(self._cut)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> TokenizedPair: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[TokenizedPair, ...]: ...
    def __getitem__(self, number: int | slice) -> TokenizedPair | tuple[TokenizedPair, ...]:
        if isinstance(number, slice):
            return tuple(self[one] for one in range(*number.indices(len(self))))
        place = range(len(self))[number]
        with self._lock:
            kept = self._kept.get(place)
            if kept is not None:
                self._kept.move_to_end(place)
                return _unpacked(kept)
            made = tokenize_pair(
                self._tokenizer, self._pairs[self._places[place]], self._max_length, self._end
            )
            self._cut[place] = made.truncated
            self._keep(place, made)
        return made

    def _keep(self, place: int, made: TokenizedPair) -> None:
        packed = _packed(made)
        self._kept[place] = packed
        self._ids_kept += len(packed.ids)
        while self._ids_kept > self._most_kept and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._ids_kept -= len(oldest.ids)


def _packed(pair: TokenizedPair) -> _Kept:
    return _Kept(
        id=pair.id,
        split=pair.split,
        ids=array("i", (*pair.prompt, *pair.chosen, *pair.rejected)),
        turns=(len(pair.prompt), len(pair.prompt) + len(pair.chosen)),
        cut=(pair.prompt_cut, pair.chosen_cut, pair.rejected_cut),
    )


def _unpacked(kept: _Kept) -> TokenizedPair:
    chosen, rejected = kept.turns
    return TokenizedPair(
        id=kept.id,
        split=kept.split,
        prompt=tuple(kept.ids[:chosen]),
        chosen=tuple(kept.ids[chosen:rejected]),
        rejected=tuple(kept.ids[rejected:]),
        prompt_cut=kept.cut[0],
        chosen_cut=kept.cut[1],
        rejected_cut=kept.cut[2],
    )
