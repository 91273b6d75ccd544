"""Each loss of one pair in plain floats, with its gradient weights: for figures that follow a slider.

Torch-free. The formulas are those of `dpo_engine.losses`, where their sources stand; a test holds both
together, value by value and gradient by gradient. Symbols as there: ρ log-ratio, r = β·ρ reward, m margin,
σ the logistic function, |y| tokens.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dpo_engine.pair_math import log_sigmoid


@dataclass(frozen=True, kw_only=True)
class LossPoint:
    """One pair: its four log-probs (sums over response tokens, nats), and how many tokens those are."""

    policy_chosen: float
    policy_rejected: float
    reference_chosen: float
    reference_rejected: float
    chosen_tokens: int = 1
    rejected_tokens: int = 1

    @property
    def chosen_log_ratio(self) -> float:
        return self.policy_chosen - self.reference_chosen

    @property
    def rejected_log_ratio(self) -> float:
        return self.policy_rejected - self.reference_rejected


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """The settings that losses take, under the names of `TrainConfig`; `shift` is bco_pair's δ."""

    beta: float = 0.1
    label_smoothing: float = 0.0
    discopop_tau: float = 0.05
    simpo_gamma: float = 0.5
    shift: float = 0.0


@dataclass(frozen=True, kw_only=True)
class LossValue:
    """`chosen_weight` is ∂L/∂ log π_θ(y_w|x), `rejected_weight` ∂L/∂ log π_θ(y_l|x): gradient descent moves a
    log-prob against the sign of its weight."""

    loss: float
    chosen_weight: float
    rejected_weight: float


def loss_value(name: str, at: LossPoint, options: LossOptions) -> LossValue:
    """Raises `KeyError` for what is no loss. Where a float overflows the value is infinite."""
    return LOSSES[name](at, options)


def _sigma(x: float) -> float:
    return math.exp(log_sigmoid(x))


def _slope(x: float) -> float:
    """σ'(x) = σ(x)·σ(−x)."""
    return math.exp(log_sigmoid(x) + log_sigmoid(-x))


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def _of_margin(function: Callable[[float, LossOptions], tuple[float, float]]) -> "PairLoss":
    """From (L, dL/dm) of m = β·(ρ_w − ρ_l)."""

    def loss(at: LossPoint, options: LossOptions) -> LossValue:
        margin = options.beta * (at.chosen_log_ratio - at.rejected_log_ratio)
        value, slope = function(margin, options)
        weight = options.beta * slope
        return LossValue(loss=value, chosen_weight=weight, rejected_weight=-weight)

    return loss


def _of_rewards(function: Callable[[float, float, LossOptions], tuple[float, float, float]]) -> "PairLoss":
    """From (L, ∂L/∂r_w, ∂L/∂r_l) of the two rewards."""

    def loss(at: LossPoint, options: LossOptions) -> LossValue:
        beta = options.beta
        value, chosen, rejected = function(beta * at.chosen_log_ratio, beta * at.rejected_log_ratio, options)
        return LossValue(loss=value, chosen_weight=beta * chosen, rejected_weight=beta * rejected)

    return loss


def _sigmoid(m: float, options: LossOptions) -> tuple[float, float]:
    wrong = options.label_smoothing
    value = -(1 - wrong) * log_sigmoid(m) - wrong * log_sigmoid(-m)
    return value, -(1 - wrong) * _sigma(-m) + wrong * _sigma(m)


def _hinge(m: float, _options: LossOptions) -> tuple[float, float]:
    return max(0.0, 1 - m), -1.0 if m < 1 else 0.0


def _robust(m: float, options: LossOptions) -> tuple[float, float]:
    wrong = options.label_smoothing
    value = -(1 - wrong) * log_sigmoid(m) + wrong * log_sigmoid(-m)
    return value / (1 - 2 * wrong), (-(1 - wrong) * _sigma(-m) - wrong * _sigma(m)) / (1 - 2 * wrong)


def _exo_pair(m: float, options: LossOptions) -> tuple[float, float]:
    wrong = options.label_smoothing
    if not wrong:
        return math.inf, -math.inf
    right, left = log_sigmoid(m), log_sigmoid(-m)
    value = math.exp(right) * (right - math.log1p(-wrong)) + math.exp(left) * (left - math.log(wrong))
    return value, _slope(m) * (m - math.log((1 - wrong) / wrong))


def _discopop(m: float, options: LossOptions) -> tuple[float, float]:
    tau = options.discopop_tau
    logistic, exponential = -log_sigmoid(m), _exp(log_sigmoid(m / tau) - m)
    value = _sigma(-m / tau) * logistic + exponential
    turn = log_sigmoid(m / tau) + log_sigmoid(-m / tau)
    slope = (_exp(turn - m) - math.exp(turn) * logistic) / tau
    return value, slope - _sigma(-m / tau) * _sigma(-m) - exponential


def _nca_pair(chosen: float, rejected: float, _options: LossOptions) -> tuple[float, float, float]:
    value = -log_sigmoid(chosen) - 0.5 * log_sigmoid(-chosen) - 0.5 * log_sigmoid(-rejected)
    return value, -_sigma(-chosen) + 0.5 * _sigma(chosen), 0.5 * _sigma(rejected)


def _bco_pair(chosen: float, rejected: float, options: LossOptions) -> tuple[float, float, float]:
    up, down = chosen - options.shift, rejected - options.shift
    return -log_sigmoid(up) - log_sigmoid(-down), -_sigma(-up), _sigma(down)


def _apo_zero(chosen: float, rejected: float, _options: LossOptions) -> tuple[float, float, float]:
    return _sigma(-chosen) + _sigma(rejected), -_slope(chosen), _slope(rejected)


def _apo_down(chosen: float, rejected: float, _options: LossOptions) -> tuple[float, float, float]:
    margin = chosen - rejected
    value = _sigma(chosen) + _sigma(-margin)
    return value, _slope(chosen) - _slope(margin), _slope(margin)


def _sppo_hard(at: LossPoint, options: LossOptions) -> LossValue:
    aim = 1 / (2 * options.beta)
    chosen, rejected = at.chosen_log_ratio - aim, at.rejected_log_ratio + aim
    return LossValue(loss=chosen**2 + rejected**2, chosen_weight=2 * chosen, rejected_weight=2 * rejected)


def _per_token(at: LossPoint) -> float:
    return at.chosen_log_ratio / at.chosen_tokens - at.rejected_log_ratio / at.rejected_tokens


def _sigmoid_norm(at: LossPoint, options: LossOptions) -> LossValue:
    margin = options.beta * _per_token(at)
    slope = -options.beta * _sigma(-margin)
    return LossValue(
        loss=-log_sigmoid(margin),
        chosen_weight=slope / at.chosen_tokens,
        rejected_weight=-slope / at.rejected_tokens,
    )


def _ipo(at: LossPoint, options: LossOptions) -> LossValue:
    off = _per_token(at) - 1 / (2 * options.beta)
    return LossValue(
        loss=off**2, chosen_weight=2 * off / at.chosen_tokens, rejected_weight=-2 * off / at.rejected_tokens
    )


def _simpo(at: LossPoint, options: LossOptions) -> LossValue:
    chosen, rejected = at.policy_chosen / at.chosen_tokens, at.policy_rejected / at.rejected_tokens
    margin = options.beta * (chosen - rejected) - options.simpo_gamma
    slope = -options.beta * _sigma(-margin)
    return LossValue(
        loss=-log_sigmoid(margin),
        chosen_weight=slope / at.chosen_tokens,
        rejected_weight=-slope / at.rejected_tokens,
    )


def _orpo(at: LossPoint, options: LossOptions) -> LossValue:
    # As in float32 there, a response that is as good as certain counts as just below that.
    below = -(2.0**-23)
    chosen, rejected = at.policy_chosen / at.chosen_tokens, at.policy_rejected / at.rejected_tokens
    left_w, left_l = (-math.expm1(min(one, below)) for one in (chosen, rejected))
    margin = (chosen - math.log(left_w)) - (rejected - math.log(left_l))
    slope = -options.beta * _sigma(-margin)
    # d log odds / d log P = 1 + P / (1 − P), and 1 where P is held.
    rise_w = 1 / left_w if chosen < below else 1.0
    rise_l = 1 / left_l if rejected < below else 1.0
    return LossValue(
        loss=-chosen - options.beta * log_sigmoid(margin),
        chosen_weight=(-1 + slope * rise_w) / at.chosen_tokens,
        rejected_weight=-slope * rise_l / at.rejected_tokens,
    )


def _sft(at: LossPoint, _options: LossOptions) -> LossValue:
    return LossValue(
        loss=-at.policy_chosen / at.chosen_tokens, chosen_weight=-1 / at.chosen_tokens, rejected_weight=0.0
    )


PairLoss = Callable[[LossPoint, LossOptions], LossValue]

LOSSES: Mapping[str, PairLoss] = {
    "sigmoid": _of_margin(_sigmoid),
    "ipo": _ipo,
    "hinge": _of_margin(_hinge),
    "robust": _of_margin(_robust),
    "exo_pair": _of_margin(_exo_pair),
    "nca_pair": _of_rewards(_nca_pair),
    "bco_pair": _of_rewards(_bco_pair),
    "sppo_hard": _sppo_hard,
    "apo_zero": _of_rewards(_apo_zero),
    "apo_down": _of_rewards(_apo_down),
    "discopop": _of_margin(_discopop),
    "sigmoid_norm": _sigmoid_norm,
    "simpo": _simpo,
    "orpo": _orpo,
    "sft": _sft,
}
"""By the config's names, in its order."""
