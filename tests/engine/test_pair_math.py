"""The torch-free arithmetic of a pair, and that it agrees with the training loss."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dpo_engine.losses import PairLogProbs
from dpo_engine.losses.contrastive import sigmoid
from dpo_engine.pair_math import PairScore, case, log_sigmoid, probability, sigmoid_loss

LOG_PROBS = st.floats(min_value=-500, max_value=0, width=32)


def score(chosen: float, rejected: float, ref_chosen: float, ref_rejected: float) -> PairScore:
    return PairScore(
        pair="p",
        split="train",
        policy_chosen_logp=chosen,
        policy_rejected_logp=rejected,
        reference_chosen_logp=ref_chosen,
        reference_rejected_logp=ref_rejected,
        chosen_tokens=1,
        rejected_tokens=1,
    )


def test_the_article_s_worked_example() -> None:
    example = score(math.log(0.7), math.log(0.3), math.log(0.3), math.log(0.7))
    assert example.chosen_log_ratio == pytest.approx(0.8473, abs=1e-4)
    assert example.rejected_log_ratio == pytest.approx(-0.8473, abs=1e-4)
    assert sigmoid_loss(example.margin(1.0)) == pytest.approx(0.169, abs=5e-4)
    assert sigmoid_loss(example.margin(0.1)) == pytest.approx(0.612, abs=5e-4)
    assert probability(example.margin(1.0)) == pytest.approx(49 / 58)


@given(LOG_PROBS, LOG_PROBS, LOG_PROBS, LOG_PROBS, st.floats(min_value=0.01, max_value=2))
def test_agrees_with_the_training_loss(a: float, b: float, c: float, d: float, beta: float) -> None:
    tensors = PairLogProbs(
        policy_chosen=torch.tensor([a], dtype=torch.float64),
        policy_rejected=torch.tensor([b], dtype=torch.float64),
        reference_chosen=torch.tensor([c], dtype=torch.float64),
        reference_rejected=torch.tensor([d], dtype=torch.float64),
        chosen_tokens=torch.ones(1),
        rejected_tokens=torch.ones(1),
    )
    ours = sigmoid_loss(score(a, b, c, d).margin(beta))
    assert ours == pytest.approx(sigmoid(tensors, beta=beta).item(), rel=1e-9, abs=1e-12)


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_log_sigmoid_never_overflows(x: float) -> None:
    assert log_sigmoid(x) <= 0
    assert 0 <= probability(x) <= 1


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (2.0, "learned"),
        (0.41, "learned"),
        (0.4, "undecided"),
        (0.0, "undecided"),
        (-0.4, "undecided"),
        (-0.41, "against"),
    ],
)
def test_the_three_cases_part_at_60_to_40(margin: float, expected: str) -> None:
    assert case(margin) == expected
