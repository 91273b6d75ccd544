"""Mixes of losses: parsed and checked with the config, and acting as the sum they are."""

from typing import Any

import pytest
import torch

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.loss_mix import described, needs_reference, weighted_losses
from dpo_engine.losses import Loss
from dpo_engine.losses.contrastive import ipo, sigmoid
from dpo_engine.losses.reference_free import sft
from tests.helpers.pair_log_probs import pair, pairs

EXAMPLE = pairs(
    [(-10.0, -24.0, -16.0, -20.0), (-3.0, -4.0, -2.0, -6.0)],
    tokens=[(3, 8), (2, 4)],
)


def test_the_first_loss_has_weight_1_and_the_others_theirs() -> None:
    config = TrainConfig(loss_mix=" sft 0.2,ipo  5e-1 ")
    assert weighted_losses(config) == {"sigmoid": 1.0, "sft": 0.2, "ipo": 0.5}
    assert described(config) == "sigmoid + 0.2 · sft + 0.5 · ipo"
    assert weighted_losses(TrainConfig()) == {"sigmoid": 1.0}


@pytest.mark.parametrize(
    ("mix", "says"),
    [
        ("", "has '' where a loss and its weight belong"),
        ("sft", "has 'sft' where"),
        ("sft 0.2,", "has '' where"),
        ("sft 0.2 0.3", "has 'sft 0.2 0.3' where"),
        ("kl 0.2", "names 'kl'; it must be one of sigmoid, ipo,"),
        ("SFT 0.2", "names 'SFT'"),
        ("sft much", "gives sft the weight 'much', which is no number"),
        ("sft 0", "gives sft the weight 0; it must be above 0"),
        ("sft -1", "weight -1; it must be above 0"),
        ("sft nan", "weight nan; it must be above 0 and finite"),
        ("sft inf", "weight inf; it must"),
        ("sft 1e999", "weight 1e999; it must"),
        ("sft 0.2, sft 0.3", "The loss sft is named twice"),
        ("sigmoid 0.5", "The loss sigmoid is named twice"),
    ],
)
def test_what_is_no_mix_is_a_sentence(mix: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        TrainConfig(loss_mix=mix)
    assert says in str(refused.value) and str(refused.value).endswith(".")


def test_hostile_text_is_cut_in_the_sentence() -> None:
    with pytest.raises(BadInput) as refused:
        TrainConfig(loss_mix="x" * 1_000_000 + " 1")
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("settings", "works"),
    [
        ({"loss_type": "ipo", "label_smoothing": 0.1}, False),
        ({"loss_type": "ipo", "loss_mix": "sigmoid 1", "label_smoothing": 0.1}, True),
        ({"loss_type": "ipo", "loss_mix": "sigmoid_norm 1", "label_smoothing": 0.1}, False),
        ({"loss_type": "sigmoid", "simpo_gamma": 1.0}, False),
        ({"loss_type": "sigmoid", "loss_mix": "sft 1, simpo 0.5", "simpo_gamma": 1.0}, True),
        ({"loss_type": "hinge", "discopop_tau": 0.1}, False),
        ({"loss_type": "hinge", "loss_mix": "discopop 2", "discopop_tau": 0.1}, True),
    ],
)
def test_an_option_acts_where_any_loss_of_the_mix_takes_it(settings: dict[str, Any], works: bool) -> None:
    if works:
        TrainConfig(**settings)
    else:
        with pytest.raises(BadInput, match="has no effect while loss_type is"):
            TrainConfig(**settings)


def test_exo_pair_needs_label_smoothing() -> None:
    for settings in ({"loss_type": "exo_pair"}, {"loss_mix": "exo_pair 0.1"}):
        with pytest.raises(BadInput, match="label_smoothing is 0, with which the loss exo_pair is infinite"):
            TrainConfig(**settings)  # type: ignore[arg-type]
    assert TrainConfig(loss_type="exo_pair", label_smoothing=0.001).loss_type == "exo_pair"


@pytest.mark.parametrize(
    ("loss_type", "mix", "needed"),
    [
        ("sigmoid", None, True),
        ("simpo", None, False),
        ("orpo", "sft 0.2, simpo 1", False),
        ("simpo", "ipo 0.1", True),
        ("sigmoid", "sft 1", True),
    ],
)
def test_a_reference_is_needed_where_any_loss_compares_with_one(
    loss_type: Any, mix: str | None, needed: bool
) -> None:
    config = TrainConfig(loss_type=loss_type, loss_mix=mix)
    assert needs_reference(config) is Loss(config).needs_reference is needed


def test_a_reference_cannot_follow_where_there_is_none() -> None:
    with pytest.raises(BadInput, match=r"^sync_ref_model is on, but has no effect while the loss is simpo,"):
        TrainConfig(method="full", loss_type="simpo", sync_ref_model=True)
    assert TrainConfig(method="full", loss_type="simpo", loss_mix="ipo 1", sync_ref_model=True)


def test_a_mix_is_the_sum_of_its_parts_by_weight() -> None:
    loss = Loss(TrainConfig(loss_mix="sft 0.2, ipo 0.5"))
    expected = sigmoid(EXAMPLE, beta=0.1) + 0.2 * sft(EXAMPLE) + 0.5 * ipo(EXAMPLE, beta=0.1)
    torch.testing.assert_close(loss(EXAMPLE), expected)
    parts = loss.parts(EXAMPLE)
    assert list(parts) == ["sigmoid", "sft", "ipo"]
    torch.testing.assert_close(parts["sft"], torch.tensor([10 / 3, 1.5]))  # before its weight


def test_one_loss_alone_is_itself() -> None:
    loss = Loss(TrainConfig(label_smoothing=0.1))
    assert torch.equal(loss(EXAMPLE), sigmoid(EXAMPLE, beta=0.1, label_smoothing=0.1))
    assert loss.parts(EXAMPLE) == {}


def test_rewards_are_those_of_the_first_loss() -> None:
    # log-ratios 6 and −4, −1 and 2
    chosen, rejected = Loss(TrainConfig(beta=0.5, loss_mix="simpo 1")).rewards(EXAMPLE)
    assert (chosen.tolist(), rejected.tolist()) == ([3.0, -0.5], [-2.0, 1.0])
    # log-probs per token −10/3 and −3, −1.5 and −1
    chosen, rejected = Loss(TrainConfig(beta=0.5, loss_type="simpo", loss_mix="ipo 1")).rewards(EXAMPLE)
    assert chosen.tolist() == pytest.approx([-5 / 3, -0.75])
    assert rejected.tolist() == pytest.approx([-1.5, -0.5])


def test_the_reward_shift_of_bco_pair_is_learned_after_each_step() -> None:
    loss = Loss(TrainConfig(loss_type="bco_pair", beta=1.0))
    first = pair(2.0, -1.0)
    # before any step δ = 0: log(1 + e^−2) + log(1 + e^−1)
    assert loss(first).item() == pytest.approx(0.126928 + 0.313262, abs=1e-5)
    assert torch.equal(loss(first), loss(first))
    loss.after_step(first)  # δ = (2 − 1) / 2 = 0.5: log(1 + e^−1.5) + log(1 + e^−1.5)
    assert loss(first).item() == pytest.approx(2 * 0.201413, abs=1e-5)
    loss.after_step(pairs([(4.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)]))  # + 2 + 0.5, over 3 pairs: δ = 1
    assert loss.state()["bco_pair_shift"].item() == pytest.approx(1.0)


def test_the_reward_shift_goes_into_a_checkpoint_and_back_to_the_bit() -> None:
    config = TrainConfig(loss_mix="bco_pair 0.3")
    before, after = Loss(config), Loss(config)
    for step in (EXAMPLE, pair(0.1, -0.7, -0.3, -0.9)):
        before.after_step(step)
    after.load_state(before.state())
    assert torch.equal(before(EXAMPLE), after(EXAMPLE))
    for loss in (before, after):
        loss.after_step(EXAMPLE)
    assert before.state() == after.state()


def test_a_state_of_another_loss_is_refused() -> None:
    stateful = Loss(TrainConfig(loss_type="bco_pair"))
    with pytest.raises(BadInput, match="made with another loss"):
        stateful.load_state({})
    with pytest.raises(BadInput, match="made with another loss"):
        Loss(TrainConfig()).load_state(stateful.state())
    broken = stateful.state() | {"bco_pair_shift": torch.tensor(float("nan"))}
    with pytest.raises(BadInput, match="is damaged"):
        stateful.load_state(broken)
    assert Loss(TrainConfig()).state() == {}
