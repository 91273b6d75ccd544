"""Steps, order and learning rate are known beforehand and follow from the config alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_engine.config import TrainConfig
from dpo_engine.training.plan import Plan, plan_of, rate_factor


def plan(pairs: int, per_step: int = 4, epochs: float = 1.0, seed: int = 0) -> Plan:
    return Plan(pairs=pairs, pairs_per_step=per_step, epochs=epochs, seed=seed)


def factors(schedule: str, total: int, ratio: float, steps: int = 0) -> list[float]:
    config = TrainConfig(lr_scheduler_type=schedule, warmup_ratio=ratio, warmup_steps=steps)  # type: ignore[arg-type]
    return [rate_factor(config, step, total) for step in range(1, total + 1)]


@given(pairs=st.integers(1, 60), per_step=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_an_epoch_takes_every_pair_once(pairs: int, per_step: int, seed: int) -> None:
    one = plan(pairs, per_step, epochs=2.0, seed=seed)
    for epoch in range(2):
        steps = range(epoch * one.steps_per_epoch + 1, (epoch + 1) * one.steps_per_epoch + 1)
        assert sorted(member for step in steps for member in one.step(step)) == list(range(pairs))
        assert all(len(one.step(step)) <= per_step for step in steps)


def test_epochs_have_orders_of_their_own_that_the_seed_fixes() -> None:
    one, same, other = plan(40, epochs=2.0), plan(40, epochs=2.0), plan(40, seed=1)
    assert one.step(1) == same.step(1)
    assert one.step(1) != one.step(11)
    assert one.step(1) != other.step(1)


def test_micro_batching_does_not_change_which_pairs_a_step_takes() -> None:
    ones = plan_of(TrainConfig(per_device_train_batch_size=1, gradient_accumulation_steps=8), 20)
    eights = plan_of(TrainConfig(per_device_train_batch_size=8, gradient_accumulation_steps=1), 20)
    assert ones.total_steps == eights.total_steps == 9
    for step in range(1, 10):
        assert ones.step(step) == eights.step(step)


@pytest.mark.parametrize(
    ("pairs", "epochs", "steps"),
    [(8, 1.0, 2), (9, 1.0, 3), (9, 3.0, 9), (8, 0.5, 1), (8, 0.01, 1), (8, 1.2, 3)],
)
def test_number_of_steps(pairs: int, epochs: float, steps: int) -> None:
    assert plan(pairs, epochs=epochs).total_steps == steps


def test_the_epoch_after_a_step() -> None:
    one = plan(10, epochs=2.0)
    assert [one.epoch_after(step) for step in (0, 1, 2, 3, 4, 6)] == [0.0, 0.4, 0.8, 1.0, 1.4, 2.0]


def test_linear_schedule_by_hand() -> None:
    expected = [1 / 3, 2 / 3, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]
    assert factors("linear", 10, 0.2) == pytest.approx(expected)


def test_cosine_schedule_is_half_way_down_in_the_middle() -> None:
    falling = factors("cosine", 8, 0.0)
    assert falling[0] == 1.0
    assert falling[4] == pytest.approx(0.5)


def test_constant_schedule_stays() -> None:
    assert factors("constant", 4, 0.25) == [0.5, 1.0, 1.0, 1.0]


def test_warm_up_steps_win_over_the_share() -> None:
    assert factors("constant", 5, 0.8, steps=3) == [1 / 4, 2 / 4, 3 / 4, 1.0, 1.0]


def test_more_warm_up_steps_than_steps_rise_to_the_end() -> None:
    assert factors("linear", 3, 0.0, steps=9) == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("total", [1, 2, 24])
def test_every_step_moves(schedule: str, warmup: float, total: int) -> None:
    assert all(0 < factor <= 1 for factor in factors(schedule, total, warmup))
