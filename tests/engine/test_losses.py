"""The sigmoid loss against values worked out by hand."""

import math

import pytest
import torch

from dpo_engine.config import TrainConfig
from dpo_engine.losses import LOSSES, PairLogProbs, sigmoid


def pair(chosen: float, rejected: float, ref_chosen: float, ref_rejected: float) -> PairLogProbs:
    return PairLogProbs(
        policy_chosen=torch.tensor([chosen]),
        policy_rejected=torch.tensor([rejected]),
        reference_chosen=torch.tensor([ref_chosen]),
        reference_rejected=torch.tensor([ref_rejected]),
    )


@pytest.fixture
def turned_around() -> PairLogProbs:
    """π_ref prefers y_l by 0.7 to 0.3, π_θ prefers y_w by 0.7 to 0.3."""
    return pair(math.log(0.7), math.log(0.3), math.log(0.3), math.log(0.7))


def test_the_article_s_worked_example(turned_around: PairLogProbs) -> None:
    # log(0.7/0.3) − log(0.3/0.7) = 2 · 0.8473 = 1.6946; −log σ(1.6946) = log(1 + e^−1.6946) = log(1 + 9/49)
    assert turned_around.margin(1.0).item() == pytest.approx(1.6946, abs=1e-4)
    assert sigmoid(turned_around, beta=1.0).item() == pytest.approx(math.log(58 / 49), abs=1e-6)
    assert sigmoid(turned_around, beta=1.0).item() == pytest.approx(0.169, abs=5e-4)
    assert sigmoid(turned_around, beta=0.1).item() == pytest.approx(0.612, abs=5e-4)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.4])
def test_ln_2_where_policy_and_reference_agree(label_smoothing: float) -> None:
    agreeing = pair(-12.5, -40.0, -12.5, -40.0)
    loss = sigmoid(agreeing, beta=0.1, label_smoothing=label_smoothing)
    assert loss.item() == pytest.approx(math.log(2), abs=1e-7)


def test_label_smoothing_weighs_in_the_turned_verdict(turned_around: PairLogProbs) -> None:
    # σ(m) = 49/58 and σ(−m) = 9/58 at β = 1
    expected = -0.9 * math.log(49 / 58) - 0.1 * math.log(9 / 58)
    assert sigmoid(turned_around, beta=1.0, label_smoothing=0.1).item() == pytest.approx(expected, abs=1e-6)


def test_label_smoothing_has_its_least_loss_at_a_finite_margin() -> None:
    # d/dm = 0 where σ(m) = 1 − ε: for ε = 0.1 at m = log 9
    margin = torch.tensor([math.log(9)], requires_grad=True)
    zero = torch.zeros(1)
    log_probs = PairLogProbs(
        policy_chosen=margin, policy_rejected=zero, reference_chosen=zero, reference_rejected=zero
    )
    sigmoid(log_probs, beta=1.0, label_smoothing=0.1).sum().backward()
    assert margin.grad is not None
    assert margin.grad.item() == pytest.approx(0.0, abs=1e-6)


def test_huge_margins_stay_finite() -> None:
    losses = [sigmoid(pair(sign * 1e4, 0.0, 0.0, 0.0), beta=1.0).item() for sign in (1, -1)]
    assert losses == [0.0, 1e4]


def test_the_registry_takes_its_settings_from_the_config(turned_around: PairLogProbs) -> None:
    config = TrainConfig(beta=1.0, label_smoothing=0.1)
    by_config = LOSSES[config.loss_type](turned_around, config)
    assert torch.equal(by_config, sigmoid(turned_around, beta=1.0, label_smoothing=0.1))
