"""Ready-made settings: valid everywhere, told apart, and found again."""

import dataclasses

import pytest

from dpo_engine.config import Method
from dpo_engine.presets import PRESETS, careful, matching, of_the_paper, strong
from dpo_engine.recommendations import recommended, resolved

METHODS: tuple[Method, ...] = ("lora", "full")
NUMBERS = (1, 50, 499, 500, 20_000)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pairs", NUMBERS)
def test_each_is_itself_again_with_its_rate_written_out_or_not(method: Method, pairs: int) -> None:
    for preset in PRESETS:
        config = preset.make(method, pairs)
        assert matching(config, pairs) is preset
        assert matching(resolved(config, pairs), pairs) is preset
        assert matching(dataclasses.replace(config, beta=0.123), pairs) is None


def test_they_differ_as_their_names_say() -> None:
    usual, low, high = (make("lora", 50) for make in (recommended, careful, strong))
    rate = resolved(usual, 50).learning_rate
    assert rate is not None and low.learning_rate == rate / 2 and low.load_best_model_at_end
    assert low.stop_at_kl < usual.stop_at_kl < high.stop_at_kl
    assert high.beta == usual.beta / 2 and low.beta == usual.beta
    assert (low.loss_mix, usual.loss_mix, high.loss_mix) == ("sft 0.8", "sft 0.4", "sft 0.2")


def test_the_papers_figures() -> None:
    paper = of_the_paper("lora", 50)
    assert (paper.method, paper.beta, paper.learning_rate) == ("full", 0.1, 1e-6)
    assert (paper.per_device_train_batch_size, paper.warmup_steps) == (64, 150)
