"""Gradients that are added up apart are those that autograd gives, over several batches and steps."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dpo_engine.compute.lasting_memory import lasting_zeros
from dpo_engine.config import TrainConfig
from dpo_engine.forward.kept_gradients import KeepingLinear, is_kept, is_plain, keep_gradients, pays
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.pairs.batches import collate
from dpo_engine.pairs.tokenization import TokenizedPair
from tests.helpers.tiny_model import tiny_model

CPU = torch.device("cpu")
PAIRS = [
    TokenizedPair(
        id=str(one), split="train", prompt=(5, 2, 7 + one), chosen=(3, 2, 9), rejected=(8, one, 0, 1)
    )
    for one in range(4)
]


def gradients(model: Any, dtype: torch.dtype) -> dict[str, Tensor]:
    """Of two batches added up, in the second of two steps."""
    scorer = LogProbs(model, device=CPU, forward_dtype=dtype)
    for _ in range(2):
        model.zero_grad(set_to_none=True)
        for part in (PAIRS[:2], PAIRS[2:]):
            chosen, rejected = scorer.sums(collate(part, range(2)))
            (chosen.sum() - 2 * rejected.sum()).backward()
    return {name: one.grad.clone() for name, one in model.named_parameters()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "gpt2", "gemma", "gemma2"])
def test_they_are_autograd_s(family: Any, dtype: torch.dtype) -> None:
    usual = tiny_model(family)
    keeping = copy.deepcopy(usual)
    keep_gradients(keeping)
    assert any(is_kept(one) for one in keeping.parameters())
    expected, found = gradients(usual, dtype), gradients(keeping, dtype)
    for name, one in expected.items():
        scale = float(one.abs().max())
        torch.testing.assert_close(found[name], one, rtol=1e-5, atol=1e-6 * scale, msg=name)


def test_the_padding_s_row_learns_nothing_as_in_the_library() -> None:
    usual = nn.Embedding(5, 3, padding_idx=2)
    keeping = copy.deepcopy(usual)
    keep_gradients(keeping)
    for table in (usual, keeping):
        table(torch.tensor([[2, 4, 4]])).square().sum().backward()
    assert usual.weight.grad is not None and keeping.weight.grad is not None
    assert torch.equal(usual.weight.grad, keeping.weight.grad)
    assert not keeping.weight.grad[2].any() and keeping.weight.grad[4].all()


def test_a_bias_learns_too() -> None:
    usual = nn.Linear(3, 4)
    keeping = copy.deepcopy(usual)
    keep_gradients(keeping)
    for layer in (usual, keeping):
        layer(torch.arange(6.0).view(1, 2, 3)).square().sum().backward()
    for one, other in zip(usual.parameters(), keeping.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_the_memory_of_a_gradient_is_taken_once() -> None:
    layer = nn.Linear(3, 4)
    keep_gradients(layer)
    places = set()
    for _ in range(3):
        layer(torch.ones(2, 3)).sum().backward()
        assert layer.weight.grad is not None and torch.equal(layer.weight.grad, torch.full((4, 3), 2.0))
        places.add(layer.weight.grad.data_ptr())
        layer.zero_grad(set_to_none=True)
    assert len(places) == 1


def test_only_plain_layers_that_learn_are_changed() -> None:
    frozen = nn.Linear(3, 4).requires_grad_(False)
    keep_gradients(frozen)
    assert type(frozen) is nn.Linear and is_plain(frozen, nn.Linear)
    learning = nn.Linear(3, 4)
    keep_gradients(learning)
    assert type(learning) is KeepingLinear and is_plain(learning, nn.Linear)
    assert not is_plain(nn.LayerNorm(3), nn.Linear)
    copied = copy.deepcopy(learning).requires_grad_(False)
    assert torch.equal(copied(torch.ones(1, 3)), learning(torch.ones(1, 3)))


def test_it_pays_for_full_fine_tunes_on_the_cpu() -> None:
    assert pays(TrainConfig(method="full"), CPU)
    assert not pays(TrainConfig(), CPU)
    assert not pays(TrainConfig(method="full", torch_compile="on"), CPU)
    assert not pays(TrainConfig(method="full"), torch.device("cuda"))


@pytest.mark.parametrize("shape", [(3,), (300, 400)], ids=["on the heap", "apart"])
def test_lasting_memory_is_ordinary_to_its_users(shape: tuple[int, ...]) -> None:
    made = lasting_zeros(torch.empty(shape))
    assert made.shape == shape and made.dtype == torch.float32 and not made.any()
    made += 1
    assert made.sum() == made.numel()
    assert torch.equal(copy.deepcopy(made), made)
