"""One pair under one loss, with every figure that follows. Qt-free, torch-free.

The arithmetic is that of `dpo_engine.pair_math` and `dpo_engine.loss_values`; the symbols are theirs: ρ
log-ratio, r = β·ρ reward, m margin, σ the logistic function, y_w the chosen, y_l the rejected response.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from dpo_engine.loss_values import LOSSES, LossOptions, LossPoint, LossValue, loss_value
from dpo_engine.pair_math import Case, case, probability

LOWEST = -1e6
"""Nats; a log-prob below it is kept there."""
EXO_SMOOTHING = 0.001
"""With no smoothing exo_pair is infinite; this is its paper's. Source: arXiv 2402.00856."""


@dataclass(frozen=True, kw_only=True)
class Explored:
    """`loss` is one of `LOSSES`. Log-probs are sums over response tokens in nats, 0 at most."""

    point: LossPoint
    loss: str = "sigmoid"
    options: LossOptions = field(default_factory=LossOptions)

    @cached_property
    def effective(self) -> LossOptions:
        """The options as this loss can take them."""
        if self.loss == "exo_pair" and self.options.label_smoothing < EXO_SMOOTHING:
            return replace(self.options, label_smoothing=EXO_SMOOTHING)
        return self.options

    @property
    def beta(self) -> float:
        return self.options.beta

    @property
    def chosen_reward(self) -> float:
        return self.beta * self.point.chosen_log_ratio

    @property
    def rejected_reward(self) -> float:
        return self.beta * self.point.rejected_log_ratio

    @property
    def log_ratio_difference(self) -> float:
        """ρ(y_w) − ρ(y_l), in nats."""
        return self.point.chosen_log_ratio - self.point.rejected_log_ratio

    @property
    def margin(self) -> float:
        return self.beta * self.log_ratio_difference

    @property
    def preference(self) -> float:
        """σ(margin): how probable it is, for the policy against its reference, that y_w is preferred."""
        return probability(self.margin)

    @property
    def case(self) -> Case:
        return case(self.margin)

    @cached_property
    def value(self) -> LossValue:
        """The loss, and what a gradient step weighs both log-probs with."""
        return loss_value(self.loss, self.point, self.effective)

    def at(self, **log_probs: float) -> "Explored":
        """With these fields of its point changed; what is above 0 or below `LOWEST` is kept within."""
        kept: dict[str, Any] = {name: min(0.0, max(LOWEST, value)) for name, value in log_probs.items()}
        return replace(self, point=replace(self.point, **kept))

    def with_tokens(self, *, chosen: int | None = None, rejected: int | None = None) -> "Explored":
        return replace(
            self,
            point=replace(
                self.point,
                chosen_tokens=max(1, chosen or self.point.chosen_tokens),
                rejected_tokens=max(1, rejected or self.point.rejected_tokens),
            ),
        )

    def with_options(self, **options: float) -> "Explored":
        return replace(self, options=replace(self.options, **options))


def worked_example() -> Explored:
    """Two responses of which the reference gives 0.3 and 0.7, and the policy 0.7 and 0.3."""
    return Explored(
        point=LossPoint(
            policy_chosen=_LOG_07,
            policy_rejected=_LOG_03,
            reference_chosen=_LOG_03,
            reference_rejected=_LOG_07,
        )
    )


def case_example(wanted: Case) -> Explored:
    """Two responses of 20 tokens that were equally likely, after a training that went one of three ways."""
    chosen, rejected = _AFTER[wanted]
    return Explored(
        point=LossPoint(
            policy_chosen=chosen,
            policy_rejected=rejected,
            reference_chosen=-24.0,
            reference_rejected=-24.0,
            chosen_tokens=20,
            rejected_tokens=20,
        )
    )


def options_from(config: Mapping[str, object], beta: float) -> tuple[str, LossOptions]:
    """Loss and options of a run's config, as far as it has them, at this β."""
    named = config.get("loss_type")
    usual = LossOptions()

    def number(name: str, otherwise: float) -> float:
        value = config.get(name)
        return float(value) if isinstance(value, (int, float)) else otherwise

    return (
        named if isinstance(named, str) and named in LOSSES else "sigmoid",
        LossOptions(
            beta=beta,
            label_smoothing=number("label_smoothing", usual.label_smoothing),
            discopop_tau=number("discopop_tau", usual.discopop_tau),
            simpo_gamma=number("simpo_gamma", usual.simpo_gamma),
        ),
    )


_LOG_03, _LOG_07 = math.log(0.3), math.log(0.7)
_AFTER: Mapping[Case, tuple[float, float]] = {
    "learned": (-14.0, -36.0),
    "undecided": (-23.0, -24.5),
    "against": (-34.0, -15.0),
}
