"""Scoring what nobody waits for: after a training, checkpoint by checkpoint, across restarts of the app."""

from pathlib import Path

import pytest

from app.inspector.presenter import InspectorPresenter
from app.store.handle import Project
from app.store.records import Run
from app.store.training.scores import scored_checkpoints
from dpo_engine.events import PairsScored, RequestFinished, TrainingFinished
from dpo_engine.requests import Cancel, Score, Train
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore

PAIRS = make_pairs(9, held_out=3)
SCORES = make_scores(PAIRS)


@pytest.fixture
def run(project: Project) -> Run:
    return add_scene_run(project, "brave-otter", PAIRS, checkpoints=(20, 30))


def finish_training(engine: FakeEngine, run: Run) -> None:
    engine.submit(Train(id="train", run=run.folder), lambda _event: None)
    ended = TrainingFinished(request="train", run=run.folder, step=30, policy="p", stopped=False)
    engine.emit(ended)
    engine.emit(RequestFinished(request="train"))


def asked(engine: FakeEngine) -> list[Score]:
    return [request for request in engine.requests if isinstance(request, Score)]


def again(store: DirectStore, engine: FakeEngine) -> InspectorPresenter:
    """The app after a restart."""
    reader = DirectReader(store.project)
    return InspectorPresenter(engine=engine, store=store, reader=reader, slow_reader=reader)


def test_after_a_training_everything_is_scored_without_the_page_in_view(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project, run: Run
) -> None:
    engine.auto_score(SCORES)
    presenter.start()
    finish_training(engine, run)
    engine.deliver()
    assert all(request.background for request in asked(engine))
    assert [Path(request.policy).name for request in asked(engine)] == [
        *("brave-otter", "step-000030", "step-000020"),
    ]
    assert scored_checkpoints(project, run.id) == {"policy": 9, "step-000030": 9, "step-000020": 9}
    assert presenter.scorer.to_do == ()


def test_it_can_be_left_off(
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    presenter.start()
    presenter.scorer.set_automatic(False)
    finish_training(engine, run)
    assert asked(engine) == []
    later = again(store, engine)
    later.start()
    assert not later.state.automatic


def test_what_gave_way_goes_on_with_the_pairs_that_are_left(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    presenter.start()
    finish_training(engine, run)
    engine.emit(PairsScored(request=engine.open[0], scores=tuple(SCORES[:4])))
    engine.fail(engine.open[0], code="gave_way", message="It made room.")
    first, second = asked(engine)
    assert (first.leave_out, second.policy) == ((), first.policy)
    assert sorted(second.leave_out) == [pair.id for pair in PAIRS[:4]]
    assert second.background and presenter.state.message == ""


def test_after_a_crash_of_the_app_it_goes_on(
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    presenter.start()
    finish_training(engine, run)
    engine.emit(PairsScored(request=engine.open[0], scores=tuple(SCORES[:4])))
    after = FakeEngine()
    after.auto_score(SCORES[4:])
    later = again(store, after)
    later.start()
    assert sorted(asked(after)[0].leave_out) == [pair.id for pair in PAIRS[:4]]
    after.deliver()
    assert scored_checkpoints(store.project, run.id)["policy"] == 9


def test_scores_of_other_weights_are_not_taken_for_these(
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    presenter.start()
    finish_training(engine, run)
    engine.emit(PairsScored(request=engine.open[0], scores=tuple(SCORES[:4])))
    (Path(run.folder) / "policy" / "adapter_model.safetensors").write_bytes(b"trained on")
    after = FakeEngine()
    later = again(store, after)
    later.start()
    assert asked(after)[0].leave_out == ()
    assert "policy" not in scored_checkpoints(store.project, run.id)


def test_what_a_person_opens_comes_first_and_the_rest_after_it(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project, run: Run
) -> None:
    engine.auto_score(SCORES)
    presenter.start()
    finish_training(engine, run)
    other = add_scene_run(project, "calm-heron", PAIRS)
    presenter.set_visible(True)
    presenter.choose_run(other.id)
    assert engine.controls == [Cancel(target=asked(engine)[0].id)]
    assert (asked(engine)[1].policy, asked(engine)[1].background) == (other.folder, False)
    engine.deliver()
    assert len(scored_checkpoints(project, run.id)) == 3
    assert presenter.state.selected is not None and presenter.state.selected.run.id == other.id


def test_a_person_who_stops_it_is_left_alone(
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    presenter.start()
    finish_training(engine, run)
    presenter.cancel_scoring()
    engine.deliver()
    assert len(asked(engine)) == 1
    later = again(store, engine)
    later.start()
    assert len(asked(engine)) == 1


def test_one_that_fails_does_not_stop_the_others(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    presenter.start()
    finish_training(engine, run)
    engine.fail(engine.open[0], code="out_of_memory", message="Too little memory.")
    assert [Path(request.policy).name for request in asked(engine)] == ["brave-otter", "step-000030"]


def test_every_checkpoint_of_a_run_on_demand(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project, run: Run
) -> None:
    engine.auto_score(SCORES)
    presenter.refresh()
    presenter.scorer.score_all(run.id)
    engine.deliver()
    assert len(scored_checkpoints(project, run.id)) == 3
