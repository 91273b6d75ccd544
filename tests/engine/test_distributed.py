"""Two processes on the CPU (gloo) that train one policy: the curve of one process, and how they end.

Starting a process takes seconds, so two of them do all the trainings of the first tests in a row.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import torch
from safetensors.torch import load_file

from dpo_engine import run_folder, wire
from dpo_engine.errors import Cancelled
from dpo_engine.events import CheckpointSaved, StepDone
from dpo_engine.run_folder import StepMetrics
from dpo_engine.training import checkpoint
from tests.helpers import processes
from tests.helpers.training_runs import new_run, of_kind, run_it, some_pairs, without_clock

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.name == "nt", reason="gloo and signals between processes"),
]

METHODS = ("lora", "full")
_BOUND = 60.0
"""Seconds until all processes have ended once one is gone; a fraction of one when nothing else runs."""


@dataclass(frozen=True)
class Runs:
    """Of one method: the same run, done in four ways or ready to be."""

    alone: Path
    """By one process, four pairs a step."""
    two: Path
    """By two processes, two pairs each."""
    one_then_two: Path
    """The first steps by one, the rest by two."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path) -> dict[str, Runs]:
    """Nine pairs, so that an epoch's last step has one pair for two processes; three held out."""
    parent = tmp_path_factory.mktemp("runs")

    def made(name: str, method: str, pairs_each: int) -> Path:
        return new_run(
            parent,
            tiny_model_folder,
            name=f"{method}-{name}",
            pairs=some_pairs(9, 3),
            method=method,
            per_device_train_batch_size=pairs_each,
            micro_batch_tokens=100,
            save_steps=2,
            save_total_limit=9,
            eval_steps=3,
        )

    runs = {}
    for method in METHODS:
        alone, two, begun = (
            made(*one) for one in (("alone", method, 4), ("two", method, 2), ("begun", method, 4))
        )
        run_it(alone, reference_cache=False)
        with pytest.raises(Cancelled):
            run_it(begun, after={2: "leave"}, reference_cache=False)
        runs[method] = Runs(alone=alone, two=two, one_then_two=begun)
    processes.train_together([one.two for one in runs.values()], [one.one_then_two for one in runs.values()])
    return runs


@pytest.mark.parametrize("method", METHODS)
def test_the_curve_is_that_of_one_process(trained: dict[str, Runs], method: str) -> None:
    one, two = (run_folder.read_metrics(run) for run in (trained[method].alone, trained[method].two))
    assert [row.step for row in one if row.split == "train"] == [1, 2, 3, 4, 5, 6]
    assert one[-1].metrics["eval_loss"] < 0.6  # there is something to learn, and it was learned
    _assert_same(one, two)


@pytest.mark.parametrize("method", METHODS)
def test_the_policy_is_that_of_one_process(trained: dict[str, Runs], method: str) -> None:
    one, two = (run_folder.policy_folder(run) for run in (trained[method].alone, trained[method].two))
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    _assert_same_policy(one, two)


@pytest.mark.parametrize("method", METHODS)
def test_several_go_on_where_one_stopped(trained: dict[str, Runs], method: str) -> None:
    runs = trained[method]
    _assert_same(run_folder.read_metrics(runs.alone), run_folder.read_metrics(runs.one_then_two))
    _assert_same_policy(run_folder.policy_folder(runs.alone), run_folder.policy_folder(runs.one_then_two))


@pytest.mark.parametrize("method", METHODS)
def test_one_goes_on_where_several_stopped(trained: dict[str, Runs], method: str, tmp_path: Path) -> None:
    run = tmp_path / trained[method].two.name
    shutil.copytree(trained[method].two, run)
    shutil.rmtree(run / "policy")
    for step, folder in run_folder.checkpoints(run):
        if step > 2:
            shutil.rmtree(folder)
    run_folder.write_state(run, replace(run_folder.read_state(run), status="interrupted", step=2))
    run_it(run, resume=True, reference_cache=False)
    _assert_same(run_folder.read_metrics(trained[method].alone), run_folder.read_metrics(run))
    _assert_same_policy(run_folder.policy_folder(trained[method].alone), run_folder.policy_folder(run))


def test_each_process_writes_its_own_part(trained: dict[str, Runs]) -> None:
    found, warnings = checkpoint.latest(trained["full"].two)
    assert found is not None and not warnings
    shards = sorted(path.stat().st_size for path in found.tensor_folder.iterdir())
    assert len(shards) == 2
    assert shards[0] > 0.8 * shards[1]
    alone, _ = checkpoint.latest(trained["full"].alone)
    assert alone is not None
    one, two = alone.tensors(), found.tensors()
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        assert torch.allclose(tensor.double(), two[name].double(), atol=1e-5), name


def test_a_killed_process_ends_all_and_leaves_a_checkpoint_to_go_on_from(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    """Under the real torchrun, whose parser without `--` takes --run for the beginning of --run-path."""
    run = _long_run(tmp_path, tiny_model_folder)
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    torchrun = subprocess.Popen(
        [sys.executable, *command, "-m", "--", "dpo_engine", "train", "--run", str(run)],
        env=processes.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_for_checkpoint(run, torchrun)
    os.kill(_process(1, torchrun.pid), signal.SIGKILL)
    _, said = torchrun.communicate(timeout=_BOUND)
    assert torchrun.returncode != 0
    assert "Another process of this training ended" in said
    assert run_folder.read_state(run).status == "failed"
    _assert_goes_on(run)


def test_a_signal_to_one_process_ends_all_with_one_checkpoint(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    run = _long_run(tmp_path, tiny_model_folder)
    first, second = processes.start(["-m", "dpo_engine", "train", "--run", str(run), "--json"])
    _wait_for_checkpoint(run, first)
    second.send_signal(signal.SIGTERM)
    told, complained = first.communicate(timeout=_BOUND)
    silence = second.communicate(timeout=_BOUND)
    assert (first.returncode, second.returncode) == (130, 1)
    assert silence == ("", "")
    assert "can be resumed from there" in complained
    events = [wire.decode_event(line.encode()) for line in told.splitlines()]
    steps = [event.step for event in of_kind(events, StepDone)]
    assert steps == list(range(1, len(steps) + 1))
    saved = [event.step for event in of_kind(events, CheckpointSaved)]
    assert saved == sorted(set(saved))
    assert saved[-1] == steps[-1] == run_folder.checkpoints(run)[-1][0]
    assert run_folder.read_state(run).status == "interrupted"
    _assert_goes_on(run)


def _long_run(parent: Path, model: Path) -> Path:
    return new_run(parent, model, name="long", num_train_epochs=1000.0, save_steps=3)


def _wait_for_checkpoint(run: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while not run_folder.checkpoints(run):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)  # nobody tells from outside


def _assert_goes_on(run: Path) -> None:
    """One process takes the next step from the last checkpoint."""
    found, warnings = checkpoint.latest(run)
    assert found is not None and not warnings
    with pytest.raises(Cancelled, match=f"after step {found.info.step + 1}"):
        run_it(run, resume=True, after={found.info.step + 1: "leave"}, reference_cache=False)


def _process(rank: int, torchrun: int) -> int:
    """Its id, among the children of torchrun."""
    children = psutil.Process(torchrun).children()
    return next(child.pid for child in children if child.environ().get("RANK") == str(rank))


def _assert_same(one: list[StepMetrics], two: list[StepMetrics]) -> None:
    assert [(row.step, row.split) for row in one] == [(row.step, row.split) for row in two]
    for expected, found in zip(one, two, strict=True):
        assert without_clock(found.metrics) == pytest.approx(
            without_clock(expected.metrics), rel=1e-5, abs=1e-5
        )


def _assert_same_policy(one: Path, two: Path) -> None:
    (file,) = one.glob("*.safetensors")
    expected, found = load_file(file), load_file(two / file.name)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.allclose(tensor, found[name], rtol=0, atol=1e-5), name
