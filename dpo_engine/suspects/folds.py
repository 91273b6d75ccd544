"""Which pairs are held out together. Torch-free."""

import heapq
from collections import defaultdict
from collections.abc import Sequence
from random import Random

from dpo_engine.conversations import Message, Pair
from dpo_engine.errors import BadInput

FEWEST, MOST = 2, 20
"""Folds that a study may have."""


def check_folds(folds: int) -> None:
    """Raises `BadInput` for a number of folds that is none."""
    if not FEWEST <= folds <= MOST:
        raise BadInput(f"folds is {folds}; it must be from {FEWEST} to {MOST}.")


def folds_of(pairs: Sequence[Pair], folds: int, seed: int) -> tuple[int, ...]:
    """The fold (from 1) in which each pair is held out; as even as whole prompts allow, drawn by `seed`.

    Pairs of one prompt share a fold, so that no policy was trained on what it is asked about. Of fewer
    prompts than `folds` each is a fold of its own. Raises `BadInput` for a number of folds that is none, and
    where all pairs have the same prompt.
    """
    check_folds(folds)
    by_prompt: dict[tuple[Message, ...], list[int]] = defaultdict(list)
    for place, pair in enumerate(pairs):
        by_prompt[pair.prompt].append(place)
    if len(by_prompt) < FEWEST:
        raise BadInput(
            "All pairs have the same prompt, so none can be held out from the others. "
            "Suspect verdicts need pairs of at least two prompts."
        )
    groups = list(by_prompt.values())
    Random(seed).shuffle(groups)  # noqa: S311 (no secret)
    groups.sort(key=len, reverse=True)
    emptiest = [(0, fold) for fold in range(1, min(folds, len(groups)) + 1)]
    fold_of = [0] * len(pairs)
    for group in groups:
        size, fold = heapq.heappop(emptiest)
        for place in group:
            fold_of[place] = fold
        heapq.heappush(emptiest, (size + len(group), fold))
    return tuple(fold_of)
