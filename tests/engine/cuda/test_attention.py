"""Attention inside packed rows by FlexAttention's kernels gives what plain products give."""

import pytest
import torch

from dpo_engine.forward import flex_attention
from dpo_engine.forward.shared_prefix import _attention
from dpo_engine.forward.span_attention import Layout, Span, masked_attention

LAYOUT = Layout((Span(0, 300, 140, 260), Span(700, 20, 300, 5), Span(1025, 1, 2, 3)))
EXACT = {torch.float32: 1e-2, torch.bfloat16: 3e-2}
"""Relative to the largest value; float32 products may use TF32."""


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("heads", "key_heads", "width"), [(9, 3, 64), (8, 8, 128), (14, 2, 64), (4, 2, 8)])
def test_results_and_gradients(
    device: torch.device, dtype: torch.dtype, heads: int, key_heads: int, width: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    states = [
        torch.randn(1, each, 1031, width, generator=generator).to(device, dtype).requires_grad_()
        for each in (heads, key_heads, key_heads)
    ]
    found, _ = _attention(torch.nn.Identity(), *states, None, shared_prefix=LAYOUT)
    wanted = masked_attention(*[one.double() for one in states], LAYOUT.may_see.to(device), width**-0.5, 1e9)
    towards = torch.randn(found.shape, generator=generator).to(device, torch.float64)
    grads = torch.autograd.grad((found.double() * towards).sum(), states)
    right = torch.autograd.grad((wanted.transpose(1, 2) * towards).sum(), states)
    for one, other in ((found, wanted.transpose(1, 2)), *zip(grads, right, strict=True)):
        assert (one.double() - other.double()).abs().max() < EXACT[dtype] * other.abs().max()


@pytest.mark.parametrize(("heads", "key_heads", "width"), [(9, 3, 64), (14, 2, 64), (32, 8, 128)])
def test_the_kernels_are_had_for_the_usual_heads(
    device: torch.device, heads: int, key_heads: int, width: int
) -> None:
    if device.type != "cuda":
        pytest.skip("CUDA's kernels")
    query, key = (
        torch.empty(1, each, 1, width, device=device, dtype=torch.bfloat16) for each in (heads, key_heads)
    )
    assert flex_attention.works(query, key)
