"""The loop waits for the device once a step, however many batches the step has."""

import warnings
from pathlib import Path

import pytest
import torch

from dpo_engine.training.optimizer_step import OptimizerStep
from tests.engine.cuda import DEVICE
from tests.helpers.training_runs import new_run, run_it


def waits(run: Path, patch: pytest.MonkeyPatch) -> list[int]:
    """How often each step of a run waited for the device."""
    counted: list[int] = []
    real = OptimizerStep.__call__

    def call(self: OptimizerStep, *args: object, **options: object) -> object:
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                return real(self, *args, **options)  # type: ignore[arg-type]
        finally:
            torch.cuda.set_sync_debug_mode("default")
            counted.append(sum("synchronizing" in str(one.message) for one in caught))

    patch.setattr(OptimizerStep, "__call__", call)
    run_it(run)
    return counted


def test_more_batches_a_step_are_no_more_waits(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch, device: torch.device
) -> None:
    if device.type != "cuda":
        pytest.skip("CUDA counts them")
    few, many = (
        waits(
            new_run(tmp_path / str(budget), tiny_model_folder, device=DEVICE, micro_batch_tokens=budget),
            monkeypatch,
        )
        for budget in (4_096, 64)
    )
    assert few[1:] == many[1:], "the first step also tries things out"
    assert max(few[1:]) <= 4
