"""How a training run ends: paused, stopped, cancelled, failed; and how it goes on."""

import errno
from pathlib import Path

import pytest

from app.store.errors import StoreFull
from app.store.project import Project
from app.store.records import Run
from app.store.training import runs
from dpo_engine import requests as ask
from dpo_engine import run_folder
from dpo_engine.events import (
    CheckpointSaved,
    Progress,
    Sample,
    Sampled,
    StepDone,
    TrainingFinished,
    TrainingPaused,
)
from dpo_engine.pairs import snapshots
from dpo_engine.preferences import Message, Pair
from dpo_engine.requests import Train
from dpo_engine.run_folder import RunState, StepMetrics
from tests.app.train.conftest import Room
from tests.app.train.playing import Curves, begin, step, the_run
from tests.helpers.fake_engine import training_metrics

# --- pause, stop, cancel ------------------------------------------------------------------------------


def test_pause_and_go_on(ready: Room) -> None:
    ready.presenter.start()
    ready.presenter.pause()
    assert ready.engine.controls == [], "nothing to pause before it trains"
    request = begin(ready)
    step(ready, request, 1)
    ready.presenter.pause()
    ready.presenter.pause()
    assert ready.engine.controls == [ask.Pause(target=request)]
    assert ready.presenter.state.progress is not None
    assert ready.presenter.state.progress.phase == "pausing"
    ready.engine.emit(TrainingPaused(request=request, step=1))
    assert ready.presenter.state.progress.phase == "paused"
    assert ready.presenter.state.progress.seconds_left is None
    assert the_run(ready).status == "paused"
    ready.presenter.go_on()
    assert ready.engine.controls[-1] == ask.Resume(target=request)


def test_stop_and_keep_leaves_a_policy(ready: Room) -> None:
    ready.engine.auto_train(steps=8)
    ready.presenter.start()
    ready.engine.deliver(5)
    ready.presenter.stop_and_keep()
    assert ready.presenter.state.progress is not None
    assert ready.presenter.state.progress.phase == "stopping"
    ready.engine.deliver()
    run = the_run(ready)
    assert (run.status, run.step) == ("stopped", 3)
    (line,) = ready.presenter.state.runs
    assert line.can_use


def test_cancel_leaves_a_run_that_can_be_resumed(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    for number in (1, 2, 3):
        step(ready, request, number)
    ready.engine.emit(CheckpointSaved(request=request, step=2, path="x"))
    ready.presenter.cancel()
    assert ready.engine.controls == [ask.Cancel(target=request)]
    ready.engine.fail(request, code="cancelled", message="Cancelled.")
    run = the_run(ready)
    assert run.status == "interrupted"
    assert run.message == "Cancelled after step 3. Resume goes on from the checkpoint of step 2."
    assert ready.presenter.state.problem == "", "a person did this; it is no failure"
    assert ready.presenter.state.runs[0].can_resume
    assert [row.step for row in runs.metrics(ready.project, run.id)] == [1, 2, 3], "all written at the end"


# --- failures and resuming ----------------------------------------------------------------------------


def test_the_engine_dies_and_the_run_is_resumed(ready: Room) -> None:
    curves = Curves()
    ready.presenter.draw_on(curves)
    ready.presenter.start()
    request = begin(ready)
    for number in (1, 2, 3):
        step(ready, request, number)
    ready.engine.die("The engine stopped unexpectedly.")
    run = the_run(ready)
    assert run.status == "interrupted"
    assert run.message.startswith("The engine stopped unexpectedly. Resume goes on")
    ready.presenter.resume_run(run.id)
    second = ready.engine.last(Train)
    assert (second.run, second.resume) == (run.folder, True)
    assert second.id != request
    begin(ready, first=2)
    assert curves.cuts == [(run.id, 2)]
    step(ready, second.id, 3)
    assert the_run(ready).status == "running"
    ready.engine.emit(TrainingFinished(request=second.id, run=run.folder, step=10, policy="p", stopped=False))
    ready.engine.finish(second.id)
    assert (the_run(ready).status, the_run(ready).message) == ("finished", "")


def test_a_run_that_ends_by_itself_early_is_finished_and_says_why(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    step(ready, request, 1)
    sample = Sample(prompt=(Message("user", "Hi"),), text="Hello", finish_reason="end")
    ready.engine.emit(Progress(request=request, stage="Answering the sampled prompts", done=0, total=1))
    ready.engine.emit(Sampled(request=request, step=1, samples=(sample,)))
    assert ready.presenter.state.progress is not None and ready.presenter.state.progress.stage == ""
    ready.engine.emit(
        TrainingFinished(
            request=request,
            run=the_run(ready).folder,
            step=1,
            policy="p",
            stopped=False,
            message="The run ended after step 1 of 9: nothing better came.",
        )
    )
    ready.engine.finish(request)
    run = the_run(ready)
    assert (run.status, run.message) == ("finished", "The run ended after step 1 of 9: nothing better came.")


def test_a_failure_is_said_and_kept(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    step(ready, request, 1)
    ready.engine.fail(request, code="out_of_memory", message="Too little memory. Try a smaller batch.")
    assert ready.presenter.state.problem == "Too little memory. Try a smaller batch."
    assert (the_run(ready).status, the_run(ready).message) == (
        "failed",
        "Too little memory. Try a smaller batch.",
    )
    ready.presenter.dismiss_problem()
    assert ready.presenter.state.problem == ""
    assert ready.presenter.state.can_start


def test_a_resume_that_cannot_begin_leaves_the_run_as_it_was(ready: Room) -> None:
    ready.engine.auto_train(steps=5)
    ready.presenter.start()
    ready.engine.deliver(4)
    ready.presenter.stop_and_keep()
    ready.engine.deliver()
    run = the_run(ready)
    ready.engine.script(Train, lambda request: [])
    ready.presenter.resume_run(run.id)
    ready.engine.fail(ready.engine.last(Train).id, code="bad_input", message="The pairs changed.")
    assert (the_run(ready).status, the_run(ready).message) == ("stopped", "The pairs changed.")


def test_the_list_never_shows_an_ended_run_as_training(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    step(ready, request, 1)
    ready.store.hold()
    ready.engine.fail(request, code="out_of_memory", message="Too little memory.")
    (line,) = ready.presenter.state.runs
    assert (line.run.status, line.run.message, line.phase) == ("failed", "Too little memory.", None)


def test_late_events_of_an_ended_run_are_not_heard(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    listener = ready.engine._listeners[request]
    ready.engine.die()
    listener(StepDone(request=request, step=5, total_steps=10, metrics={"loss": 1.0}, seconds_left=1.0))
    assert ready.presenter.state.progress is None
    assert runs.metrics(ready.project, the_run(ready).id) == []


def test_the_app_starts_again_over_a_half_written_run(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    step(ready, request, 1)
    run = the_run(ready)
    folder = Path(run.folder)
    for number in range(1, 6):
        run_folder.append_metrics(
            folder, StepMetrics(step=number, split="train", metrics=training_metrics(number, 10))
        )
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 6, "split": "tr')
    run_folder.write_state(folder, RunState(status="running", step=5, total_steps=10))
    curves = Curves()
    again = ready.new_presenter()
    again.draw_on(curves)
    again.open()
    (line,) = again.state.runs
    assert (line.run.status, line.run.step) == ("interrupted", 5)
    assert line.run.message
    assert line.can_resume
    assert again.state.selected == run.id
    (run_id, columns, planned) = curves.loaded[-1]
    assert (run_id, planned) == (run.id, 10)
    assert columns["loss"][0].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    again.resume_run(run.id)
    assert ready.engine.last(Train).resume


def test_a_full_disk_while_preparing_is_a_sentence_and_no_run(
    ready: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, pairs: list[Pair]) -> None:
        folder.mkdir()
        (folder / "half").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_folder, "write_snapshot", full)
    ready.presenter.start()
    assert "disk is full" in ready.presenter.state.problem
    assert ready.runs() == []
    assert ready.engine.requests == []
    assert list(ready.project.runs_dir.iterdir()) == []
    assert ready.presenter.state.can_start
    monkeypatch.setattr(run_folder, "write_snapshot", snapshots.write_snapshot)
    ready.presenter.start()
    assert len(ready.runs()) == 1
    assert ready.presenter.state.problem == ""


def test_a_run_that_cannot_be_noted_leaves_no_folder(ready: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(project: Project, *_: object, **__: object) -> Run:
        raise StoreFull("The disk is full: saving the run did not succeed.")

    monkeypatch.setattr(runs, "add_run", refused)
    ready.presenter.start()
    assert ready.presenter.state.problem.startswith("The disk is full")
    assert list(ready.project.runs_dir.iterdir()) == []
    assert ready.engine.requests == []


def test_an_unforeseen_failure_while_preparing_is_a_sentence_too(
    ready: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path, pairs: list[Pair]) -> None:
        raise RuntimeError("the library broke")

    monkeypatch.setattr(run_folder, "write_snapshot", broken)
    ready.presenter.start()
    assert "the library broke" in ready.presenter.state.problem
    assert ready.presenter.state.can_start
