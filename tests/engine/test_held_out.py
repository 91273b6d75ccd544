"""Held-out checks: the best checkpoint is kept, a run may end early and end with its best policy."""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dpo_engine import run_folder
from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.events import CheckpointSaved, Evaluated, Event, Note, Progress, StepDone, TrainingFinished
from dpo_engine.requests import Train
from dpo_engine.training.loop import TrainingLoop
from dpo_engine.training.metrics import PairMeans
from dpo_engine.training.run import Directive, train
from tests.helpers.training_runs import curve, new_run, of_kind, run_it, some_pairs, without_clock

LOSSES = (0.69, 0.6, 0.4, 0.5, 0.45, 0.41, 0.3, 0.2, 0.1)
"""What the held-out pairs are said to give after steps 0 to 8: best at 2, until 6."""
PLAN: dict[str, Any] = {"eval_steps": 1, "num_train_epochs": 4.0}


@pytest.fixture(autouse=True)
def told_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check's loss is that of `LOSSES` for the step it is made after, whatever was measured."""
    means, measure = PairMeans.means, TrainingLoop._measure
    after = [0]

    def told(self: PairMeans, prefix: str = "") -> dict[str, float]:
        return means(self, prefix) | ({"eval_loss": LOSSES[after[-1]]} if prefix else {})

    def measuring(self: TrainingLoop, step: int) -> Iterator[Event]:
        after.append(step)
        return measure(self, step)

    monkeypatch.setattr(PairMeans, "means", told)
    monkeypatch.setattr(TrainingLoop, "_measure", measuring)


def kept(run: Path) -> list[int]:
    return [step for step, _ in run_folder.checkpoints(run)]


def policy_bytes(folder: Path) -> bytes:
    return (folder / "policy" / "adapter_model.safetensors").read_bytes()


def test_the_best_checkpoint_is_saved_and_outlives_the_limit(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, **PLAN, save_steps=1, save_total_limit=2)
    run_it(run, after={5: "keep"})
    assert kept(run) == [2, 4, 5]
    state = run_folder.read_state(run)
    assert (state.best_step, state.best_value, state.policy_step) == (2, 0.4, 5)


def test_a_new_best_has_a_checkpoint_of_its_own_step(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, **PLAN, save_steps=4)
    saved = [event.step for event in of_kind(run_it(run), CheckpointSaved)]
    assert saved == [1, 2, 4, 6, 7, 8]


def test_without_held_out_pairs_only_the_last_ones_are_kept(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, pairs=some_pairs(10, 0), **PLAN, save_steps=1)
    assert of_kind(run_it(run), Evaluated) == []
    assert kept(run) == [7, 8]
    assert run_folder.read_state(run).best_step == 0


def test_patience_ends_the_run_as_finished_and_says_why(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, **PLAN, early_stopping_patience=3)
    events = run_it(run)
    assert [event.step for event in of_kind(events, StepDone)] == [1, 2, 3, 4, 5]
    (finished,) = of_kind(events, TrainingFinished)
    assert (finished.step, finished.stopped, finished.policy_step) == (5, False, None)
    assert "3 held-out checks in a row brought no better eval_loss than step 2 did (0.4)" in finished.message
    assert finished.message in [note.message for note in of_kind(events, Note)]
    state = run_folder.read_state(run)
    assert (state.status, state.step, state.message) == ("finished", 5, finished.message)
    with pytest.raises(BadInput, match="is finished"):
        run_it(run, resume=True)


def test_a_run_that_is_patient_enough_goes_to_its_end(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, **PLAN, early_stopping_patience=4)
    (finished,) = of_kind(run_it(run), TrainingFinished)
    assert (finished.step, finished.message) == (8, "")


def test_the_run_ends_with_its_best_policy(tmp_path: Path, tiny_model_folder: Path) -> None:
    changes = PLAN | {"early_stopping_patience": 2, "load_best_model_at_end": True}
    run = new_run(tmp_path, tiny_model_folder, **changes)
    (finished,) = of_kind(run_it(run), TrainingFinished)
    assert (finished.step, finished.policy_step) == (4, 2)
    assert policy_bytes(run) == policy_bytes(run_folder.checkpoint_folder(run, 2))
    assert policy_bytes(run) != policy_bytes(run_folder.checkpoint_folder(run, 4))
    assert "| optimizer steps | 2 |" in (run / "policy" / "README.md").read_text()
    assert run_folder.read_state(run).policy_step == 2


def test_where_the_last_check_is_the_best_nothing_is_copied(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, **PLAN, load_best_model_at_end=True)
    (finished,) = of_kind(run_it(run), TrainingFinished)
    assert (finished.step, finished.policy_step) == (8, None)
    assert run_folder.read_state(run).policy_step == 8


def test_a_best_checkpoint_that_was_lost_is_a_warning(tmp_path: Path, tiny_model_folder: Path) -> None:
    run = new_run(tmp_path, tiny_model_folder, **PLAN, load_best_model_at_end=True)
    with pytest.raises(Cancelled):
        run_it(run, after={3: "leave"})
    shutil.rmtree(run_folder.checkpoint_folder(run, 2))
    events = run_it(run, resume=True, after={4: "keep"})
    (finished,) = of_kind(events, TrainingFinished)
    assert finished.policy_step is None
    assert any(
        "step-000002" in note.message and "last step" in note.message for note in of_kind(events, Note)
    )
    assert policy_bytes(run) == policy_bytes(run_folder.checkpoint_folder(run, 4))


@pytest.mark.parametrize("left_after", [1, 3, 4])
def test_best_and_patience_survive_a_stop(tmp_path: Path, tiny_model_folder: Path, left_after: int) -> None:
    changes = PLAN | {"early_stopping_patience": 3, "load_best_model_at_end": True, "lora_dropout": 0.2}
    straight = new_run(tmp_path, tiny_model_folder, **changes)
    broken = new_run(tmp_path, tiny_model_folder, **changes)
    run_it(straight)
    with pytest.raises(Cancelled):
        run_it(broken, after={left_after: "leave"})
    rest = run_it(broken, resume=True)
    assert of_kind(rest, TrainingFinished)[0].step == 5
    states = [dataclasses.replace(run_folder.read_state(run), updated_at="") for run in (straight, broken)]
    assert states[0] == states[1]
    assert policy_bytes(straight) == policy_bytes(broken)
    rows = [
        [(row.step, row.split, without_clock(row.metrics)) for row in run_folder.read_metrics(run)]
        for run in (straight, broken)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("way", ["leave", "keep"])
def test_a_check_that_was_left_half_way_is_made_up_for(
    tmp_path: Path, tiny_model_folder: Path, way: Directive
) -> None:
    """The wish to end comes in the middle of measuring; it acts before the other pairs are measured."""
    changes = PLAN | {"num_train_epochs": 2.0, "eval_steps": 2, "micro_batch_tokens": 1}  # one pair at a time
    straight, broken = (new_run(tmp_path, tiny_model_folder, **changes) for _ in range(2))
    told: list[Event | None] = []

    def directive() -> Directive:
        measuring = [event for event in of_kind(told, Progress) if "held-out" in event.stage]
        return way if len(of_kind(told, StepDone)) == 2 and len(measuring) == 4 else "go"

    ends = pytest.raises(Cancelled, match="after step 2") if way == "leave" else contextlib.nullcontext()
    with ends:
        for event in train(Train(id="t", run=str(broken)), directive):
            told.append(event)
    assert [event.step for event in of_kind(told, Evaluated)] == [0]
    assert [event.step for event in of_kind(told, CheckpointSaved)] == [2]
    rest = run_it(broken, resume=True)
    assert of_kind(rest, Evaluated)[0].step == 2
    assert curve(rest) == curve(run_it(straight))[2:]
    rows = [
        [(row.step, row.split, without_clock(row.metrics)) for row in run_folder.read_metrics(run)]
        for run in (straight, broken)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("name", "value"), [("early_stopping_patience", 2), ("load_best_model_at_end", True)]
)
def test_nothing_to_judge_by_is_a_sentence_before_anything_begins(
    tmp_path: Path, tiny_model_folder: Path, name: str, value: Any
) -> None:
    run = new_run(tmp_path, tiny_model_folder, pairs=some_pairs(5, 0), **{name: value})
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(BadInput, match=rf"{name} is .* no held-out pair can be measured"):
        run_it(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
