"""Several runs one after another: order, holding, failures, and what a restart of the app finds."""

from pathlib import Path

import pytest

from app.store.errors import StoreFull
from app.store.records import Run
from app.store.training import runs
from dpo_engine import requests as ask
from dpo_engine import run_folder
from dpo_engine.events import Note, RequestStarted
from dpo_engine.requests import KeepStep, Train
from tests.app.train.conftest import Room
from tests.app.train.playing import begin, step


@pytest.fixture
def queue(ready: Room) -> list[Run]:
    """One run that trains and two that wait, in the order of their training."""
    ready.presenter.start()
    request = begin(ready)
    step(ready, request, 1)
    ready.presenter.start()
    ready.presenter.start()
    return ready.runs()[::-1]


def trained(room: Room) -> list[str]:
    """Folders in the order in which the engine was asked to train them."""
    return [request.run for request in room.engine.requests if isinstance(request, Train)]


def waiting(room: Room) -> list[int]:
    return list(room.presenter.state.queue.waiting)


def fail(room: Room, code: str = "out_of_memory") -> None:
    room.engine.fail(room.engine.last(Train).id, code=code, message="It ended.")


def test_start_while_one_trains_waits_its_turn(ready: Room, queue: list[Run]) -> None:
    assert trained(ready) == [queue[0].folder]
    assert waiting(ready) == [queue[1].id, queue[2].id]
    places = {line.run.id: line.place for line in ready.presenter.state.runs}
    assert places == {queue[0].id: 0, queue[1].id: 1, queue[2].id: 2}
    assert [line.run.id for line in ready.presenter.state.listed] == [run.id for run in queue]


def test_the_snapshot_is_that_of_the_moment(ready: Room, queue: list[Run]) -> None:
    ready.judge(3)
    ready.presenter.start()
    counts = [len(run_folder.read_pairs(Path(run.folder))) for run in ready.runs()[::-1]]
    assert counts == [8, 8, 8, 11]


@pytest.mark.parametrize("code", ["out_of_memory", "engine_died"])
def test_a_run_that_fails_does_not_stop_the_queue(ready: Room, queue: list[Run], code: str) -> None:
    fail(ready, code)
    assert trained(ready) == [queue[0].folder, queue[1].folder]
    assert waiting(ready) == [queue[2].id]
    begin(ready)
    fail(ready, code)
    assert trained(ready) == [run.folder for run in queue]
    begin(ready)
    fail(ready, code)
    assert ready.presenter.state.progress is None
    assert len(trained(ready)) == 3, "none of them twice"
    assert ready.presenter.state.selected == queue[2].id


def test_finished_runs_follow_each_other(ready: Room, queue: list[Run]) -> None:
    ready.engine.auto_train(steps=2)
    fail(ready)
    ready.engine.deliver()
    assert [run.status for run in ready.runs()[::-1]] == ["failed", "finished", "finished"]
    assert waiting(ready) == []


def test_cancelling_goes_on_with_the_next(ready: Room, queue: list[Run]) -> None:
    ready.presenter.cancel()
    fail(ready, "cancelled")
    assert trained(ready) == [queue[0].folder, queue[1].folder]
    assert not ready.presenter.state.queue.held


def test_moving_and_taking_out(ready: Room, queue: list[Run]) -> None:
    ready.presenter.queue.move(queue[2].id, -1)
    assert waiting(ready) == [queue[2].id, queue[1].id]
    ready.presenter.queue.leave(queue[2].id)
    assert waiting(ready) == [queue[1].id]
    (line,) = [line for line in ready.presenter.state.runs if line.run.id == queue[2].id]
    assert (line.run.status, line.place, line.can_resume) == ("created", 0, True)


def test_holding_and_going_on(ready: Room, queue: list[Run]) -> None:
    ready.presenter.queue.hold()
    fail(ready)
    assert trained(ready) == [queue[0].folder]
    assert ready.presenter.state.queue.held
    ready.presenter.queue.go_on()
    assert trained(ready) == [queue[0].folder, queue[1].folder]


def test_a_held_queue_lets_a_new_run_pass(ready: Room, queue: list[Run]) -> None:
    ready.presenter.queue.hold()
    fail(ready)
    ready.presenter.start()
    newest = ready.runs()[0]
    assert trained(ready)[-1] == newest.folder
    assert waiting(ready) == [queue[1].id, queue[2].id]


def test_resume_waits_while_another_one_trains(ready: Room, queue: list[Run]) -> None:
    fail(ready)
    begin(ready)
    ready.presenter.resume_run(queue[0].id)
    assert waiting(ready) == [queue[2].id, queue[0].id]
    fail(ready)
    begin(ready)
    fail(ready)
    last = ready.engine.last(Train)
    assert (last.run, last.resume) == (queue[0].folder, True)


def test_closing_the_app_keeps_the_queue_and_the_run_that_trained_is_next(
    ready: Room, queue: list[Run]
) -> None:
    fail(ready, "cancelled")  # not by the person: the engine was shut down
    assert trained(ready) == [queue[0].folder], "nothing begins while the app closes"
    again = ready.new_presenter()
    again.open()
    assert again.state.queue.waiting == (queue[0].id, queue[1].id, queue[2].id)
    assert again.state.queue.held
    assert trained(ready) == [queue[0].folder], "nothing begins by itself when a window is opened"
    again.queue.go_on()
    last = ready.engine.last(Train)
    assert (last.run, last.resume) == (queue[0].folder, True)
    ready.engine.fail(last.id, code="out_of_memory", message="Too little memory.")
    assert (ready.engine.last(Train).run, ready.engine.last(Train).resume) == (queue[1].folder, False)


def test_a_power_cut_keeps_the_queue_as_well(ready: Room, queue: list[Run]) -> None:
    run_folder.write_state(
        Path(queue[0].folder), run_folder.RunState(status="running", step=1, total_steps=10)
    )
    again = ready.new_presenter()
    again.open()
    assert [run.status for run in ready.runs()[::-1]] == ["interrupted", "created", "created"]
    assert again.state.queue.waiting == tuple(run.id for run in queue)
    assert again.state.queue.held


def test_an_engine_that_is_down_does_not_use_up_the_queue(ready: Room, queue: list[Run]) -> None:
    fail(ready)
    ready.engine.die("The engine could not be started.")
    assert waiting(ready) == [queue[1].id, queue[2].id]
    assert ready.presenter.state.queue.held
    assert trained(ready) == [queue[0].folder, queue[1].folder]


def test_an_answer_of_before_does_not_begin_a_run_twice(ready: Room, queue: list[Run]) -> None:
    ready.store.hold()
    ready.presenter.refresh()  # reads the queue as it is now, and answers late
    ready.store.release(0)
    fail(ready)
    ready.store.release()
    begin(ready)
    ready.store.hold()
    ready.presenter.refresh()
    fail(ready)
    ready.store.release()
    assert trained(ready) == [run.folder for run in queue]


def test_a_full_disk_leaves_the_queue_as_it_was(ready: Room, queue: list[Run]) -> None:
    ready.store.fail_next(StoreFull("The disk is full."))
    ready.presenter.queue.move(queue[2].id, -1)
    assert ready.presenter.state.problem == "The disk is full."
    assert waiting(ready) == [queue[1].id, queue[2].id]


def test_start_again_takes_the_same_pairs_with_changed_settings(ready: Room, queue: list[Run]) -> None:
    ready.judge(5)
    ready.presenter.start_again(queue[0].id, {"learning_rate": 1e-5})
    newest = ready.runs()[0]
    assert waiting(ready)[-1] == newest.id
    assert (newest.config["learning_rate"], newest.policy) == (1e-5, queue[0].policy)
    assert run_folder.read_pairs(Path(newest.folder)) == run_folder.read_pairs(Path(queue[0].folder))
    assert {**newest.config, "learning_rate": None} == {**queue[0].config, "learning_rate": None}


def test_start_again_with_what_is_no_setting_starts_nothing(ready: Room, queue: list[Run]) -> None:
    for changes in ({"learning_rate": -1.0}, {"no_such_thing": 1}):
        ready.presenter.start_again(queue[0].id, changes)
        assert "Nothing was started" in ready.presenter.state.problem
    assert len(ready.runs()) == 3


def test_keeping_a_step_of_a_run_that_trains_ends_it_first(ready: Room, queue: list[Run]) -> None:
    request = ready.engine.last(Train).id
    ready.presenter.keep_step(queue[0].id, 1)
    assert ready.engine.controls == [ask.StopAndKeep(target=request)]
    fail(ready)
    kept = ready.engine.last(KeepStep)
    assert (kept.run, kept.step) == (queue[0].folder, 1)
    ready.engine.emit(RequestStarted(request=kept.id))
    ready.engine.emit(Note(request=kept.id, message="The policy is that of step 1."))
    run_folder.write_state(
        Path(queue[0].folder), run_folder.RunState(status="stopped", step=1, total_steps=10)
    )
    ready.engine.finish(kept.id)
    assert runs.get_run(ready.project, queue[0].id).status == "stopped"
    notice = ready.presenter.state.desk.notice
    assert notice is not None and "step 1" in notice.text


def test_a_step_that_cannot_be_kept_is_a_sentence(ready: Room) -> None:
    ready.engine.auto_train(steps=2)
    ready.presenter.start()
    ready.engine.deliver()
    (run,) = ready.runs()
    ready.presenter.keep_step(run.id, 7)
    ready.engine.fail(ready.engine.last(KeepStep).id, code="bad_input", message="There is no step 7.")
    assert ready.presenter.state.problem == "There is no step 7."
    assert ready.runs()[0].status == "finished"
