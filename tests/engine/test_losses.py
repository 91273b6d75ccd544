"""The losses of a margin against values worked out by hand."""

import math

import pytest
import torch

from dpo_engine.losses import PairLogProbs
from dpo_engine.losses.contrastive import (
    discopop,
    exo_pair,
    hinge,
    ipo,
    robust,
    sigmoid,
    sigmoid_norm,
)
from tests.helpers.pair_log_probs import of_columns, pair


@pytest.fixture
def turned_around() -> PairLogProbs:
    """π_ref prefers y_l by 0.7 to 0.3, π_θ prefers y_w by 0.7 to 0.3."""
    return pair(math.log(0.7), math.log(0.3), math.log(0.3), math.log(0.7))


def at_margin(margin: float) -> PairLogProbs:
    """With β = 1: half of the margin by each side, 3 tokens and 5."""
    return pair(margin / 2 - 4, -margin / 2 - 9, -4, -9, tokens=(3, 5))


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
    zero, one = torch.zeros(1), torch.ones(1)
    log_probs = of_columns(margin, zero, zero, zero, one, one)
    (gradient,) = torch.autograd.grad(sigmoid(log_probs, beta=1.0, label_smoothing=0.1).sum(), margin)
    assert gradient.item() == pytest.approx(0.0, abs=1e-6)


def test_huge_margins_stay_finite() -> None:
    losses = [sigmoid(pair(sign * 1e4, 0.0), beta=1.0).item() for sign in (1, -1)]
    assert losses == [0.0, 1e4]


def test_sigmoid_norm_divides_each_side_by_its_own_tokens() -> None:
    # log-ratios 6 over 3 tokens and −4 over 8: 2 − (−0.5) = 2.5 a token; β = 2 makes 5
    log_probs = pair(-10.0, -24.0, -16.0, -20.0, tokens=(3, 8))
    assert sigmoid_norm(log_probs, beta=2.0).item() == pytest.approx(math.log(1 + math.exp(-5)), rel=1e-5)


def test_ipo_aims_at_a_finite_difference_per_token() -> None:
    # the same 2.5 a token; β = 0.1 aims at 1/(2 · 0.1) = 5: (2.5 − 5)² = 6.25, and at 0 it is 25
    log_probs = pair(-10.0, -24.0, -16.0, -20.0, tokens=(3, 8))
    assert ipo(log_probs, beta=0.1).item() == pytest.approx(6.25)
    assert ipo(at_margin(0.0), beta=0.1).item() == pytest.approx(25.0)
    assert ipo(log_probs, beta=0.2).item() == 0.0


@pytest.mark.parametrize(("margin", "loss"), [(0.0, 1.0), (0.25, 0.75), (1.0, 0.0), (3.0, 0.0), (-2.0, 3.0)])
def test_hinge_wants_a_margin_of_1_and_no_more(margin: float, loss: float) -> None:
    assert hinge(at_margin(margin), beta=1.0).item() == pytest.approx(loss, abs=1e-6)


def test_robust_corrects_for_turned_verdicts() -> None:
    # m = log 3: σ(m) = 3/4, σ(−m) = 1/4; ε = 0.1: (0.9 · log(4/3) − 0.1 · log 4) / 0.8
    expected = (0.9 * math.log(4 / 3) - 0.1 * math.log(4)) / 0.8
    found = robust(at_margin(math.log(3)), beta=1.0, label_smoothing=0.1)
    assert found.item() == pytest.approx(expected, abs=1e-6)
    assert expected == pytest.approx(0.150355, abs=1e-6)
    assert robust(at_margin(0.0), beta=1.0, label_smoothing=0.1).item() == pytest.approx(math.log(2))


def test_robust_over_noisy_verdicts_is_dpo_over_the_right_ones() -> None:
    """The property it is made for: E over flips of robust = sigmoid on the true verdict."""
    for margin in (-3.0, 0.2, 4.0):
        kept = robust(at_margin(margin), beta=1.0, label_smoothing=0.2).item()
        turned = robust(at_margin(-margin), beta=1.0, label_smoothing=0.2).item()
        right = sigmoid(at_margin(margin), beta=1.0).item()
        assert 0.8 * kept + 0.2 * turned == pytest.approx(right, abs=1e-5)


def test_robust_without_wrong_verdicts_is_dpo(turned_around: PairLogProbs) -> None:
    plain = sigmoid(turned_around, beta=0.3)
    torch.testing.assert_close(robust(turned_around, beta=0.3, label_smoothing=0.0), plain)


def test_exo_pair_is_the_divergence_from_the_verdict() -> None:
    # m = log 3: p_θ = (3/4, 1/4), verdict (0.9, 0.1): ¾·log(0.75/0.9) + ¼·log(0.25/0.1) = −0.13674 + 0.22907
    found = exo_pair(at_margin(math.log(3)), beta=1.0, label_smoothing=0.1).item()
    assert found == pytest.approx(0.75 * math.log(0.75 / 0.9) + 0.25 * math.log(2.5), abs=1e-6)
    assert found == pytest.approx(0.092332, abs=1e-6)
    # where the policy prefers just as the verdict says, nothing is left: m = log 9
    assert exo_pair(at_margin(math.log(9)), beta=1.0, label_smoothing=0.1).item() == pytest.approx(
        0, abs=1e-6
    )
    # at 0: ½·log(0.5/0.9) + ½·log(0.5/0.1) = −½·log(4 · 0.09)
    at_start = exo_pair(at_margin(0.0), beta=1.0, label_smoothing=0.1).item()
    assert at_start == pytest.approx(-0.5 * math.log(0.36), abs=1e-6)


def test_discopop_blends_logistic_and_exponential() -> None:
    # m = log 3, τ = 1: weight σ(m) = ¾; ¼ · log(4/3) + ¾ · 1/3 = 0.071921 + 0.25
    found = discopop(at_margin(math.log(3)), beta=1.0, tau=1.0).item()
    assert found == pytest.approx(0.25 * math.log(4 / 3) + 0.25, abs=1e-6)
    # at 0, whatever τ: ½ · ln 2 + ½
    assert discopop(at_margin(0.0), beta=1.0, tau=0.05).item() == pytest.approx(0.5 * math.log(2) + 0.5)
    # far from 0 it is one of the two: e^−2 with the small τ, and log(1 + e^2) for −2
    assert discopop(at_margin(2.0), beta=1.0, tau=0.05).item() == pytest.approx(math.exp(-2), rel=1e-5)
    assert discopop(at_margin(-2.0), beta=1.0, tau=0.05).item() == pytest.approx(2.126928, abs=1e-5)


def test_discopop_first_pushes_margins_down_a_little() -> None:
    """Not convex: what its docstring warns of. Rising from −0.12 to 0.07, falling outside."""

    def slope(margin: float) -> float:
        ends = [discopop(at_margin(margin + step), beta=1.0, tau=0.05).item() for step in (-0.01, 0.01)]
        return ends[1] - ends[0]

    assert slope(-0.10) > 0 and slope(0.0) > 0 and slope(0.05) > 0
    assert slope(-0.15) < 0 and slope(0.10) < 0
