"""The worked example to its digits, the three cases, and what is taken from a run's config."""

import math

import pytest

from app.inspector.explorer.explored import (
    EXO_SMOOTHING,
    LOWEST,
    Explored,
    case_example,
    options_from,
    worked_example,
)
from app.inspector.explorer.figure_lines import chance, lines, next_step, policy_alone
from app.inspector.figures import CASES
from dpo_engine.config import TrainConfig
from dpo_engine.loss_values import LOSSES, LossOptions
from tests.app.inspector.explorer.points import EXTREME, ORDINARY


def test_the_worked_example() -> None:
    """0.3 and 0.7 become 0.7 and 0.3: log(7/3) each way."""
    example = worked_example()
    assert example.point.chosen_log_ratio == pytest.approx(math.log(7 / 3))
    assert round(example.point.chosen_log_ratio, 3) == 0.847
    assert round(example.point.rejected_log_ratio, 3) == -0.847
    assert round(example.log_ratio_difference, 3) == 1.695
    assert round(example.value.loss, 3) == 0.612
    assert round(example.with_options(beta=1.0).value.loss, 3) == 0.169
    assert example.beta == 0.1


def test_the_worked_example_is_written_out() -> None:
    said = {line.key: line.sentence for line in lines(worked_example())}
    assert said["margin"] == "Margin: 0.169 = 0.1 · (0.847 − (−0.847))"
    assert said["chosen_log_ratio"] == "Log-ratio, chosen: 0.847 = −0.357 − (−1.204)"
    assert said["loss"] == "Loss: 0.612 = −log σ(0.169)"
    assert said["chosen_weight"] == "∂L/∂ log π, chosen: −0.0458 = −0.1 · σ(−0.169)"
    assert next_step(worked_example()) == (
        "A gradient step raises the chosen and lowers the rejected, with the same weight, 0.0458."
    )


@pytest.mark.parametrize("wanted", CASES)
def test_each_case_is_what_it_says(wanted: str) -> None:
    explored = case_example(next(case for case in CASES if case == wanted))
    assert explored.case == wanted
    losses = [case_example(case).value.loss for case in CASES]
    assert losses == sorted(losses), "low, moderate, high"


def test_log_probs_stay_where_log_probs_can_be() -> None:
    moved = worked_example().at(policy_chosen=3.0, reference_rejected=-1e300)
    assert moved.point.policy_chosen == 0.0 and moved.point.reference_rejected == LOWEST
    assert moved.point.policy_rejected == worked_example().point.policy_rejected


def test_exo_pair_is_never_without_smoothing() -> None:
    explored = Explored(point=ORDINARY[0], loss="exo_pair")
    assert explored.effective.label_smoothing == EXO_SMOOTHING
    assert math.isfinite(explored.value.loss)
    assert Explored(point=ORDINARY[0]).effective.label_smoothing == 0.0


def test_the_loss_of_a_run_is_taken_from_its_config() -> None:
    config = {"loss_type": "simpo", "simpo_gamma": 1.5, "label_smoothing": 0.1}
    assert options_from(config, 2.0) == (
        "simpo",
        LossOptions(beta=2.0, simpo_gamma=1.5, label_smoothing=0.1),
    )
    assert options_from({"loss_type": "no such", "simpo_gamma": "much"}, 0.1) == ("sigmoid", LossOptions())
    assert options_from({}, 0.1) == (TrainConfig().loss_type, LossOptions())


def test_a_step_is_described_by_the_signs_of_its_weights() -> None:
    def step(loss: str, point: int = 0) -> str:
        return next_step(Explored(point=ORDINARY[point], loss=loss))

    assert step("sft") == (
        "A gradient step raises the chosen, with weight 0.0244, and leaves the rejected alone."
    )
    assert "the chosen 1.9 times as hard" in step("ipo")
    assert "leaves both where they are" in next_step(
        Explored(point=ORDINARY[0], loss="hinge", options=LossOptions(beta=1.0))
    )
    up = Explored(point=ORDINARY[0], loss="apo_down", options=LossOptions(beta=0.5))
    assert up.value.chosen_weight > 0 and up.value.rejected_weight > 0
    assert "lowers both" in next_step(up)


def test_the_policy_alone_may_say_otherwise_than_the_margin() -> None:
    explored = Explored(point=ORDINARY[0]).at(
        policy_chosen=-90.0, policy_rejected=-85.0, reference_chosen=-99.0, reference_rejected=-80.0
    )
    assert explored.margin > 0
    assert "finds the rejected response likelier, by 5.000 nats; but" in policy_alone(explored)
    assert "but" not in policy_alone(worked_example())
    assert "looks at the policy alone" in policy_alone(Explored(point=ORDINARY[0], loss="simpo"))


def test_a_probability_is_shown_only_where_it_means_something() -> None:
    assert chance(math.log(0.7)) == "p 0.70"
    assert chance(-90.0) == ""


@pytest.mark.parametrize("loss", LOSSES)
def test_words_are_there_at_every_extreme(loss: str) -> None:
    for point in EXTREME:
        for beta in (0.01, 10.0):
            explored = Explored(point=point, loss=loss, options=LossOptions(beta=beta))
            assert all(line.value and line.arithmetic for line in lines(explored))
            assert next_step(explored) and policy_alone(explored)
