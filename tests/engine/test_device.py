import pytest
import torch

from dpo_engine.compute.device import device_name, memory_of, pick_device, pick_dtype
from dpo_engine.errors import BadInput

CPU = torch.device("cpu")


@pytest.fixture
def nothing_but_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def _processor(monkeypatch: pytest.MonkeyPatch, *features: str) -> None:
    for known in ("avx512", "avx512_bf16", "amx_tile"):
        monkeypatch.setattr(
            torch.cpu, f"_is_{known}_supported", lambda known=known: known in features, raising=False
        )


@pytest.mark.usefixtures("nothing_but_a_cpu")
def test_auto_takes_the_cpu_when_there_is_nothing_else() -> None:
    assert pick_device("auto") == CPU


def test_auto_prefers_cuda_then_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto").type == "mps"


@pytest.mark.usefixtures("nothing_but_a_cpu")
@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_an_absent_device_is_refused(wanted: str) -> None:
    with pytest.raises(BadInput, match=f"no {wanted} device"):
        pick_device(wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("features", "inference", "training"),
    [
        ((), torch.float32, torch.float32),
        (("avx512",), torch.bfloat16, torch.float32),
        (("avx512", "avx512_bf16"), torch.bfloat16, torch.bfloat16),
        (("avx512", "amx_tile"), torch.bfloat16, torch.bfloat16),
    ],
)
def test_auto_precision_follows_the_processor(
    monkeypatch: pytest.MonkeyPatch,
    features: tuple[str, ...],
    inference: torch.dtype,
    training: torch.dtype,
) -> None:
    _processor(monkeypatch, *features)
    assert pick_dtype("auto", CPU) == inference
    assert pick_dtype("auto", CPU, "training") == training


def test_a_named_precision_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    _processor(monkeypatch)
    assert pick_dtype("bfloat16", CPU, "training") == torch.bfloat16
    _processor(monkeypatch, "avx512_bf16")
    assert pick_dtype("float32", CPU) == torch.float32


def test_the_machine_is_known_by_name_and_memory() -> None:
    memory = memory_of(CPU)
    assert 0 < memory.used < memory.total
    assert device_name(CPU)
