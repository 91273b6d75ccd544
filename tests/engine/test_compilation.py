"""Compiled layers compute what the plain ones do, and only where they were asked for."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.forward import compilation
from dpo_engine.forward.compilation import LONG_RUN, CompiledLayers, layers_of, pays
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.loading import load_for_training
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


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("changes", [{}, {"use_dora": True}], ids=["lora", "dora"])
def test_likewise_with_an_adapter_that_has_learned(tiny_model_folder: Path, changes: dict[str, Any]) -> None:
    """Its scale is 3: PyTorch's compiler has a way to lose a factor that nothing but 1 would hide."""
    config = TrainConfig(lora_r=4, lora_alpha=12, device="cpu", dtype="float32", **changes)
    found = []
    for compile_it in (True, False):
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(1)
            loaded = load_for_training(str(tiny_model_folder), config)
            for name, parameter in loaded.model.named_parameters():
                if "lora_B" in name:
                    parameter.copy_(torch.randn(parameter.shape) * 0.2)
        scorer = LogProbs(loaded.model, device=CPU, forward_dtype=loaded.dtype)
        if compile_it:
            scorer.compile_layers()
        sums = [scorer.sums(batch) for batch in BATCHES]
        torch.stack(sums).sum().backward()
        slopes = [one.grad for one in loaded.model.parameters() if one.grad is not None]
        found.append((torch.stack(sums).detach(), torch.cat([one.flatten() for one in slopes])))
    (mine, my_slope), (wanted, slope) = found
    torch.testing.assert_close(mine, wanted, rtol=1e-5, atol=1e-3)
    assert torch.cosine_similarity(my_slope, slope, 0) > 0.99999


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
