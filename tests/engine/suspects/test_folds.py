"""Folds keep a prompt on one side, are as even as that allows, and are the same for the same seed."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from dpo_engine.errors import BadInput
from dpo_engine.preferences import Message, Pair
from dpo_engine.suspects.folds import folds_of


def pairs_of(prompts: Iterable[str]) -> list[Pair]:
    return [
        Pair(id=f"p{number}", prompt=(Message("user", prompt),), chosen="a", rejected="b")
        for number, prompt in enumerate(prompts)
    ]


def test_every_prompt_is_in_one_fold_and_the_folds_are_even() -> None:
    pairs = pairs_of(f"Question {number // 3}?" for number in range(60))
    fold_of = folds_of(pairs, 5, seed=1)
    assert Counter(fold_of) == dict.fromkeys(range(1, 6), 12)
    seen = defaultdict(set)
    for pair, fold in zip(pairs, fold_of, strict=True):
        seen[pair.prompt].add(fold)
    assert {len(folds) for folds in seen.values()} == {1}


def test_a_prompt_with_most_of_the_pairs_is_a_fold_of_its_own() -> None:
    pairs = pairs_of(["Again?"] * 50 + [f"Question {number}?" for number in range(10)])
    sizes = Counter(folds_of(pairs, 3, seed=1))
    assert sorted(sizes.values()) == [5, 5, 50]


def test_the_seed_decides() -> None:
    pairs = pairs_of(f"Question {number}?" for number in range(40))
    assert folds_of(pairs, 5, seed=1) == folds_of(pairs, 5, seed=1)
    assert folds_of(pairs, 5, seed=1) != folds_of(pairs, 5, seed=2)


def test_fewer_prompts_than_folds_make_fewer_folds() -> None:
    assert set(folds_of(pairs_of(["One?", "Two?", "Three?"]), 5, seed=1)) == {1, 2, 3}


def test_one_prompt_cannot_be_held_out_from_itself() -> None:
    with pytest.raises(BadInput, match="same prompt"):
        folds_of(pairs_of(["Again?"] * 30), 5, seed=1)


@pytest.mark.parametrize("folds", [-1, 0, 1, 21])
def test_a_wrong_number_of_folds_is_refused(folds: int) -> None:
    with pytest.raises(BadInput, match=f"folds is {folds}"):
        folds_of(pairs_of(["One?", "Two?"]), folds, seed=1)
