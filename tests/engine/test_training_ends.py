"""How a training ends, whatever ends it, and how it goes on."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from dpo_engine import run_folder
from dpo_engine.errors import BadInput, Cancelled, OutOfMemory, TrainingDiverged
from dpo_engine.events import (
    CheckpointSaved,
    Note,
    StepDone,
    TrainingFinished,
    TrainingStarted,
)
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.requests import Train
from dpo_engine.training import learner, optimizer_step
from dpo_engine.training.run import train
from tests.helpers.training_runs import curve, new_run, of_kind, run_it, without_clock

METHODS = pytest.mark.parametrize("method", ["lora", "full"])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "bfloat16"])


@METHODS
@DTYPES
def test_a_resumed_run_goes_on_bit_for_bit(
    tmp_path: Path, tiny_model_folder: Path, method: str, dtype: str
) -> None:
    changes: dict[str, Any] = {
        "method": method,
        "dtype": dtype,
        **({"lora_dropout": 0.2} if method == "lora" else {}),
        "per_device_train_batch_size": 3,
        "eval_steps": 3,
    }
    straight = new_run(tmp_path, tiny_model_folder, **changes)
    broken = new_run(tmp_path, tiny_model_folder, **changes)
    whole = run_it(straight)
    with pytest.raises(Cancelled, match="resumed"):
        run_it(broken, after={3: "leave"})
    assert run_folder.read_state(broken).status == "interrupted"
    rest = run_it(broken, resume=True)
    assert of_kind(rest, TrainingStarted)[0].first_step == 3
    assert curve(rest) == curve(whole)[3:]
    metrics = [
        [(row.step, row.split, without_clock(row.metrics)) for row in run_folder.read_metrics(run)]
        for run in (straight, broken)
    ]
    assert metrics[0] == metrics[1]
    weights = [next((run / "policy").glob("*model.safetensors")).read_bytes() for run in (straight, broken)]
    assert weights[0] == weights[1]


def test_stop_and_keep_saves_the_policy_as_it_is(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder)
    events = run_it(run, after={2: "keep"})
    (finished,) = of_kind(events, TrainingFinished)
    assert (finished.step, finished.stopped, Path(finished.policy)) == (2, True, run / "policy")
    assert [event.step for event in of_kind(events, CheckpointSaved)] == [2]
    assert run_folder.read_state(run).status == "stopped"
    card = (run / "policy" / "README.md").read_text()
    assert "| optimizer steps | 2 |" in card and run_folder.read_spec(run).pairs_hash in card


def test_a_closed_generator_leaves_a_run_that_can_be_resumed(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, save_steps=1)
    events = train(Train(id="t", run=str(run)), lambda: "go")
    for event in events:
        if isinstance(event, CheckpointSaved) and event.step == 2:
            break
    assert isinstance(events, Iterator)
    events.close()  # type: ignore[attr-defined]
    assert run_folder.read_state(run).status == "interrupted"
    assert [event.step for event in of_kind(run_it(run, resume=True), StepDone)] == [3, 4]


def test_a_run_is_not_begun_twice_by_mistake(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(Cancelled):
        run_it(run, after={1: "leave"})
    with pytest.raises(BadInput, match="begun already"):
        run_it(run)
    assert run_folder.read_state(run).status == "interrupted"
    run_it(run, resume=True)
    with pytest.raises(BadInput, match="is finished"):
        run_it(run, resume=True)


def test_resuming_a_run_without_checkpoints_starts_it(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(Cancelled):
        run_it(run, after={0: "leave"})
    assert run_folder.checkpoints(run) == []
    assert len(of_kind(run_it(run, resume=True), StepDone)) == 4


def test_a_model_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    run = new_run(tmp_path, tmp_path / "no-model")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(Exception, match="no-model"):
        run_it(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_no_usable_pair_is_one_sentence(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, max_length=8)
    with pytest.raises(BadInput, match=r"No training pair can be used. Pair pair-0 cannot be used"):
        run_it(run)
    assert run_folder.read_state(run).status == "created"


class _NotFiniteAt(LogProbs):
    """Gives NaN in the gradient passes whose numbers are in `bad` (the first is 1)."""

    bad: ClassVar[set[int]] = set()
    passes: ClassVar[int] = 0

    def sums(self, batch: Any) -> torch.Tensor:
        if torch.is_grad_enabled():
            type(self).passes += 1
            if self.passes in self.bad:
                return super().sums(batch) * float("nan")
        return super().sums(batch)


@pytest.fixture
def not_finite_at(monkeypatch: pytest.MonkeyPatch) -> type[_NotFiniteAt]:
    monkeypatch.setattr(_NotFiniteAt, "passes", 0)
    monkeypatch.setattr(learner, "LogProbs", _NotFiniteAt)
    return _NotFiniteAt


def test_a_step_that_is_not_finite_is_skipped_and_counted(
    tmp_path: Path,
    tiny_model_folder: Path,
    not_finite_at: type[_NotFiniteAt],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(not_finite_at, "bad", {1, 3})
    run = new_run(tmp_path, tiny_model_folder, num_train_epochs=3.0)
    events = run_it(run)
    steps = of_kind(events, StepDone)
    assert [step.metrics.get("skipped_steps") for step in steps] == [1, 1, 2, 2, 2, 2]
    assert "loss" not in steps[0].metrics and "loss" in steps[1].metrics
    assert steps[1].metrics["rewards/margins"] == 0.0  # step 1 moved nothing
    assert all(math.isfinite(value) for step in steps for value in step.metrics.values())
    assert [note.level for note in of_kind(events, Note)] == ["warning", "warning"]


def test_three_in_a_row_stop_the_run_and_keep_its_checkpoint(
    tmp_path: Path,
    tiny_model_folder: Path,
    not_finite_at: type[_NotFiniteAt],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(not_finite_at, "bad", {3, 4, 5})
    run = new_run(tmp_path, tiny_model_folder, num_train_epochs=4.0, save_steps=2)
    with pytest.raises(TrainingDiverged, match=r"stopped at step 5. The checkpoint of step \d is kept"):
        run_it(run)
    state = run_folder.read_state(run)
    assert state.status == "failed" and "not finite" in state.message
    monkeypatch.setattr(not_finite_at, "bad", set())
    assert of_kind(run_it(run, resume=True), StepDone)[0].metrics["loss"] > 0


def test_too_little_memory_is_a_sentence_with_the_figures(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(optimizer_step.OptimizerStep, "__call__", exhausted)
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(OutOfMemory, match="train by lora on pairs of up to 1024 tokens"):
        run_it(run)
    assert run_folder.read_state(run).status == "failed"


def test_a_bug_is_not_dressed_up_as_anything_else(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(optimizer_step.OptimizerStep, "__call__", broken)
    run = new_run(tmp_path, tiny_model_folder)
    with pytest.raises(ZeroDivisionError):
        run_it(run)
    assert run_folder.read_state(run).status == "failed"


def test_a_failed_run_does_not_hide_behind_a_full_disk(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run = new_run(tmp_path, tiny_model_folder)
    events = train(Train(id="t", run=str(run)), lambda: "go")
    next(event for event in events if isinstance(event, StepDone))
    monkeypatch.setattr(run_folder, "write_atomically", full)
    with pytest.raises(Exception, match="disk is full"), contextlib.closing(events):  # type: ignore[type-var]
        monkeypatch.setattr(run_folder, "append_metrics", full)
        list(events)
