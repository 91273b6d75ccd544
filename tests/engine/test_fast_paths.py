"""Norms and LoRA layers in one step give what the library's many steps give, values and gradients."""

from typing import Any

import pytest
import torch

from dpo_engine.compute.device import precision
from dpo_engine.config import TrainConfig
from dpo_engine.forward import exact_lora
from dpo_engine.forward.fast_norm import speed_up_norms
from dpo_engine.models import adapters
from tests.helpers.tiny_model import Family, tiny_model

CPU = torch.device("cpu")
IDS = torch.randint(3, 250, (2, 11), generator=torch.Generator().manual_seed(3))


def norm_of(family: Family) -> Any:
    model = tiny_model(family)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.linspace(-0.5, 0.5, len(parameter)))
    return model


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_norms_of_known_families_are_replaced_and_equal(family: Family) -> None:
    theirs, ours = norm_of(family), norm_of(family)
    speed_up_norms(ours)
    assert type(ours.model.norm).__name__ == type(theirs.model.norm).__name__
    assert type(ours.model.norm) is not type(theirs.model.norm)
    for model in (theirs, ours):
        (model(IDS).logits.log_softmax(-1)[..., 5] * torch.linspace(-1, 1, 22).view(2, 11)).sum().backward()
    torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits, rtol=1e-5, atol=1e-5)
    for (name, mine), yours in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, yours.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_a_norm_of_another_kind_is_left_alone() -> None:
    model = tiny_model("gemma")
    kinds = [type(module) for module in model.modules()]
    speed_up_norms(model)
    assert [type(module) for module in model.modules()] == kinds


def test_a_norm_speaks_the_type_that_the_next_layer_multiplies_in() -> None:
    model = tiny_model("llama")
    speed_up_norms(model)
    states = torch.randn(1, 3, 32)
    assert model.model.norm(states).dtype == torch.float32
    with precision(CPU, torch.bfloat16):
        assert model.model.norm(states).dtype == torch.bfloat16
    exact = model.double().model.norm(states.double())
    assert exact.dtype == torch.float64


def test_norms_gradient_is_the_derivative() -> None:
    from dpo_engine.forward.fast_norm import _RmsNorm

    generator = torch.Generator().manual_seed(0)
    states = torch.randn(4, 6, generator=generator, requires_grad=True)
    weight = torch.randn(6, generator=generator, requires_grad=True)
    towards = torch.randn(4, 6, generator=generator)
    (_RmsNorm.apply(states, weight, 1e-5, torch.float32) * towards).sum().backward()
    exact_states, exact_weight = (one.detach().double().requires_grad_() for one in (states, weight))
    scale = torch.rsqrt(exact_states.square().mean(-1, keepdim=True) + 1e-5)
    (exact_states * scale * exact_weight * towards).sum().backward()
    torch.testing.assert_close(states.grad, exact_states.grad.float(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(weight.grad, exact_weight.grad.float(), rtol=1e-5, atol=1e-6)


def adapted(family: Family, dtype: torch.dtype) -> Any:
    torch.manual_seed(0)
    config = TrainConfig(lora_r=4, lora_alpha=6)
    model: Any = adapters.begin(tiny_model(family).to(dtype).requires_grad_(False), config, "base")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(1)).mul_(0.3)
    return model.eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_a_lora_layer_in_one_step_equals_the_steps(
    family: Family, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """qwen2's layers have biases."""
    results = []
    for in_one_step in (True, False):
        model = adapted(family, dtype)
        if not in_one_step:
            monkeypatch.setattr(exact_lora, "_in_one_step", lambda *_: False)
        with precision(CPU, dtype):
            logits = model(IDS).logits.float()
        logits.log_softmax(-1)[..., 7].sum().backward()
        gradients = [one.grad for one in model.parameters() if one.requires_grad]
        results.append((logits.detach(), gradients))
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 0.1, "atol": 0.3}
    torch.testing.assert_close(results[0][0], results[1][0], **tolerance)
    for mine, theirs in zip(results[0][1], results[1][1], strict=True):
        scale = float(theirs.abs().max())
        assert float((mine - theirs).abs().max()) <= (1e-4 if dtype == torch.float32 else 0.1) * scale


def test_dropout_goes_the_long_way_while_it_acts() -> None:
    torch.manual_seed(0)
    config = TrainConfig(lora_r=4, lora_dropout=0.5)
    model: Any = adapters.begin(tiny_model().requires_grad_(False), config, "base").eval()
    layer = model.base_model.model.model.layers[0].self_attn.q_proj
    states = torch.randn(1, 3, 32)
    assert exact_lora._in_one_step(layer, "default", states)
    layer.lora_dropout["default"].train()
    assert not exact_lora._in_one_step(layer, "default", states)
