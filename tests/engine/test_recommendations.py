"""What is proposed follows the method and the number of pairs."""

import dataclasses
from typing import get_args

import pytest

from dpo_engine.config import Method, TrainConfig
from dpo_engine.recommendations import FEW, MANY, recommended, recommended_learning_rate, resolved


@pytest.mark.parametrize(
    ("method", "pairs", "rate"), [("lora", 35, 2e-4), ("full", 35, 1e-5), ("lora", 20_000, 5e-6)]
)
def test_the_learning_rate_is_settled_by_method_and_pairs(method: Method, pairs: int, rate: float) -> None:
    config = TrainConfig(method=method)
    assert config.learning_rate is None
    assert resolved(config, pairs).learning_rate == rate
    assert recommended_learning_rate(config.method, pairs) == rate


def test_a_given_learning_rate_stays() -> None:
    config = TrainConfig(learning_rate=3e-5)
    assert resolved(config, 35) is config


@pytest.mark.parametrize(
    ("pairs", "epochs"), [(0, 6.0), (25, 6.0), (50, 4.0), (100, 2.0), (200, 2.0), (499, 2.0)]
)
def test_few_pairs_are_seen_about_as_often_however_few(pairs: int, epochs: float) -> None:
    config = recommended("lora", pairs)
    assert (config.num_train_epochs, config.loss_mix, config.loss_type) == (epochs, "sft 0.4", "sigmoid")


@pytest.mark.parametrize("method", get_args(Method))
def test_few_pairs_are_trained_on_until_the_answers_say_enough(method: Method) -> None:
    config = recommended(method, 50)
    assert config.eval_samples > 0 and config.stop_at_repetition == 0.1
    # A full fine-tune has no model at hand to compare its answers with.
    assert config.stop_at_kl == (0.0 if method == "full" else 0.1)


@pytest.mark.parametrize(("pairs", "epochs"), [(FEW, 2.0), (MANY, 1.0)])
def test_for_many_pairs_only_the_epochs_are_proposed(pairs: int, epochs: float) -> None:
    usual = dataclasses.replace(TrainConfig(), num_train_epochs=epochs)
    assert recommended("lora", pairs) == usual
