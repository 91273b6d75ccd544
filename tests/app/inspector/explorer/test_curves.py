"""The curves go through the pair, and their slopes are the weights."""

import math

import numpy as np
import pytest

from app.inspector.explorer.curves import (
    AXES,
    AxisName,
    Span,
    curves,
    moved,
    place_on,
    reach,
    span_of,
    spans_of,
)
from app.inspector.explorer.explored import LOWEST, Explored, worked_example
from app.inspector.explorer.presenter import ExplorerPresenter, OpenedPair
from dpo_engine.loss_values import LOSSES, LossPoint
from tests.app.inspector.explorer.points import EXTREME, ORDINARY

POINTS = (*ORDINARY, *EXTREME)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("point", ORDINARY)
def test_the_pair_is_on_its_curve(axis: AxisName, point: LossPoint) -> None:
    explored = Explored(point=point)
    along = curves(explored, axis, spans_of(point))
    assert along.x[0] <= along.here <= along.x[-1]
    assert np.interp(along.here, along.x, along.loss) == pytest.approx(explored.value.loss, rel=1e-2)
    assert along.untrained == pytest.approx(math.log(2))


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in ("hinge", "discopop")])
def test_the_slope_along_one_log_prob_is_its_weight(loss: str) -> None:
    """hinge has a corner and DiscoPOP bends faster than the places lie."""
    explored = Explored(point=ORDINARY[2], loss=loss)
    spans = spans_of(explored.point)
    for axis, weights in (("chosen", "chosen_weight"), ("rejected", "rejected_weight")):
        along = curves(explored, "chosen" if axis == "chosen" else "rejected", spans)
        inner = slice(5, -40)
        slopes = np.gradient(along.loss, along.x)[inner]
        assert slopes == pytest.approx(getattr(along, weights)[inner], rel=0.02, abs=1e-4)


def test_both_apart_keeps_the_sum_and_turns_both_ways() -> None:
    start = worked_example()
    further = moved(start, "both", start.log_ratio_difference + 0.5)
    assert further.log_ratio_difference == pytest.approx(start.log_ratio_difference + 0.5)
    before = start.point.policy_chosen + start.point.policy_rejected
    assert further.point.policy_chosen + further.point.policy_rejected == pytest.approx(before)
    assert moved(further, "both", start.log_ratio_difference).point.policy_chosen == pytest.approx(
        start.point.policy_chosen
    )


@pytest.mark.parametrize("point", POINTS)
def test_spans_hold_both_log_probs_and_axes_have_a_length(point: LossPoint) -> None:
    spans, explored = spans_of(point), Explored(point=point)
    for span, values in (
        (spans.chosen, (point.policy_chosen, point.reference_chosen)),
        (spans.rejected, (point.policy_rejected, point.reference_rejected)),
    ):
        assert all(span.low <= value <= span.high for value in values)
        assert LOWEST <= span.low < span.high <= 0
    for axis in AXES:
        low, high = reach(explored, axis, spans)
        assert low < high and low <= place_on(explored, axis) <= high


def test_a_span_grows_only_when_it_must() -> None:
    span = span_of(math.log(0.7), math.log(0.3))
    assert span == Span(-6.0, 0.0)
    assert span.with_value(-5.0) is span
    assert span.with_value(-12.5) == Span(-13.0, 0.0)


def test_the_presenter_moves_and_goes_back() -> None:
    presenter = ExplorerPresenter()
    told: list[float] = []
    stop = presenter.listen(lambda: told.append(presenter.explored.margin))
    pair = Explored(point=ORDINARY[0], loss="ipo")
    presenter.show_pair(OpenedPair(title="Pair 7", explored=pair))
    assert presenter.explored == pair and presenter.title == "Pair 7" and not presenter.changed
    presenter.set_beta(0.4)
    presenter.set_log_prob("policy_chosen", -1000.0)
    presenter.set_tokens(rejected=9)
    presenter.set_option("simpo_gamma", 2.0)
    assert presenter.changed and presenter.explored.point.rejected_tokens == 9
    assert presenter.spans.chosen.low <= -1000
    assert told[-1] == pytest.approx(0.4 * (-1000 + 90.5 - (-140.2 + 131.9)))
    presenter.show_case("against")
    assert presenter.explored.case == "against" and presenter.explored.loss == "ipo"
    presenter.go_back()
    assert presenter.explored == pair
    stop()
    before = len(told)
    presenter.set_loss("hinge")
    assert presenter.explored.loss == "hinge" and len(told) == before
    with pytest.raises(KeyError):
        presenter.set_loss("no such loss")


def test_moving_along_the_axis_ends_at_its_ends() -> None:
    presenter = ExplorerPresenter()
    presenter.set_axis("chosen")
    presenter.move_to(5.0)
    assert presenter.explored.point.policy_chosen == 0.0
    presenter.move_to(-1e9)
    assert presenter.explored.point.policy_chosen == presenter.spans.chosen.low == -6.0
