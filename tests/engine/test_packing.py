"""Micro-batches by a budget of tokens."""

from hypothesis import given
from hypothesis import strategies as st

from dpo_engine.pairs.packing import in_given_order, in_micro_batches

sizes = st.lists(st.integers(1, 50), min_size=1, max_size=40)
budgets = st.integers(1, 120)


@given(lengths=sizes, budget=budgets)
def test_every_pair_is_in_exactly_one_batch_and_none_is_over_its_budget(
    lengths: list[int], budget: int
) -> None:
    for batches in (in_micro_batches(range(len(lengths)), lengths, budget), in_given_order(lengths, budget)):
        assert sorted(member for batch in batches for member in batch) == list(range(len(lengths)))
        for batch in batches:
            assert len(batch) == 1 or sum(lengths[member] for member in batch) <= budget


@given(lengths=sizes, budget=budgets)
def test_the_longest_pair_comes_first_and_few_batches_are_made(lengths: list[int], budget: int) -> None:
    batches = in_micro_batches(range(len(lengths)), lengths, budget)
    assert lengths[batches[0][0]] == max(lengths)
    fitting = [length for length in lengths if length <= budget]
    fewest = -(-sum(fitting) // budget) + len(lengths) - len(fitting)
    assert len(batches) <= 11 / 9 * max(fewest, 1) + 6 / 9 + sum(2 * length > budget for length in fitting)


def test_the_same_pairs_give_the_same_batches_in_whatever_order_they_are_named() -> None:
    lengths = [5, 9, 9, 2, 7]
    assert in_micro_batches([3, 0, 4, 2, 1], lengths, 14) == in_micro_batches(range(5), lengths, 14)
    assert in_micro_batches(range(5), lengths, 14) == [(1, 0), (2, 3), (4,)]


def test_the_given_order_stays() -> None:
    assert in_given_order([5, 9, 9, 2, 7], 14) == [(0, 1), (2, 3), (4,)]
    assert in_given_order([], 14) == []
