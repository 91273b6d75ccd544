"""The losses in plain floats are those that train: the same values and the same gradients."""

import math
from typing import get_args

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dpo_engine.config import LossType, TrainConfig
from dpo_engine.loss_mix import PAPERS
from dpo_engine.loss_values import LOSSES, LossOptions, LossPoint, loss_value
from dpo_engine.losses import PairLogProbs
from dpo_engine.losses.mix import RewardShift, pair_losses

log_probs = st.floats(-400, -1e-3)
tokens = st.integers(1, 300)
points = st.builds(
    LossPoint,
    policy_chosen=log_probs,
    policy_rejected=log_probs,
    reference_chosen=log_probs,
    reference_rejected=log_probs,
    chosen_tokens=tokens,
    rejected_tokens=tokens,
)


def test_every_loss_is_there() -> None:
    assert set(LOSSES) == {*get_args(LossType), "sft"} == set(PAPERS)


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=60, deadline=None)
@given(
    at=points,
    beta=st.floats(0.01, 3),
    smoothing=st.floats(0.01, 0.4),
    tau=st.floats(0.02, 1),
    gamma=st.floats(0, 2),
    shift=st.floats(-2, 2),
)
def test_value_and_weights_are_those_of_the_training(
    name: str, at: LossPoint, beta: float, smoothing: float, tau: float, gamma: float, shift: float
) -> None:
    assume(name != "discopop" or beta * (at.chosen_log_ratio - at.rejected_log_ratio) > -300)
    config = TrainConfig(
        loss_type="robust",
        beta=beta,
        label_smoothing=smoothing,
        loss_mix="discopop 1, simpo 1",
        discopop_tau=tau,
        simpo_gamma=gamma,
    )
    held = RewardShift(beta)
    held.value = shift
    options = LossOptions(
        beta=beta, label_smoothing=smoothing, discopop_tau=tau, simpo_gamma=gamma, shift=shift
    )
    ours = {
        key: torch.tensor([float(getattr(at, key))], dtype=torch.float64)
        for key in LossPoint.__dataclass_fields__
    }
    chosen, rejected = ours["policy_chosen"].requires_grad_(), ours["policy_rejected"].requires_grad_()
    loss = pair_losses(config, held)[name](PairLogProbs(**ours))
    weights = torch.autograd.grad(loss.sum(), (chosen, rejected), allow_unused=True)
    found = loss_value(name, at, options)
    assert found.loss == pytest.approx(loss.item(), rel=1e-9, abs=1e-12)
    for weight, expected in zip((found.chosen_weight, found.rejected_weight), weights, strict=True):
        assert weight == pytest.approx(0.0 if expected is None else expected.item(), rel=1e-7, abs=1e-12)


def test_the_worked_example() -> None:
    """Chosen from 0.3 to 0.7 and rejected from 0.7 to 0.3: ln(7/3) = 0.847 each, a shift of 1.695."""
    at = LossPoint(
        policy_chosen=math.log(0.7),
        policy_rejected=math.log(0.3),
        reference_chosen=math.log(0.3),
        reference_rejected=math.log(0.7),
    )
    assert at.chosen_log_ratio == pytest.approx(0.8473, abs=1e-4)
    assert at.rejected_log_ratio == pytest.approx(-0.8473, abs=1e-4)
    assert loss_value("sigmoid", at, LossOptions(beta=1.0)).loss == pytest.approx(0.169, abs=5e-4)
    assert loss_value("sigmoid", at, LossOptions(beta=0.1)).loss == pytest.approx(0.612, abs=5e-4)


def test_a_step_against_the_weights_is_a_step_down() -> None:
    at = LossPoint(
        policy_chosen=-50,
        policy_rejected=-60,
        reference_chosen=-52,
        reference_rejected=-59,
        chosen_tokens=20,
        rejected_tokens=30,
    )
    value = loss_value("sigmoid", at, LossOptions(beta=0.1))
    assert value.chosen_weight < 0 < value.rejected_weight
    assert value.chosen_weight == -value.rejected_weight


def test_far_out_nothing_overflows() -> None:
    at = LossPoint(policy_chosen=-1e5, policy_rejected=-1.0, reference_chosen=-1.0, reference_rejected=-1e5)
    for name in LOSSES:
        value = loss_value(name, at, LossOptions(beta=1.0, label_smoothing=0.1))
        assert not math.isnan(value.loss), name
    assert loss_value("exo_pair", at, LossOptions()).loss == math.inf
