"""What holds of every loss: derivatives, directions, huge margins, values where policy is reference."""

from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from dpo_engine.config import LossType, TrainConfig
from dpo_engine.loss_mix import PAPERS, REFERENCE_FREE
from dpo_engine.losses import Loss, PairLogProbs
from dpo_engine.losses.mix import RewardShift, pair_losses
from tests.helpers.pair_log_probs import of_columns

NAMES = sorted(PAPERS)
EVERY = pytest.mark.parametrize("name", NAMES)
LOSSES = pair_losses(
    TrainConfig(loss_type="exo_pair", loss_mix="simpo 1, discopop 1", label_smoothing=0.1), RewardShift(0.1)
)
"""Every one at β = 0.1 with label smoothing 0.1."""


def gradients(name: str, *columns: Tensor) -> tuple[Tensor, Tensor]:
    """∂loss/∂log π_θ of the chosen and of the rejected response, [pairs]."""
    chosen, rejected = (column.clone().requires_grad_() for column in columns[:2])
    loss = LOSSES[name](of_columns(chosen, rejected, *columns[2:])).sum()
    found = torch.autograd.grad(loss, (chosen, rejected), allow_unused=True, materialize_grads=True)
    return found[0], found[1]


def some_columns(pairs: int = 12, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Policy, reference and tokens of pairs whose log-ratios are up to a few nats either way."""
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(1, 40, (2, pairs), generator=generator).to(dtype)
    reference = -tokens * (0.5 + torch.rand(2, pairs, generator=generator, dtype=dtype))
    policy = reference + torch.randn(2, pairs, generator=generator, dtype=dtype) * 4
    return [*policy.clamp(max=-0.05), *reference, *tokens]


def test_there_is_a_loss_for_every_name_in_the_config() -> None:
    assert set(LOSSES) == set(NAMES) == {*get_args(LossType), "sft"}


@EVERY
def test_derivatives_are_right_in_float64(name: str) -> None:
    columns = some_columns(pairs=6)
    policy = tuple(column.clone().requires_grad_() for column in columns[:2])

    def loss(chosen: Tensor, rejected: Tensor) -> Tensor:
        # hinge has a corner, which no pair here comes near
        return LOSSES[name](of_columns(chosen, rejected, *columns[2:]))

    value = loss(*policy)
    assert value.shape == (6,) and value.dtype == torch.float64
    assert torch.autograd.gradcheck(loss, policy, eps=1e-6, atol=1e-6)


CHOSEN_UP = sorted(
    set(NAMES) - {"apo_down", "discopop", "nca_pair", "sppo_hard", "ipo", "exo_pair", "sigmoid"}
)
"""Whatever the margin. The others aim at a finite one, or lower both sides (apo_down)."""


@pytest.mark.parametrize("name", CHOSEN_UP)
def test_the_chosen_response_is_never_made_less_likely(name: str) -> None:
    chosen, _ = gradients(name, *some_columns(40))
    assert (chosen <= 0).all() and (chosen < 0).any()


@pytest.mark.parametrize("name", sorted({*CHOSEN_UP, "apo_down", "nca_pair"} - {"sft"}))
def test_the_rejected_response_is_never_made_likelier(name: str) -> None:
    _, rejected = gradients(name, *some_columns(40))
    assert (rejected >= 0).all() and (rejected > 0).any()


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"sft", "apo_down", "discopop"}))
def test_from_the_reference_the_chosen_rises_and_the_rejected_falls(name: str) -> None:
    columns = some_columns(10)
    chosen, rejected = gradients(name, *columns[2:4], *columns[2:])
    assert (chosen < 0).all() and (rejected > 0).all()


def test_apo_down_lowers_only_the_rejected_one_at_first() -> None:
    columns = some_columns(10)
    chosen, rejected = gradients("apo_down", *columns[2:4], *columns[2:])
    assert chosen.abs().max() < 1e-12 and (rejected > 0).all()
    chosen, rejected = gradients("apo_down", columns[2], columns[3] - 5, *columns[2:])
    assert (chosen > 0).all() and (rejected > 0).all()


@EVERY
@pytest.mark.parametrize("chosen", [-1e4, 0.0, 1e4])
@pytest.mark.parametrize("rejected", [-1e4, 0.0, 1e4])
def test_no_overflow_however_far_policy_and_reference_are_apart(
    name: str, chosen: float, rejected: float
) -> None:
    """Log-ratios of 10,000 nats in float32: whole responses that one of the two deems impossible."""
    policy = torch.tensor([[min(chosen, 0.0)], [min(rejected, 0.0)]]) - 20
    reference = policy - torch.tensor([[chosen], [rejected]])
    tokens = torch.tensor([[8.0], [3.0]])
    columns = [*policy, *reference, *tokens]
    value = LOSSES[name](of_columns(*columns))
    assert value.dtype == torch.float32 and value.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients(name, *columns))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid", 0.693147),
        ("sigmoid_norm", 0.693147),
        ("hinge", 1.0),
        ("ipo", 25.0),  # 1 / (4 · 0.1²)
        ("robust", 0.693147),
        ("exo_pair", 0.510826),  # −½ · log(4 · 0.9 · 0.1)
        ("discopop", 0.846574),  # ½ · ln 2 + ½
        ("nca_pair", 1.386294),
        ("bco_pair", 1.386294),
        ("sppo_hard", 50.0),  # 2 · 5²
        ("apo_zero", 1.0),
        ("apo_down", 1.0),
    ],
)
def test_the_value_where_policy_and_reference_agree(name: str, expected: float) -> None:
    columns = some_columns(5)
    values = LOSSES[name](of_columns(*columns[2:4], *columns[2:]))
    assert values.tolist() == pytest.approx([expected] * 5, abs=1e-5)


@EVERY
def test_only_reference_free_losses_do_not_look_at_the_reference(name: str) -> None:
    columns = some_columns(5)
    changed = [*columns[:2], columns[2] - 1, columns[3] - 3, *columns[4:]]
    same = torch.equal(LOSSES[name](of_columns(*columns)), LOSSES[name](of_columns(*changed)))
    assert same == (name in REFERENCE_FREE)


@EVERY
def test_a_pair_s_loss_does_not_depend_on_the_others(name: str) -> None:
    columns = some_columns(7, torch.float32)
    together = LOSSES[name](of_columns(*columns))
    alone = [LOSSES[name](of_columns(*(column[[place]] for column in columns))) for place in range(7)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-6)


SETTINGS: dict[str, dict[str, Any]] = {
    "label_smoothing": {"sigmoid": (0.0, 0.2), "robust": (0.0, 0.2), "exo_pair": (0.01, 0.2)},
    "discopop_tau": {"discopop": (0.05, 0.5)},
    "simpo_gamma": {"simpo": (0.5, 1.0)},
    "beta": dict.fromkeys(get_args(LossType), (0.1, 0.3)),
}


@pytest.mark.parametrize(
    ("setting", "name"), [(key, name) for key, names in SETTINGS.items() for name in names]
)
def test_each_setting_reaches_the_losses_it_acts_in(setting: str, name: str) -> None:
    def value(number: float) -> Tensor:
        needed = {"label_smoothing": 0.1} if name == "exo_pair" else {}
        config = TrainConfig(**{"loss_type": name, **needed, setting: number})  # type: ignore[arg-type]
        return Loss(config)(_example())

    low, high = SETTINGS[setting][name]
    assert not torch.allclose(value(low), value(high))


def _example() -> PairLogProbs:
    return of_columns(*some_columns(4))
