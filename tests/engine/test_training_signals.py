"""Signals to a real process in the middle of a step: what it leaves goes on as if nothing had been."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dpo_engine import run_folder
from dpo_engine.events import StepDone, TrainingStarted
from tests.helpers.training_runs import new_run, of_kind, run_it, without_clock

TRAINING = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")
from dpo_engine.training import optimizer_step
from dpo_engine.commands.main import main

run, step, numbers = sys.argv[1], int(sys.argv[2]), [int(one) for one in sys.argv[3].split(",")]
move, add, begun = optimizer_step.OptimizerStep.__call__, optimizer_step.OptimizerStep._add, 0

def begin(self, *arguments, **more):
    global begun
    begun += 1
    return move(self, *arguments, **more)

def in_the_middle(self, *arguments):
    \"\"\"A part of the gradient is there, and no weight was moved.\"\"\"
    add(self, *arguments)
    while begun == step and numbers:
        os.kill(os.getpid(), numbers.pop(0))

optimizer_step.OptimizerStep.__call__ = begin
optimizer_step.OptimizerStep._add = in_the_middle
sys.exit(main(["train", "--run", run, "--json"]))
"""
PLAN = {
    "per_device_train_batch_size": 3,
    "gradient_accumulation_steps": 2,
    "lora_dropout": 0.2,
    "save_steps": 1,
    "eval_steps": 2,
    "num_train_epochs": 3.0,
}


def train_with(run: Path, *numbers: signal.Signals, in_step: int) -> "subprocess.CompletedProcess[str]":
    """A training in a process of its own, which gets these signals in the middle of `in_step`."""
    told = ",".join(str(int(number)) for number in numbers)
    return subprocess.run(
        [sys.executable, "-c", TRAINING, str(run), str(in_step), told],
        check=False,
        capture_output=True,
        text=True,
    )


def checkpoints(run: Path) -> list[int]:
    return [step for step, _ in run_folder.checkpoints(run)]


def assert_it_goes_on_like(straight: Path, broken: Path, *, after: int) -> None:
    events = run_it(broken, resume=True)
    assert of_kind(events, TrainingStarted)[0].first_step == after
    assert [event.step for event in of_kind(events, StepDone)] == list(range(after + 1, 7))
    rows = [
        [(row.step, row.split, without_clock(row.metrics)) for row in run_folder.read_metrics(run)]
        for run in (straight, broken)
    ]
    assert rows[0] == rows[1]
    policies = [(run / "policy" / "adapter_model.safetensors").read_bytes() for run in (straight, broken)]
    assert policies[0] == policies[1]


@pytest.fixture
def runs(tmp_path: Path, tiny_model_folder: Path) -> tuple[Path, Path]:
    """A run that was never disturbed, and its twin that did not begin yet."""
    straight, twin = (new_run(tmp_path, tiny_model_folder, **PLAN) for _ in range(2))
    run_it(straight)
    return straight, twin


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
class TestSignals:
    def test_sigterm_ends_the_step_and_saves_it(self, runs: tuple[Path, Path]) -> None:
        straight, broken = runs
        done = train_with(broken, signal.SIGTERM, in_step=3)
        assert done.returncode == 130, done.stderr
        assert "ended after step 3. It can be resumed from there." in done.stderr
        assert run_folder.read_state(broken).status == "interrupted"
        assert checkpoints(broken)[-1] == 3
        assert_it_goes_on_like(straight, broken, after=3)

    def test_a_second_signal_ends_it_at_once(self, runs: tuple[Path, Path]) -> None:
        straight, broken = runs
        done = train_with(broken, signal.SIGTERM, signal.SIGINT, in_step=3)
        assert done.returncode == 130, done.stderr
        assert "Interrupted." in done.stderr
        assert run_folder.read_state(broken).status == "interrupted"
        assert checkpoints(broken)[-1] == 2
        assert_it_goes_on_like(straight, broken, after=2)

    def test_a_killed_run_goes_on_from_its_last_checkpoint(self, runs: tuple[Path, Path]) -> None:
        straight, broken = runs
        done = train_with(broken, signal.SIGKILL, in_step=4)
        assert done.returncode == -signal.SIGKILL
        assert checkpoints(broken)[-1] == 3
        assert_it_goes_on_like(straight, broken, after=3)
