"""Compiled layers compute what the plain ones do, and only where they were asked for."""

import shutil
from typing import Any

import pytest
import torch

from dpo_engine.errors import BadInput
from dpo_engine.forward import compilation
from dpo_engine.forward.compilation import LONG_RUN, CompiledLayers, layers_of, pays
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.pairs.batches import collate
from dpo_engine.pairs.tokenization import TokenizedPair
from tests.helpers.tiny_model import Family, tiny_model

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
BATCHES = [
    collate([TokenizedPair(id="a", split="train", prompt=(5,) * n, chosen=(6, 7, 2), rejected=(8, 2))], (0,))
    for n in (4, 9, 15)
]


@pytest.mark.parametrize("family", ["llama", "qwen3", "gemma", "gpt2"])
def test_the_layers_are_found(family: Family) -> None:
    assert len(layers_of(tiny_model(family))) == 2


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # the compiler's own, which differ with every version of it
def test_values_and_gradients_are_those_of_the_plain_layers() -> None:
    plain, compiled = tiny_model(), tiny_model()
    ours = LogProbs(compiled, device=CPU, forward_dtype=torch.float32)
    ours.compile_layers()
    theirs = LogProbs(plain, device=CPU, forward_dtype=torch.float32)
    for batch in BATCHES:
        mine, wanted = ours.sums(batch), theirs.sums(batch)
        torch.testing.assert_close(mine, wanted, rtol=1e-5, atol=1e-4)
        mine.sum().backward()
        wanted.sum().backward()
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    for one, other in zip(compiled.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-3)


def test_outside_of_the_scorer_the_layers_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "_check_compiler", lambda device: None)
    called: list[bool] = []

    def spy(call: Any, dynamic: bool) -> Any:
        return lambda *args, **kwargs: (called.append(dynamic), call(*args, **kwargs))[1]

    monkeypatch.setattr(torch, "compile", spy)
    model = tiny_model()
    layers = CompiledLayers(model)
    model(torch.tensor([[5, 6]]))
    assert called == []
    with layers.active():
        model(torch.tensor([[5, 6]]))
    assert called == [True, True]  # both layers, for any length of row
    model(torch.tensor([[5, 6]]))
    assert called == [True, True]


def test_it_is_on_where_it_pays_and_where_it_is_asked_for() -> None:
    assert pays("on", CPU, 1, checkpointed=False)
    assert not pays("auto", CPU, 10 * LONG_RUN, checkpointed=False)
    assert pays("auto", CUDA, LONG_RUN, checkpointed=False)
    assert not pays("auto", CUDA, LONG_RUN - 1, checkpointed=False)
    assert not pays("auto", CUDA, LONG_RUN, checkpointed=True)
    assert not pays("off", CUDA, LONG_RUN, checkpointed=False)
    with pytest.raises(BadInput, match="does not go together"):
        pays("on", CPU, 1, checkpointed=True)


def test_without_a_compiler_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import cpp_builder
    from torch._inductor.exc import InvalidCxxCompiler

    def none() -> str:
        raise InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    with pytest.raises(BadInput, match=r"no C\+\+ compiler"):
        CompiledLayers(tiny_model())
