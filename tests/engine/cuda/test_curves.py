"""A run on the GPU learns what the same run learns on the CPU, and goes on where it was interrupted."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dpo_engine.events import Event, Note, StepDone
from tests.engine.cuda import DEVICE
from tests.helpers.training_runs import curve, new_run, of_kind, run_it

COMPARED = ("loss", "rewards/margins", "rewards/accuracies", "logps/chosen", "logps/rejected", "grad_norm")


def values(events: Sequence[Event]) -> list[list[float]]:
    """The compared metrics of every step."""
    return [[metrics[name] for name in COMPARED] for _, metrics in curve(events)]


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "full"},
        {"method": "lora"},
        {"method": "full", "loss_mix": "sft 0.4", "gradient_accumulation_steps": 2},
        {"method": "full", "gradient_checkpointing": "on"},
    ],
    ids=["full", "lora", "mix", "checkpointed"],
)
def test_the_curve_is_that_of_the_cpu(
    tmp_path: Path, tiny_model_folder: Path, changes: dict[str, Any]
) -> None:
    found = [
        values(run_it(new_run(tmp_path / where, tiny_model_folder, device=where, **changes)))
        for where in ("cpu", DEVICE)
    ]
    assert len(found[0]) >= 2
    for here, there in zip(*found, strict=True):
        assert there == pytest.approx(here, rel=2e-3, abs=2e-4)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_it_learns_in_bfloat16(tmp_path: Path, tiny_model_folder: Path, method: str) -> None:
    run = new_run(tmp_path, tiny_model_folder, device=DEVICE, dtype="bfloat16", method=method)
    steps = of_kind(run_it(run), StepDone)
    assert steps[0].metrics["loss"] == pytest.approx(math.log(2), abs=2e-2)
    assert steps[-1].metrics["rewards/margins"] > 0


def test_a_run_goes_on_where_it_was_interrupted(tmp_path: Path, tiny_model_folder: Path) -> None:
    whole = values(run_it(new_run(tmp_path / "whole", tiny_model_folder, device=DEVICE)))
    run = new_run(tmp_path / "halves", tiny_model_folder, device=DEVICE)
    first = values(run_it(run, after={2: "leave"}))
    second = values(run_it(run, resume=True))
    assert len(first) == 2
    for one, other in zip(whole, first + second, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)


@pytest.mark.filterwarnings("ignore")  # the compiler's own, which differ with every version of it
def test_compiled_layers_give_the_same_curve(tmp_path: Path, tiny_model_folder: Path) -> None:
    plain, compiled = (
        values(run_it(new_run(tmp_path / how, tiny_model_folder, device=DEVICE, torch_compile=how)))
        for how in ("off", "on")
    )
    for one, other in zip(plain, compiled, strict=True):
        assert one == pytest.approx(other, rel=2e-3, abs=2e-4)


@pytest.mark.parametrize("changes", [{"method": "qlora"}, {"optim": "adamw_8bit"}], ids=["qlora", "8bit"])
def test_with_bitsandbytes(tmp_path: Path, tiny_model_folder: Path, changes: dict[str, Any]) -> None:
    pytest.importorskip("bitsandbytes")
    run = new_run(tmp_path, tiny_model_folder, device=DEVICE, dtype="bfloat16", **changes)
    steps = of_kind(run_it(run), StepDone)
    assert steps[0].metrics["loss"] == pytest.approx(math.log(2), abs=2e-2)
    assert steps[-1].metrics["rewards/margins"] > 0


def test_too_little_memory_changes_no_number(tmp_path: Path, tiny_model_folder: Path) -> None:
    import torch

    plain = run_it(new_run(tmp_path / "plain", tiny_model_folder, device=DEVICE))
    real, failed = torch.Tensor.backward, [0]

    def backward(self: torch.Tensor, *args: Any, **options: Any) -> None:
        if not failed[0]:
            failed[0] = 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        real(self, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "backward", backward)
        small = run_it(new_run(tmp_path / "small", tiny_model_folder, device=DEVICE))
    assert failed == [1] and of_kind(small, Note)
    for one, other in zip(values(plain), values(small), strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-4)
