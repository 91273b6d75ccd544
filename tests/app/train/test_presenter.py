"""The Train presenter over a real project file and a fake engine."""

import errno
from pathlib import Path
from typing import Any

import pytest

from app.store import settings
from app.store.errors import StoreFull
from app.store.project import Project
from app.store.records import MetricRow, Run
from app.store.training import runs
from app.train.curves import Columns
from dpo_engine import requests as ask
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.events import (
    CheckpointSaved,
    Evaluated,
    Note,
    Progress,
    RequestStarted,
    Sample,
    Sampled,
    StepDone,
    TrainingFinished,
    TrainingPaused,
    TrainingStarted,
)
from dpo_engine.pairs import snapshots
from dpo_engine.preferences import Message, Pair
from dpo_engine.recommendations import recommended
from dpo_engine.requests import Train
from dpo_engine.run_folder import RunState, StepMetrics
from tests.app.train.conftest import Room
from tests.helpers.fake_engine import training_metrics


class Curves:
    """Writes down what it is given to draw."""

    def __init__(self) -> None:
        self.shown: list[int | None] = []
        self.points: list[tuple[int, int, float | None, float | None]] = []
        self.loaded: list[tuple[int, Columns, int]] = []
        self.cuts: list[tuple[int, int]] = []

    def show_run(self, run_id: int | None) -> None:
        self.shown.append(run_id)

    def curves_loaded(self, run_id: int, columns: Columns, planned_steps: int) -> None:
        self.loaded.append((run_id, columns, planned_steps))

    def points_added(self, run_id: int, step: int, metrics: Any, planned_steps: int) -> None:
        self.points.append((run_id, step, metrics.get("loss"), metrics.get("eval_loss")))

    def curves_cut(self, run_id: int, after_step: int) -> None:
        self.cuts.append((run_id, after_step))


def begin(room: Room, *, total: int = 10, first: int = 0) -> str:
    """What the engine says until the first step, to the request that was submitted last."""
    request = room.engine.last(Train)
    room.engine.emit(RequestStarted(request=request.id))
    room.engine.emit(
        TrainingStarted(
            request=request.id,
            run=request.run,
            first_step=first,
            total_steps=total,
            train_pairs=6,
            held_out_pairs=2,
            learning_rate=2e-4,
            device="cpu",
            dtype="float32",
            trainable_parameters=10,
        )
    )
    return request.id


def step(room: Room, request: str, number: int, total: int = 10) -> None:
    room.engine.emit(
        StepDone(
            request=request,
            step=number,
            total_steps=total,
            metrics=training_metrics(number, total),
            seconds_left=3.0 * (total - number),
        )
    )


def the_run(room: Room) -> Run:
    (run,) = room.runs()
    return run


# --- what to train on ---------------------------------------------------------------------------------


def test_without_a_verdict_a_sentence_stands_in_the_way(room: Room) -> None:
    state = room.presenter.state
    assert "at least one verdict" in state.obstacle
    assert not state.can_start
    room.presenter.start()
    assert room.engine.requests == []
    assert room.runs() == []


def test_counts_split_and_policies(room: Room) -> None:
    room.judge(3, model="starter")
    room.judge(2, model="/models/mine", split="held_out")
    room.presenter.refresh()
    state = room.presenter.state
    assert (state.ingredients.train, state.ingredients.held_out) == (3, 2)
    assert state.written_by == (("SmolLM2-135M-Instruct", 3), ("mine", 2))
    assert "3 preferences" in state.advice
    assert state.can_start


def test_only_held_out_preferences_cannot_be_trained_on(room: Room) -> None:
    room.judge(2, split="held_out")
    room.presenter.refresh()
    assert "held out" in room.presenter.state.obstacle
    assert not room.presenter.state.can_start


def test_enough_preferences_need_no_advice(room: Room) -> None:
    room.judge(20)
    room.judge(1, split="held_out")
    room.presenter.refresh()
    assert room.presenter.state.advice == ""
    assert room.presenter.state.plan == "30 steps: 20 preferences in batches of 4, 6 times."


# --- the form -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"beta": -1.0}, {"beta": float("nan")}, {"lora_r": 0}, {"method": "magic"}]
)
def test_a_wrong_value_is_a_sentence_and_starts_nothing(ready: Room, wrong: dict[str, object]) -> None:
    ready.presenter.form.configure(wrong)
    (name,) = wrong
    assert name in ready.presenter.state.obstacle
    assert not ready.presenter.state.can_start
    ready.presenter.start()
    assert ready.runs() == []
    ready.presenter.form.configure({"beta": 0.2})
    assert ready.presenter.state.can_start


def test_text_that_is_no_value_stands_in_the_way(ready: Room) -> None:
    ready.presenter.form.refuse("'abc' is no number.")
    assert ready.presenter.state.obstacle == "'abc' is no number."
    assert not ready.presenter.state.can_start


def test_the_recommended_rate_follows_the_method(ready: Room) -> None:
    assert ready.presenter.state.recommended_rate == 2e-4
    ready.presenter.form.configure({"method": "full"})
    assert ready.presenter.state.recommended_rate == 1e-5


def test_the_form_of_the_last_run_comes_back(ready: Room) -> None:
    ready.presenter.form.configure({"beta": 0.3, "method": "full"})
    ready.presenter.start()
    again = ready.new_presenter()
    again.open()
    assert again.state.config == TrainConfig(beta=0.3, method="full")


def test_a_damaged_stored_form_is_left_aside(ready: Room) -> None:
    settings.set_setting(ready.project, "train_form", {"beta": -4, "unknown": 1})
    again = ready.new_presenter()
    again.open()
    assert again.state.config == recommended("lora", 20)


def test_a_new_project_begins_with_what_is_recommended_and_then_with_what_was_chosen(ready: Room) -> None:
    assert ready.presenter.state.config == recommended("lora", 20)
    ready.presenter.form.configure({"beta": 0.2})
    ready.presenter.start()
    again = ready.new_presenter()
    again.open()
    assert again.state.config == TrainConfig(beta=0.2)


# --- from start to finish -----------------------------------------------------------------------------


def test_start_makes_folder_row_and_request(ready: Room) -> None:
    ready.presenter.form.configure({"beta": 0.2})
    ready.presenter.start()
    run = the_run(ready)
    assert ready.engine.requests == [Train(id=ready.engine.last(Train).id, run=run.folder, resume=False)]
    spec = run_folder.read_spec(Path(run.folder))
    assert (spec.policy, spec.config.beta, spec.config.learning_rate) == ("starter", 0.2, 2e-4)
    assert (run.beta, run.train_pairs, run.held_out_pairs) == (0.2, 6, 2)
    pairs = run_folder.read_pairs(Path(run.folder))
    assert [pair.split for pair in pairs].count("held_out") == 2
    assert all(pair.chosen.startswith("Good") and pair.rejected.startswith("Bad") for pair in pairs)
    assert ready.presenter.state.progress is not None
    assert ready.presenter.state.progress.run == run


def test_metrics_are_drawn_and_stored_and_the_run_finishes(ready: Room) -> None:
    curves = Curves()
    ready.presenter.draw_on(curves)
    ready.engine.auto_train(steps=4, evaluate_every=2)
    ready.presenter.start()
    ready.engine.deliver()
    run = the_run(ready)
    assert (run.status, run.step, run.total_steps) == ("finished", 4, 4)
    assert ready.presenter.state.progress is None
    expected = [(run.id, n, training_metrics(n, 4)["loss"], None) for n in (1, 2, 3, 4)]
    expected.insert(2, (run.id, 2, None, training_metrics(2, 4)["loss"]))
    expected.insert(5, (run.id, 4, None, training_metrics(4, 4)["loss"]))
    assert curves.points == expected
    stored = runs.metrics(ready.project, run.id)
    assert [(row.step, row.split) for row in stored] == [
        (1, "train"),
        (2, "held_out"),
        (2, "train"),
        (3, "train"),
        (4, "held_out"),
        (4, "train"),
    ]
    assert stored[0].metrics == training_metrics(1, 4)
    (line,) = ready.presenter.state.runs
    assert line.margin == training_metrics(4, 4)["rewards/margins"]


def test_progress_says_step_and_time_left(ready: Room) -> None:
    ready.presenter.start()
    request = ready.engine.last(Train).id
    assert ready.presenter.state.progress is not None
    assert ready.presenter.state.progress.phase == "waiting"
    ready.engine.emit(RequestStarted(request=request))
    ready.engine.emit(Progress(request=request, stage="Loading", done=1, total=2))
    progress = ready.presenter.state.progress
    assert progress is not None
    assert (progress.phase, progress.stage, progress.stage_done) == ("loading", "Loading", 1)
    assert the_run(ready).status == "running"
    begin(ready)
    ready.engine.emit(Note(request=request, message="A default template is used."))
    step(ready, request, 1)
    progress = ready.presenter.state.progress
    assert progress is not None
    assert (progress.phase, progress.step, progress.total_steps) == ("training", 1, 10)
    assert progress.seconds_left == 27.0
    (line,) = ready.presenter.state.runs
    assert (line.run.step, line.run.total_steps, line.phase) == (1, 10, "training")
    assert progress.notes == ("A default template is used.",)


def test_a_finished_policy_writes_the_next_candidates_and_back(ready: Room) -> None:
    chosen: list[str] = []
    ready.presenter.listen_to_policy(chosen.append)
    ready.engine.auto_train(steps=2)
    ready.presenter.start()
    ready.engine.deliver()
    run = the_run(ready)
    ready.presenter.use_policy(run.id)
    assert settings.get_setting(ready.project, "policy") == run.folder
    state = ready.presenter.state
    assert state.start_from == run.folder, "the next run goes on from the policy"
    assert state.runs[0].in_use and not state.runs[0].can_use
    assert state.back_to is not None and state.back_to.reference == "starter"
    ready.presenter.use_untrained()
    assert settings.get_setting(ready.project, "policy") == "starter"
    assert chosen == [run.folder, "starter"]
    assert ready.presenter.state.back_to is None


def test_a_run_can_start_from_another_runs_policy(ready: Room) -> None:
    ready.engine.auto_train(steps=1)
    ready.presenter.start()
    ready.engine.deliver()
    first = the_run(ready)
    ready.presenter.form.choose_start(first.folder)
    ready.presenter.start()
    assert ready.runs()[0].policy == first.folder


def test_a_folder_that_is_no_model_changes_nothing(ready: Room, tmp_path: Path) -> None:
    ready.presenter.form.choose_folder(str(tmp_path / "nowhere"))
    assert "no folder" in ready.presenter.state.problem
    empty = tmp_path / "empty"
    empty.mkdir()
    ready.presenter.form.choose_folder(str(empty))
    assert "config.json" in ready.presenter.state.problem
    assert ready.presenter.state.start_from == "starter"
    (empty / "config.json").write_text("{}")
    ready.presenter.form.choose_folder(str(empty))
    assert ready.presenter.state.start_from == str(empty)
    assert ready.presenter.state.problem == ""


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


# --- curves and storing -------------------------------------------------------------------------------


def test_metrics_are_written_at_most_four_times_a_second(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready, total=200)
    ready.clock.advance(1.0)
    before = ready.store.submitted
    for number in range(1, 101):
        step(ready, request, number, 200)
        ready.clock.advance(0.01)
    writes = ready.store.submitted - before
    assert 4 <= writes <= 5
    ready.clock.advance(0.25)
    assert len(runs.metrics(ready.project, the_run(ready).id)) == 100


def test_metrics_that_could_not_be_written_are_written_later(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    ready.store.failing = StoreFull("The disk is full.")
    step(ready, request, 1)
    assert ready.presenter.state.progress is not None
    assert "The disk is full." in ready.presenter.state.progress.notes[-1]
    ready.store.failing = None
    step(ready, request, 2)
    ready.clock.advance(5.0)
    assert [row.step for row in runs.metrics(ready.project, the_run(ready).id)] == [1, 2]


def test_selecting_a_run_loads_its_curves(ready: Room) -> None:
    ready.engine.auto_train(steps=2)
    for _ in range(2):
        ready.presenter.start()
        ready.engine.deliver()
    newest, oldest = ready.runs()
    curves = Curves()
    ready.presenter.draw_on(curves)
    assert curves.shown == [newest.id]
    ready.presenter.select(oldest.id)
    assert curves.shown[-1] == oldest.id
    run_id, columns, planned = curves.loaded[-1]
    assert (run_id, planned) == (oldest.id, 2)
    assert columns["loss"][1].tolist() == [training_metrics(n, 2)["loss"] for n in (1, 2)]


def test_curves_read_before_a_resume_are_cut_to_its_checkpoint(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    for number in (1, 2, 3, 4):
        step(ready, request, number)
    ready.engine.die()
    run = the_run(ready)
    curves = Curves()
    ready.presenter.draw_on(curves)
    ready.presenter.select(None)
    ready.store.hold()
    ready.presenter.resume_run(run.id)
    begin(ready, first=2)
    ready.store.release()
    assert curves.loaded[-1][1]["loss"][0].tolist() == [1.0, 2.0]


def test_events_of_held_out_pairs_are_stored_as_such(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    ready.engine.emit(Evaluated(request=request, step=0, metrics={"eval_loss": 0.69}))
    ready.clock.advance(1.0)
    run = the_run(ready)
    assert runs.metrics(ready.project, run.id) == [
        MetricRow(run_id=run.id, step=0, split="held_out", metrics={"eval_loss": 0.69})
    ]


def test_a_run_trains_on_the_chosen_pairs(ready: Room) -> None:
    """After a run, "new" has only what was judged since; a selection without pairs is a sentence."""
    presenter = ready.presenter
    presenter.start()
    everything = presenter.state.ingredients.preferences
    ready.engine.fail(ready.engine.last(Train).id, code="cancelled", message="")
    presenter.form.choose_pairs("new")
    assert presenter.state.ingredients.preferences == 0
    assert "No preference belongs to this selection" in presenter.state.obstacle
    assert not presenter.state.can_start
    ready.judge(1)
    presenter.refresh()
    assert presenter.state.ingredients.preferences == 1
    presenter.start()
    pairs = run_folder.read_pairs(Path(ready.engine.last(Train).run))
    assert len(pairs) == 1 < everything
