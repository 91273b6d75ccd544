"""An earlier step's policy becomes the run's result, whole or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from dpo_engine import run_folder
from dpo_engine.commands.main import main
from dpo_engine.errors import BadInput, Cancelled, DiskFull
from dpo_engine.requests import KeepStep
from dpo_engine.service.jobs import work_for
from dpo_engine.training import keeping
from tests.helpers.training_runs import new_run, run_it

Keep = Callable[[int], list[str]]


@pytest.fixture
def run(tmp_path: Path, tiny_model_folder: Path) -> Path:
    """Finished after four steps, of which each has a checkpoint."""
    made = new_run(tmp_path, tiny_model_folder, save_steps=1, save_total_limit=9)
    run_it(made)
    return made


def keep(run: Path, step: int) -> str:
    request = KeepStep(id="k", run=str(run), step=step)
    return " ".join(event.message for event in keeping.keep_step(request) if hasattr(event, "message"))


def policy(folder: Path) -> bytes:
    return (folder / "policy" / "adapter_model.safetensors").read_bytes()


def test_the_checkpoint_becomes_the_policy(run: Path) -> None:
    before = policy(run)
    assert "policy is the one of step 2" in keep(run, 2)
    assert policy(run) == policy(run_folder.checkpoint_folder(run, 2)) != before
    state = run_folder.read_state(run)
    assert (state.status, state.policy_step, state.step) == ("finished", 2, 4)
    keep(run, 4)
    assert policy(run) == before


def test_a_run_that_was_ended_counts_as_stopped_and_can_go_on(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    run = new_run(tmp_path, tiny_model_folder, save_steps=1, save_total_limit=9)
    with pytest.raises(Cancelled):
        run_it(run, after={3: "leave"})
    keep(run, 1)
    assert run_folder.read_state(run).status == "stopped"
    assert policy(run) == policy(run_folder.checkpoint_folder(run, 1))
    run_it(run, resume=True)
    assert run_folder.read_state(run).policy_step == 4
    assert policy(run) == policy(run_folder.checkpoint_folder(run, 4))


def test_a_step_without_a_checkpoint_is_refused_with_those_there_are(run: Path) -> None:
    before = policy(run), run_folder.read_state(run)
    with pytest.raises(
        BadInput, match=r"no checkpoint of step 7\. .* steps 1, 2, 3, 4\. Nothing was changed"
    ):
        keep(run, 7)
    assert (policy(run), run_folder.read_state(run)) == before


def test_a_damaged_checkpoint_is_refused(run: Path) -> None:
    before = policy(run)
    weights = run_folder.checkpoint_folder(run, 2) / "policy" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(BadInput, match="not what was written"):
        keep(run, 2)
    assert policy(run) == before


def test_a_run_that_is_being_trained_is_left_alone(run: Path) -> None:
    before = policy(run)
    with (
        FileLock(run.with_name(f".{run.name}.lock")),
        pytest.raises(BadInput, match=r"being trained by another process. Nothing was changed"),
    ):
        keep(run, 2)
    assert policy(run) == before
    keep(run, 2)  # and the lock was let go


def test_a_full_disk_leaves_the_policy_as_it_was(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = policy(run), run_folder.read_state(run)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeping, "copy_final", full)
    with pytest.raises(DiskFull):
        keep(run, 2)
    assert (policy(run), run_folder.read_state(run)) == before


def test_the_engine_serves_it(run: Path) -> None:
    work = work_for(KeepStep(id="k", run=str(run), step=3), None, lambda: "go")  # type: ignore[arg-type]
    assert [event.request for event in work if event is not None and hasattr(event, "request")] == ["k"]
    assert run_folder.read_state(run).policy_step == 3


def test_on_the_command_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--run", str(run), "--keep-step", "2"]) == 0
    assert "policy is the one of step 2" in capsys.readouterr().err
    assert main(["train", "--run", str(run), "--keep-step", "9"]) == 2
    assert "no checkpoint of step 9" in capsys.readouterr().err
    assert main(["train", "--run", str(run), "--keep-step", "2", "--resume"]) == 2
    assert "trains nothing" in capsys.readouterr().err
    assert run_folder.read_state(run).policy_step == 2
