"""The loss and its gradient weights along one axis through the pair. Qt-free."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.inspector.explorer.explored import LOWEST, Explored
from app.inspector.figures import Floats
from dpo_engine.loss_values import LossPoint, LossValue

AxisName = Literal["chosen", "rejected", "both"]

AXES: tuple[AxisName, ...] = ("chosen", "rejected", "both")
_POINTS = 301
_LEAST_REACH, _MOST_REACH = 4.0, 60.0
"""Nats that a response's log-probs can be moved at least, and are by themselves at most."""


@dataclass(frozen=True)
class Span:
    """Where both log-probs of a response can be moved, nats."""

    low: float
    high: float

    def with_value(self, value: float) -> "Span":
        """Wide enough for this one too."""
        if self.low <= value <= self.high:
            return self
        return Span(min(self.low, np.floor(value).item()), max(self.high, min(0.0, np.ceil(value).item())))


def span_of(policy: float, reference: float) -> Span:
    """A stretch around both that lets the policy move a few times as far as it has."""
    low, high = min(policy, reference), max(policy, reference)
    reach = max(_LEAST_REACH, 3 * (high - low), min(_MOST_REACH, -low / 2))
    return Span(
        max(LOWEST, np.floor(low - reach).item()),
        min(0.0, np.ceil(high + reach).item()),
    )


@dataclass(frozen=True, kw_only=True)
class Spans:
    chosen: Span
    rejected: Span


def spans_of(point: LossPoint) -> Spans:
    return Spans(
        chosen=span_of(point.policy_chosen, point.reference_chosen),
        rejected=span_of(point.policy_rejected, point.reference_rejected),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """One entry a place on the axis; a value that no float holds is NaN."""

    axis: AxisName
    x: Floats
    loss: Floats
    chosen_weight: Floats
    rejected_weight: Floats
    here: float
    """Where the pair stands on the axis."""
    reference: float
    """Where it stands when the policy, as far as this axis moves it, is its reference."""
    untrained: float
    """The loss of a policy that is its reference."""


def place_on(explored: Explored, axis: AxisName) -> float:
    """The policy's log-prob of the response that moves, or the difference of both log-ratios."""
    match axis:
        case "chosen":
            return explored.point.policy_chosen
        case "rejected":
            return explored.point.policy_rejected
        case "both":
            return explored.log_ratio_difference


def moved(explored: Explored, axis: AxisName, place: float) -> Explored:
    """The pair at another place of the axis; on `both` one response rises by what the other falls."""
    match axis:
        case "chosen":
            return explored.at(policy_chosen=place)
        case "rejected":
            return explored.at(policy_rejected=place)
        case "both":
            half = (place - explored.log_ratio_difference) / 2
            point = explored.point
            return explored.at(
                policy_chosen=point.policy_chosen + half, policy_rejected=point.policy_rejected - half
            )


def reach(explored: Explored, axis: AxisName, spans: Spans) -> tuple[float, float]:
    """The ends of the axis: as far as the log-probs that it moves stay within their spans."""
    chosen, rejected = spans.chosen, spans.rejected
    match axis:
        case "chosen":
            return chosen.low, chosen.high
        case "rejected":
            return rejected.low, rejected.high
        case "both":
            point, here = explored.point, explored.log_ratio_difference
            down = min(point.policy_chosen - chosen.low, rejected.high - point.policy_rejected)
            up = min(chosen.high - point.policy_chosen, point.policy_rejected - rejected.low)
            # Both at a rim leave no way: a stretch of nothing cannot be drawn.
            return here - 2 * max(down, 0.0), here + max(2 * up, 1e-3 if down <= 0 else 0.0)


def curves(explored: Explored, axis: AxisName, spans: Spans) -> Curves:
    """Every curve along the axis, in two milliseconds or so."""
    point = explored.point
    places = np.linspace(*reach(explored, axis, spans), _POINTS)
    values = [moved(explored, axis, place).value for place in places.tolist()]
    at_reference = explored.at(
        policy_chosen=point.reference_chosen, policy_rejected=point.reference_rejected
    ).value
    return Curves(
        axis=axis,
        x=places,
        loss=_finite(values, lambda value: value.loss),
        chosen_weight=_finite(values, lambda value: value.chosen_weight),
        rejected_weight=_finite(values, lambda value: value.rejected_weight),
        here=place_on(explored, axis),
        reference={
            "chosen": point.reference_chosen,
            "rejected": point.reference_rejected,
            "both": 0.0,
        }[axis],
        untrained=at_reference.loss,
    )


def _finite(values: Sequence[LossValue], part: Callable[[LossValue], float]) -> Floats:
    found = np.array([part(value) for value in values], dtype=np.float64)
    found[~np.isfinite(found)] = np.nan
    return found
