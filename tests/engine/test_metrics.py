"""Metrics under TRL's names are means over pairs, however the pairs were batched."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dpo_engine.config import TrainConfig
from dpo_engine.errors import TrainingDiverged
from dpo_engine.losses import Loss
from dpo_engine.training.metrics import PairMeans, StepClock, only_finite, pair_figures
from dpo_engine.training.optimizer_step import check_start
from tests.helpers.pair_log_probs import pair, pairs

HINGE = Loss(TrainConfig(loss_type="hinge", beta=0.5))
TWO_PAIRS = pairs([(-1.0, -4.0, -2.0, -3.0), (-6.0, -2.0, -5.0, -2.0)], tokens=[(2, 4), (3, 1)])


def test_values_of_two_pairs_by_hand() -> None:
    means = PairMeans()
    means.add(TWO_PAIRS, HINGE)
    assert means.pairs == 2
    assert means.means() == pytest.approx(
        {
            "loss": 0.75,  # 1 − 1, 1 + 0.5
            "rewards/chosen": 0.0,  # 0.5 · 1, 0.5 · −1
            "rewards/rejected": -0.25,  # 0.5 · −1, 0
            "rewards/margins": 0.25,  # 1, −0.5
            "rewards/accuracies": 0.5,
            "logps/chosen": -3.5,
            "logps/rejected": -3.0,
            "logps/chosen_per_token": -1.25,  # −1/2, −6/3
            "logps/rejected_per_token": -1.5,  # −4/4, −2/1
            "rewards/margins_per_token": (0.375 - 1 / 6) / 2,  # 0.5 · (1/2 + 1/4), 0.5 · (−1/3 − 0)
        }
    )


def test_a_mix_reports_each_part_before_its_weight() -> None:
    means = PairMeans()
    means.add(TWO_PAIRS, Loss(TrainConfig(loss_type="hinge", beta=0.5, loss_mix="sft 0.2")))
    found = means.means("eval_")
    assert found["eval_loss/hinge"] == 0.75
    assert found["eval_loss/sft"] == pytest.approx(1.25)
    assert found["eval_loss"] == pytest.approx(0.75 + 0.2 * 1.25)


def test_without_a_reference_rewards_are_of_the_policy_and_no_log_ratio_is_shown() -> None:
    means = PairMeans()
    means.add(pair(-6.0, -20.0, tokens=(4, 8)), Loss(TrainConfig(loss_type="simpo", beta=2.0)))
    found = means.means()
    assert (found["rewards/chosen"], found["rewards/rejected"]) == (-3.0, -5.0)
    assert (found["rewards/margins"], found["rewards/accuracies"]) == (2.0, 1.0)
    assert "rewards/margins_per_token" not in found


def test_equal_rewards_are_not_accurate() -> None:
    means = PairMeans()
    means.add(pair(-1.0, -2.0, -1.0, -2.0), HINGE)
    assert means.means("eval_")["eval_rewards/accuracies"] == 0.0


def test_before_any_pair_there_is_nothing() -> None:
    assert PairMeans().means() == {} and PairMeans().pairs == 0


def test_pairs_may_be_added_after_reading() -> None:
    means = PairMeans()
    means.add(TWO_PAIRS, HINGE)
    means.means()
    means.add(pair(-1.0, -1.0, tokens=(1, 1)), HINGE)
    assert means.pairs == 3
    assert means.means()["logps/chosen"] == pytest.approx(-8 / 3)


def test_nothing_holds_on_to_the_graph() -> None:
    chosen = torch.tensor([-1.0], requires_grad=True)
    means = PairMeans()
    log_probs = pair(-1.0, -2.0)
    means.add(type(log_probs)(**{**vars(log_probs), "policy_chosen": chosen}), HINGE)
    assert not means.log_probs().policy_chosen.requires_grad


LOG_PROB = st.floats(min_value=-100, max_value=0, width=32)


@given(
    rows=st.lists(st.tuples(LOG_PROB, LOG_PROB, LOG_PROB, LOG_PROB), min_size=1, max_size=12),
    size=st.integers(min_value=1, max_value=12),
    mix=st.sampled_from([None, "sft 0.2, bco_pair 1", "ipo 0.5"]),
)
def test_micro_batching_changes_nothing(
    rows: list[tuple[float, float, float, float]], size: int, mix: str | None
) -> None:
    loss = Loss(TrainConfig(loss_mix=mix))
    together, in_parts = PairMeans(), PairMeans()
    together.add(pairs(rows), loss)
    for start in range(0, len(rows), size):
        in_parts.add(pairs(rows[start : start + size]), loss)
    assert in_parts.means() == together.means()
    assert set(together.means()) == set(pair_figures(pairs(rows), loss))


def test_the_start_is_right_for_every_kind_of_loss() -> None:
    agreeing = pairs([(-9.0, -30.0, -9.0, -30.0), (-2.0, -1.0, -2.0, -1.0)], tokens=[(3, 9), (1, 2)])
    for loss_type in ("sigmoid", "ipo", "sppo_hard", "apo_down", "bco_pair"):
        check_start(agreeing, Loss(TrainConfig(loss_type=loss_type)))  # type: ignore[arg-type]
    check_start(agreeing, Loss(TrainConfig(loss_mix="simpo 2, sft 0.1")))


def test_a_start_away_from_the_reference_is_refused() -> None:
    # the second pair's margin is 0.1 · 0.02
    apart = pairs([(-9.0, -30.0, -9.0, -30.0), (-1.98, -1.0, -2.0, -1.0)])
    for config in (TrainConfig(), TrainConfig(loss_type="simpo", loss_mix="ipo 1")):
        with pytest.raises(TrainingDiverged, match=r"margin 0\.0020 \(0 is right\)"):
            check_start(apart, Loss(config))


def test_both_sides_moved_alike_are_noticed_where_the_loss_does() -> None:
    """No margin, and yet the policy is not its reference."""
    shifted = pair(-8.0, -29.0, -9.0, -30.0)
    with pytest.raises(TrainingDiverged, match=r"the loss is 52\.0000 \(50\.0000 is right\)"):
        check_start(shifted, Loss(TrainConfig(loss_type="sppo_hard")))  # (1 − 5)² + (1 + 5)² = 52


def test_without_a_reference_any_start_is_right() -> None:
    check_start(pair(-8.0, -29.0), Loss(TrainConfig(loss_type="orpo", loss_mix="sft 1")))


def test_only_finite_numbers_are_reported() -> None:
    assert only_finite({"loss": float("nan"), "grad_norm": float("inf"), "epoch": 1.0}) == {"epoch": 1.0}


def test_time_left_goes_by_the_median_and_forgets_an_odd_step() -> None:
    clock = StepClock()
    assert clock.seconds_left(10) == 0.0
    for seconds in (60.0, 2.0, 2.0, 2.0):
        clock.add(seconds)
    assert clock.seconds_left(10) == pytest.approx(20.0)
