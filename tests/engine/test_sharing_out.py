"""Which process takes which pairs."""

from hypothesis import given
from hypothesis import strategies as st

from dpo_engine.processes.sharing_out import share_out

_lengths = st.lists(st.integers(1, 300), min_size=1, max_size=40)


@given(lengths=_lengths, budget=st.integers(1, 600), processes=st.integers(1, 9))
def test_no_pair_is_lost_or_doubled_and_all_take_part_equally(
    lengths: list[int], budget: int, processes: int
) -> None:
    shares = share_out(range(len(lengths)), lengths, budget, processes)
    assert len(shares) == processes
    assert len({len(share) for share in shares}) == 1
    taken = [member for share in shares for batch in share for member in batch]
    assert sorted(taken) == list(range(len(lengths)))


@given(lengths=_lengths, budget=st.integers(1, 600), processes=st.integers(1, 9))
def test_the_shares_are_about_equal_and_fit_the_budget(
    lengths: list[int], budget: int, processes: int
) -> None:
    shares = share_out(range(len(lengths)), lengths, budget, processes)
    tokens = [sum(lengths[member] for batch in share for member in batch) for share in shares]
    assert max(tokens) - min(tokens) <= max(lengths)
    for batch in (batch for share in shares for batch in share if len(batch) > 1):
        assert sum(lengths[member] for member in batch) <= budget


def test_a_process_without_pairs_takes_part_with_nothing() -> None:
    assert share_out([7], [0] * 7 + [5], 100, 3) == [[(7,)], [()], [()]]


def test_who_needs_fewer_batches_cuts_its_own() -> None:
    lengths = [90, 90, 50, 40, 45, 45]
    shares = share_out(range(6), lengths, 100, 2)
    assert shares == [[(0,), (2, 3)], [(1,), (4, 5)]]
    shares = share_out([0, 1, 2, 3], [90, 30, 30, 30], 60, 2)
    assert shares == [[(0,), ()], [(1, 2), (3,)]]
    shares = share_out([0, 1, 2, 3, 4], [60, 50, 20, 15, 15], 70, 2)
    assert [len(share) for share in shares] == [2, 2]
