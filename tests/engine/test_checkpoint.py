"""Checkpoints are whole or passed over, hold no pickle, and survive a full disk."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, Cancelled, DiskFull
from dpo_engine.events import CheckpointSaved, Note, StepDone, TrainingStarted
from dpo_engine.models import policy_files
from dpo_engine.models.loading import load
from dpo_engine.training import checkpoint
from tests.helpers.tiny_model import save_tiny_model
from tests.helpers.training_runs import new_run, of_kind, run_it

METHODS = pytest.mark.parametrize("method", ["lora", "full"])


@pytest.fixture
def interrupted(tmp_path: Path, tiny_model_folder: Path) -> Path:
    """A run of four steps that was left after the third, with checkpoints of steps 2 and 3."""
    run = new_run(tmp_path / "runs", tiny_model_folder, save_steps=2)
    with pytest.raises(Cancelled):
        run_it(run, after={3: "leave"})
    return run


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_the_last_ones_are_kept_and_nothing_half_deleted(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    run = new_run(tmp_path, tiny_model_folder, save_steps=1, num_train_epochs=3.0)
    events = run_it(run)
    assert [event.step for event in of_kind(events, CheckpointSaved)] == [1, 2, 3, 4, 5, 6]
    assert names_in(run / "checkpoints") == ["step-000005", "step-000006"]
    assert names_in(run) == ["checkpoints", "metrics.jsonl", "pairs", "policy", "run.json", "state.json"]


@METHODS
def test_no_file_of_a_run_is_a_pickle(tmp_path: Path, tiny_model_folder: Path, method: str) -> None:
    run = new_run(tmp_path, tiny_model_folder, method=method)
    run_it(run)
    kinds = {path.suffix for path in run.rglob("*") if path.is_file()}
    assert kinds == {".json", ".jsonl", ".safetensors", ".md", ".jinja", ".arrow"}


@METHODS
def test_a_checkpoint_s_policy_is_a_model_by_itself(
    tmp_path: Path, tiny_model_folder: Path, method: str
) -> None:
    run = new_run(tmp_path, tiny_model_folder, method=method)
    run_it(run)
    (_, folder) = run_folder.checkpoints(run)[-1]
    ids = torch.tensor([[1, 9, 8, 7, 2]])
    with torch.no_grad():
        start, early, final = (
            load(str(place), device="cpu", dtype="float32").model(ids).logits
            for place in (tiny_model_folder, folder, run)
        )
    assert torch.equal(early, final)
    assert not torch.allclose(start, final, atol=1e-3)


def test_the_newest_whole_checkpoint_is_found(interrupted: Path) -> None:
    found, warnings = checkpoint.latest(interrupted)
    assert found is not None and (found.info.step, warnings) == (3, [])
    assert found.info.pairs_hash == run_folder.read_spec(interrupted).pairs_hash
    names = set(found.tensors())
    assert {"reference", "random/cpu"} < names
    assert {name.split("/")[0] for name in names} >= {"weight", "exp_avg", "exp_avg_sq", "moments_step"}


@pytest.mark.parametrize(
    ("torn", "why"),
    [
        ("tensors", "training.safetensors is missing or has the wrong size"),
        ("same size", "training.safetensors is not what was written"),
        ("one bit", "training.safetensors is not what was written"),
        ("policy", "adapter_model.safetensors is missing"),
        ("state", "its state.json makes no sense"),
        ("no state", "it has no usable state.json"),
        ("not json", "its state.json makes no sense"),
    ],
)
def test_a_torn_checkpoint_is_passed_over_with_a_warning(interrupted: Path, torn: str, why: str) -> None:
    newest = run_folder.checkpoint_folder(interrupted, 3)
    state, tensors = newest / "state.json", newest / "training.safetensors"
    content = tensors.read_bytes()
    match torn:
        case "tensors":
            tensors.write_bytes(content[:-10])
        case "same size":
            tensors.write_bytes(b"\xff" * len(content))
        case "one bit":
            tensors.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "policy":
            (newest / "policy" / "adapter_model.safetensors").unlink()
        case "state":
            state.write_bytes(state.read_bytes()[:50])
        case "no state":
            state.unlink()
        case _:
            state.write_text("[]")
    found, warnings = checkpoint.latest(interrupted)
    assert found is not None and found.info.step == 2
    assert len(warnings) == 1 and "The checkpoint step-000003 is incomplete or damaged" in warnings[0]
    assert why in warnings[0] and warnings[0].endswith("It is passed over.")
    events = run_it(interrupted, resume=True)
    assert of_kind(events, TrainingStarted)[0].first_step == 2
    assert warnings[0] in [note.message for note in of_kind(events, Note)]


def test_a_torn_checkpoint_of_a_later_step_does_not_push_a_whole_one_out(interrupted: Path) -> None:
    """Kept are the last two whole ones: a torn one that was passed over counts for nothing."""
    for step in (3, 9):
        (run_folder.checkpoint_folder(interrupted, step) / "policy").mkdir(parents=True, exist_ok=True)
        (run_folder.checkpoint_folder(interrupted, step) / "state.json").write_text("")
    spec = run_folder.read_spec(interrupted)
    config = dataclasses.replace(spec.config, save_steps=1, save_total_limit=1)
    run_folder.write_spec(interrupted, dataclasses.replace(spec, config=config))
    run_it(interrupted, resume=True, after={3: "keep"})
    assert names_in(interrupted / "checkpoints") == ["step-000003", "step-000009"]
    found, warnings = checkpoint.latest(interrupted)
    assert found is not None and found.info.step == 3 and len(warnings) == 1


def test_a_checkpoint_without_checksums_of_an_older_version_still_counts(interrupted: Path) -> None:
    state = run_folder.checkpoint_folder(interrupted, 3) / "state.json"
    old = json.loads(state.read_text())
    for name in ("checksums", "best", "measured_step", "sampled_step"):
        del old[name]
    state.write_text(json.dumps(old))
    events = run_it(interrupted, resume=True)
    assert [event.step for event in of_kind(events, StepDone)] == [4]
    assert not [note for note in of_kind(events, Note) if note.level == "warning"]


def test_a_newer_version_s_checkpoint_is_passed_over(interrupted: Path) -> None:
    state = run_folder.checkpoint_folder(interrupted, 3) / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"format_version": 99}))
    _, warnings = checkpoint.latest(interrupted)
    assert "newer version" in warnings[0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"beta": 0.5}, r"\(beta\)"),
        ({"seed": 1, "learning_rate": 1.0}, r"\(learning_rate, seed\)"),
        ({"warmup_steps": 3}, r"\(warmup_steps\)"),
        ({"metric_for_best_model": "eval_rewards/margins"}, r"\(metric_for_best_model\)"),
    ],
)
def test_other_settings_are_refused_by_name_and_change_nothing(
    interrupted: Path, changes: dict[str, Any], named: str
) -> None:
    spec = run_folder.read_spec(interrupted)
    run_folder.write_spec(
        interrupted, dataclasses.replace(spec, config=dataclasses.replace(spec.config, **changes))
    )
    before = {path: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()}
    with pytest.raises(BadInput, match=f"other settings {named}"):
        run_it(interrupted, resume=True)
    assert {path: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()} == before


def test_settings_that_do_not_bend_the_curve_may_change(interrupted: Path) -> None:
    spec = run_folder.read_spec(interrupted)
    config = dataclasses.replace(spec.config, save_steps=1, save_total_limit=1, eval_steps=1)
    run_folder.write_spec(interrupted, dataclasses.replace(spec, config=config))
    assert [event.step for event in of_kind(run_it(interrupted, resume=True), StepDone)] == [4]
    assert names_in(interrupted / "checkpoints") == ["step-000004"]


def test_every_setting_that_may_differ_is_one_and_bends_no_curve() -> None:
    """What decides the curve is named here, so that a new setting has to be thought about."""
    bends = {
        *("method", "beta", "learning_rate", "num_train_epochs", "max_length", "seed", "dtype"),
        *("per_device_train_batch_size", "gradient_accumulation_steps", "metric_for_best_model"),
        *("loss_type", "loss_mix", "label_smoothing", "discopop_tau", "simpo_gamma"),
        *("sync_ref_model", "ref_model_mixup_alpha", "ref_model_sync_steps"),
        *("optim", "lr_scheduler_type", "warmup_ratio", "warmup_steps", "weight_decay", "max_grad_norm"),
        *("lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "use_rslora", "use_dora"),
    }
    assert not bends & run_folder.MAY_DIFFER
    assert bends | run_folder.MAY_DIFFER == {entry.name for entry in dataclasses.fields(TrainConfig)}


def test_other_pairs_are_refused(interrupted: Path, tmp_path: Path, tiny_model_folder: Path) -> None:
    other = new_run(tmp_path / "other", tiny_model_folder, pairs=None, save_steps=2)
    shutil.rmtree(interrupted / "pairs")
    shutil.copytree(other / "pairs", interrupted / "pairs")
    spec = run_folder.read_spec(interrupted)
    run_folder.write_spec(interrupted, dataclasses.replace(spec, pairs_hash="0" * 64))
    with pytest.raises(BadInput, match="hash differs"):
        run_it(interrupted, resume=True)
    found, _ = checkpoint.latest(interrupted)
    assert found is not None
    with pytest.raises(BadInput, match="made with other pairs"):
        checkpoint.check_fits(found, run_folder.read_spec(interrupted))


def test_a_base_that_has_changed_is_refused(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "model")
    run = new_run(tmp_path / "runs", model)
    with pytest.raises(Cancelled):
        run_it(run, after={2: "leave"})
    spec = run_folder.read_spec(run)
    shutil.rmtree(model)
    save_tiny_model(model, seed=1)
    with pytest.raises(BadInput, match="not the one that this run started from"):
        run_it(run, resume=True)
    assert run_folder.read_spec(run) == spec


def test_leftovers_of_a_crash_are_cleared_when_a_run_goes_on(interrupted: Path) -> None:
    leftover = interrupted / "checkpoints" / ".tmp-step-000003-0123"
    leftover.mkdir()
    (leftover / "x").write_text("half")
    run_it(interrupted, resume=True)
    assert not leftover.exists()


FULL_DISK = """
import resource, sys
from pathlib import Path
import warnings
warnings.simplefilter("ignore")
from dpo_engine.errors import DiskFull
from dpo_engine.events import CheckpointSaved
from dpo_engine.requests import Train
from dpo_engine.training.run import train
run = Path(sys.argv[1])
try:
    for event in train(Train(id="t", run=str(run)), lambda: "go"):
        if isinstance(event, CheckpointSaved):
            resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
except DiskFull as error:
    print(error)
    sys.exit(7)
"""


@METHODS
def test_a_full_disk_leaves_the_earlier_checkpoint_whole(
    tmp_path: Path, tiny_model_folder: Path, method: str
) -> None:
    """A real limit: after the first checkpoint no file may grow beyond 40 kB."""
    run = new_run(tmp_path, tiny_model_folder, method=method, save_steps=1)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(run)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 7, done.stderr
    assert "The disk is full: saving the checkpoint of step 2 did not succeed" in done.stdout
    assert names_in(run / "checkpoints") == ["step-000001"]
    state = run_folder.read_state(run)
    assert state.status == "failed" and "disk is full" in state.message
    assert [event.step for event in of_kind(run_it(run, resume=True), StepDone)] == [2, 3, 4]


def test_a_full_disk_at_the_very_end_keeps_an_older_policy(
    interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (interrupted / "policy").mkdir()
    (interrupted / "policy" / "old").write_text("")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(policy_files, "write_policy", full)
    with pytest.raises(DiskFull, match="saving the policy"):
        run_it(interrupted, resume=True)
    assert names_in(interrupted / "policy") == ["old"]
    found, _ = checkpoint.latest(interrupted)
    assert found is not None and found.info.step == 4


def test_a_full_fine_tune_is_saved_in_float32(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, method="full", dtype="bfloat16")
    run_it(run)
    weights = load_file(run / "policy" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert json.loads((run / "policy" / "config.json").read_text())["dtype"] == "float32"


def test_the_model_card_is_yaml_and_tells_how_the_policy_was_made(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    import yaml

    odd = tmp_path / 'a "model": #1'
    shutil.copytree(tiny_model_folder, odd)
    run = new_run(tmp_path / "runs", odd)
    run_it(run)
    card = (run / "policy" / "README.md").read_text()
    _, head, body = card.split("---\n", 2)
    assert yaml.safe_load(head)["base_model"] == str(odd)
    assert yaml.safe_load(head)["library_name"] == "peft"
    assert "| pairs | 10 for training, 3 held out |" in body and "| β | 0.1 |" in body
