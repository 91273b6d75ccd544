"""The losses of each response against the reference, against values worked out by hand.

Log-ratios of log 3 (chosen) and −log 4 (rejected) make, at β = 1, σ(r_w) = 3/4 and σ(r_l) = 1/5.
"""

import math

import pytest

from dpo_engine.losses import PairLogProbs
from dpo_engine.losses.pointwise import apo_down, apo_zero, bco_pair, nca_pair, sppo_hard
from tests.helpers.pair_log_probs import pair

AGREEING = pair(-12.5, -40.0, -12.5, -40.0, tokens=(5, 17))


@pytest.fixture
def apart() -> PairLogProbs:
    return pair(math.log(3) - 2, -math.log(4) - 3, -2, -3, tokens=(2, 3))


def test_nca_pair(apart: PairLogProbs) -> None:
    # −log(3/4) − ½ · log(1/4) − ½ · log(4/5) = 0.287682 + 0.693147 + 0.111572
    assert nca_pair(apart, beta=1.0).item() == pytest.approx(1.092401, abs=1e-6)
    assert nca_pair(AGREEING, beta=0.1).item() == pytest.approx(2 * math.log(2))


def test_nca_pair_holds_the_chosen_reward_at_log_2() -> None:
    # −log σ(r) − ½ · log σ(−r) is least where σ(−r) = ½ · σ(r), that is e^r = 2
    values = [nca_pair(pair(math.log(2) + step, 0.0), beta=1.0).item() for step in (-0.05, 0.0, 0.05)]
    assert values[1] < values[0] and values[1] < values[2]


def test_bco_pair(apart: PairLogProbs) -> None:
    # −log(3/4) − log(4/5) = −log(3/5)
    assert bco_pair(apart, beta=1.0).item() == pytest.approx(math.log(5 / 3), abs=1e-6)
    assert bco_pair(AGREEING, beta=0.1).item() == pytest.approx(2 * math.log(2))


def test_bco_pair_with_a_reward_shift(apart: PairLogProbs) -> None:
    # δ = log 3: −log σ(0) − log σ(log 3 + log 4) = ln 2 − log(12/13)
    shifted = bco_pair(apart, beta=1.0, shift=math.log(3)).item()
    assert shifted == pytest.approx(math.log(2) + math.log(13 / 12), abs=1e-6)


def test_sppo_hard() -> None:
    # β = 0.1 aims at ±5: (3 − 5)² + (−1 + 5)² = 4 + 16
    assert sppo_hard(pair(-7.0, -21.0, -10.0, -20.0), beta=0.1).item() == pytest.approx(20.0)
    assert sppo_hard(pair(5.0, -5.0), beta=0.1).item() == 0.0
    assert sppo_hard(AGREEING, beta=0.1).item() == pytest.approx(50.0)


def test_apo_zero(apart: PairLogProbs) -> None:
    # (1 − 3/4) + 1/5
    assert apo_zero(apart, beta=1.0).item() == pytest.approx(0.45, abs=1e-6)
    assert apo_zero(AGREEING, beta=0.1).item() == pytest.approx(1.0)


def test_apo_down(apart: PairLogProbs) -> None:
    # m = log 3 + log 4 = log 12: 3/4 + (1 − 12/13)
    assert apo_down(apart, beta=1.0).item() == pytest.approx(3 / 4 + 1 / 13, abs=1e-6)
    assert apo_down(AGREEING, beta=0.1).item() == pytest.approx(1.0)
    # both falling together, by 9 and 10, is better than staying: σ(−9) + σ(−1)
    fallen = apo_down(pair(-9.0, -10.0), beta=1.0).item()
    assert fallen == pytest.approx(1 / (1 + math.exp(9)) + 1 / (1 + math.e), abs=1e-6)
    assert fallen < 0.3
