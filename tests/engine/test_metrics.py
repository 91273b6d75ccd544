"""Metrics under TRL's names are means over pairs, however the pairs were batched."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dpo_engine.losses import PairLogProbs
from dpo_engine.metrics import NAMES, PairMeans, StepClock, only_finite


def log_probs(rows: list[tuple[float, float, float, float]]) -> PairLogProbs:
    columns = torch.tensor(rows).T
    return PairLogProbs(
        policy_chosen=columns[0],
        policy_rejected=columns[1],
        reference_chosen=columns[2],
        reference_rejected=columns[3],
    )


def test_values_of_two_pairs_by_hand() -> None:
    means = PairMeans()
    means.add(
        log_probs([(-1.0, -4.0, -2.0, -3.0), (-6.0, -2.0, -5.0, -2.0)]), torch.tensor([0.5, 1.5]), beta=0.5
    )
    assert means.pairs == 2
    assert means.means() == {
        "loss": 1.0,
        "rewards/chosen": 0.0,  # 0.5 · 1, 0.5 · −1
        "rewards/rejected": -0.25,  # 0.5 · −1, 0
        "rewards/margins": 0.25,  # 1, −0.5
        "rewards/accuracies": 0.5,
        "logps/chosen": -3.5,
        "logps/rejected": -3.0,
    }
    assert means.largest_margin() == 1.0


def test_equal_rewards_are_not_accurate() -> None:
    means = PairMeans()
    means.add(log_probs([(-1.0, -2.0, -1.0, -2.0)]), torch.tensor([0.7]), beta=0.1)
    assert means.means("eval_")["eval_rewards/accuracies"] == 0.0


LOG_PROB = st.floats(min_value=-100, max_value=0, width=32)


@given(
    rows=st.lists(st.tuples(LOG_PROB, LOG_PROB, LOG_PROB, LOG_PROB), min_size=1, max_size=12),
    size=st.integers(min_value=1, max_value=12),
)
def test_micro_batching_changes_nothing(rows: list[tuple[float, float, float, float]], size: int) -> None:
    together, in_parts = PairMeans(), PairMeans()
    together.add(log_probs(rows), torch.arange(len(rows)).float(), beta=0.1)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        in_parts.add(log_probs(part), torch.arange(start, start + len(part)).float(), beta=0.1)
    assert in_parts.means() == together.means()
    assert set(together.means()) == set(NAMES)


def test_only_finite_numbers_are_reported() -> None:
    assert only_finite({"loss": float("nan"), "grad_norm": float("inf"), "epoch": 1.0}) == {"epoch": 1.0}


def test_time_left_goes_by_the_median_and_forgets_an_odd_step() -> None:
    clock = StepClock()
    assert clock.seconds_left(10) == 0.0
    for seconds in (60.0, 2.0, 2.0, 2.0):
        clock.add(seconds)
    assert clock.seconds_left(10) == pytest.approx(20.0)
