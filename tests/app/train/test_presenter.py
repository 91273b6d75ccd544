"""The Train presenter over a real project file and a fake engine."""

from pathlib import Path

import pytest

from app.store import settings
from app.store.training import runs
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.events import (
    Note,
    Progress,
    RequestStarted,
)
from dpo_engine.recommendations import recommended
from dpo_engine.requests import Train
from tests.app.train.conftest import Room
from tests.app.train.playing import Curves, begin, step, the_run
from tests.helpers.fake_engine import training_metrics

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
