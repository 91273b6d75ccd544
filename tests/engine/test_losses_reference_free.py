"""The losses without a reference, against values worked out by hand."""

import math

import pytest
import torch

from dpo_engine.losses.reference_free import orpo, sft, simpo
from tests.helpers.pair_log_probs import of_columns, pair

EXAMPLE = pair(-6.0, -20.0, tokens=(4, 8))
"""−1.5 a token and −2.5 a token."""


def test_simpo_compares_log_probs_per_token() -> None:
    # β = 2, γ = 0.5: −log σ(2 · (−1.5 + 2.5) − 0.5) = log(1 + e^−1.5) = 0.201413
    assert simpo(EXAMPLE, beta=2.0, gamma=0.5).item() == pytest.approx(0.201413, abs=1e-6)
    # without a target margin and with equal means: ln 2
    assert simpo(pair(-3.0, -6.0, tokens=(1, 2)), beta=2.0, gamma=0.0).item() == pytest.approx(math.log(2))


def test_gamma_is_a_margin_not_a_share_of_beta() -> None:
    # equal means: −log σ(−γ) = log(1 + e^γ), whatever β
    for beta in (0.1, 10.0):
        found = simpo(pair(-3.0, -6.0, tokens=(1, 2)), beta=beta, gamma=1.2).item()
        assert found == pytest.approx(math.log(1 + math.exp(1.2)), abs=1e-6)


def test_orpo_adds_the_log_odds_ratio_to_the_likelihood() -> None:
    # P_w = 1/2 over 3 tokens, P_l = 1/5 over 2: odds 1 and 1/4, ratio 4, σ(log 4) = 4/5.
    # −log(1/2) − 0.1 · log(4/5) = 0.693147 + 0.022314
    log_probs = pair(3 * math.log(1 / 2), 2 * math.log(1 / 5), tokens=(3, 2))
    assert orpo(log_probs, beta=0.1).item() == pytest.approx(0.693147 + 0.0223144, abs=1e-6)
    # equal odds: the likelihood and β · ln 2
    same = pair(-2.0, -4.0, tokens=(1, 2))
    assert orpo(same, beta=0.5).item() == pytest.approx(2.0 + 0.5 * math.log(2), abs=1e-6)


@pytest.mark.parametrize(("chosen", "rejected"), [(0.0, -1.0), (-1.0, 0.0), (0.0, 0.0), (-1e-9, -1e4)])
def test_orpo_bears_responses_that_are_certain(chosen: float, rejected: float) -> None:
    """log P = 0 has infinite odds."""
    columns = [torch.tensor([value], requires_grad=True) for value in (chosen, rejected)]
    zero, one = torch.zeros(1), torch.ones(1)
    loss = orpo(of_columns(columns[0], columns[1], zero, zero, one, one), beta=0.1)
    loss.sum().backward()  # type: ignore[no-untyped-call]
    assert loss.isfinite().all()
    assert all(column.grad is not None and column.grad.isfinite().all() for column in columns)


def test_sft_is_the_mean_negative_log_likelihood_of_the_chosen_tokens() -> None:
    # 6 nats over 4 tokens; the rejected response does not matter
    assert sft(EXAMPLE).item() == pytest.approx(1.5)
    assert sft(pair(-6.0, -1.0, tokens=(4, 1))).item() == pytest.approx(1.5)
