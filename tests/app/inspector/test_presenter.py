"""The Inspector's logic with a real project on disk and a played engine."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.inspector.presenter import InspectorPresenter
from app.store.handle import Project
from app.store.records import Run
from app.store.training.runs import set_status
from app.store.training.scores import scored_pairs
from dpo_engine.events import (
    CheckpointSaved,
    PairsScored,
    RequestFinished,
    TrainingFinished,
)
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Pair
from dpo_engine.requests import Cancel, Score, Train
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore

PAIRS = make_pairs(9, held_out=3)
SCORES = make_scores(PAIRS)


def open_page(presenter: InspectorPresenter) -> None:
    presenter.set_visible(True)


def table_ids(presenter: InspectorPresenter) -> list[str]:
    return list(presenter.table.ids)


@pytest.fixture
def run(project: Project) -> Run:
    return add_scene_run(project, "brave-otter", PAIRS, checkpoints=(20, 30), beta=0.3)


# --- what there is to inspect ---------------------------------------------------------------------


def test_without_runs_there_is_nothing_to_inspect(presenter: InspectorPresenter, engine: FakeEngine) -> None:
    assert presenter.state.phase == "loading"
    open_page(presenter)
    assert presenter.state.phase == "no_runs"
    assert not presenter.state.training
    assert engine.requests == []


def test_a_run_without_anything_on_disk_is_not_offered(
    presenter: InspectorPresenter, project: Project
) -> None:
    add_scene_run(project, "young-hare", PAIRS, policy=False, status="running")
    open_page(presenter)
    assert presenter.state.phase == "no_runs"
    assert presenter.state.training


def test_the_newest_run_is_opened_at_its_result(
    presenter: InspectorPresenter, project: Project, run: Run
) -> None:
    newest = add_scene_run(project, "calm-heron", PAIRS, status="stopped")
    open_page(presenter)
    state = presenter.state
    assert [entry.run.name for entry in state.runs] == ["calm-heron", "brave-otter"]
    assert state.selected is not None and state.selected.run.id == newest.id
    assert state.checkpoint == "policy"


def test_checkpoints_are_those_on_disk_latest_first(presenter: InspectorPresenter, run: Run) -> None:
    open_page(presenter)
    assert presenter.state.selected is not None
    assert presenter.state.selected.checkpoints == ("policy", "step-000030", "step-000020")


def test_an_interrupted_run_is_opened_at_its_latest_checkpoint(
    presenter: InspectorPresenter, project: Project
) -> None:
    add_scene_run(project, "torn-wren", PAIRS, policy=False, checkpoints=(10, 20), status="interrupted")
    open_page(presenter)
    assert presenter.state.checkpoint == "step-000020"


def test_a_checkpoint_that_was_pruned_gives_way_to_what_is_there(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    presenter.choose_checkpoint("step-000020")
    shutil.rmtree(Path(run.folder) / "checkpoints" / "step-000020")
    presenter.refresh()
    assert presenter.state.checkpoint == "policy"


# --- several runs and checkpoints -----------------------------------------------------------------


def test_opening_another_unscored_checkpoint_ends_the_scoring_under_way(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    open_page(presenter)
    first = engine.last(Score).id
    presenter.choose_checkpoint("step-000030")
    assert engine.controls == [Cancel(target=first)]
    assert engine.last(Score).policy.endswith("step-000030")
    engine.emit(PairsScored(request=first, scores=tuple(SCORES[:2])))
    assert presenter.state.scored == 0
    presenter.choose_checkpoint("policy")
    assert engine.last(Score).policy == run.folder, "it was not the person who ended it: it starts again"


def test_a_scoring_goes_on_while_something_scored_is_looked_at(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project, run: Run
) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    engine.deliver()
    other = add_scene_run(project, "calm-heron", PAIRS)
    presenter.refresh()
    presenter.choose_run(other.id)
    engine.deliver(2)
    presenter.choose_run(run.id)
    assert engine.controls == []
    assert presenter.state.phase == "ready"
    assert presenter.state.elsewhere == "Scoring calm-heron in the background: 2 of 9"
    engine.deliver()
    assert presenter.state.elsewhere == ""
    presenter.choose_run(other.id)
    assert presenter.state.complete
    assert len([request for request in engine.requests if isinstance(request, Score)]) == 2


def test_an_answer_that_comes_late_is_dropped(
    presenter: InspectorPresenter, engine: FakeEngine, reader: DirectReader, run: Run
) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    engine.deliver()
    engine.auto_score(make_scores(PAIRS, seed=2))
    presenter.choose_checkpoint("step-000030")
    engine.deliver()
    reader.hold()
    presenter.choose_checkpoint("policy")
    presenter.choose_checkpoint("step-000030")
    reader.release()
    assert presenter.state.checkpoint == "step-000030"
    expected = [score.margin(0.3) for score in make_scores(PAIRS, seed=2)]
    assert list(presenter.table.figures.margin) == expected


def test_results_that_come_during_a_write_go_with_the_next_one(
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    open_page(presenter)
    request = engine.open[0]
    store.hold()
    before = store.submitted
    for start in range(0, 8, 2):
        engine.emit(PairsScored(request=request, scores=tuple(SCORES[start : start + 2])))
    engine.emit(PairsScored(request=request, scores=tuple(SCORES[8:])))
    engine.finish(request)
    assert store.submitted == before + 1
    store.release()
    assert presenter.state.complete
    assert table_ids(presenter) == [pair.id for pair in PAIRS]
    saved = scored_pairs(store.project, run.id, "policy")
    assert [row.policy_chosen_logp for row in saved] == [score.policy_chosen_logp for score in SCORES]


# --- training that goes on beside -----------------------------------------------------------------


def finish_training(engine: FakeEngine, run: Run) -> None:
    """What the window hears when a training of this run ends."""
    engine.submit(Train(id="train-1", run=run.folder), lambda _event: None)
    engine.emit(
        TrainingFinished(
            request="train-1", run=run.folder, step=30, policy=f"{run.folder}/policy", stopped=False
        )
    )
    engine.emit(RequestFinished(request="train-1"))


def test_a_run_that_finishes_in_view_is_opened_when_there_was_none(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project
) -> None:
    engine.auto_score(SCORES)
    young = add_scene_run(project, "young-hare", PAIRS, policy=False, status="running")
    open_page(presenter)
    (Path(young.folder) / "policy").mkdir()
    set_status(project, young.id, "finished", step=30)
    finish_training(engine, young)
    engine.deliver()
    assert presenter.state.selected is not None and presenter.state.selected.run.id == young.id
    assert presenter.state.complete


def test_the_run_that_is_open_turns_to_its_result_when_it_finishes(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project
) -> None:
    engine.auto_score(SCORES)
    young = add_scene_run(project, "young-hare", PAIRS, policy=False, status="running", checkpoints=(20,))
    open_page(presenter)
    engine.deliver()
    assert presenter.state.checkpoint == "step-000020"
    (Path(young.folder) / "policy").mkdir()
    finish_training(engine, young)
    engine.deliver()
    assert presenter.state.checkpoint == "policy"
    assert presenter.state.complete


def test_another_run_that_finishes_is_scored_quietly(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project, run: Run
) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    engine.deliver()
    young = add_scene_run(project, "young-hare", PAIRS)
    finish_training(engine, young)
    assert presenter.state.selected is not None and presenter.state.selected.run.id == run.id
    assert "young-hare" in presenter.state.elsewhere
    engine.deliver()
    assert len(scored_pairs(project, young.id, "policy")) == 9


def test_a_new_checkpoint_is_offered_at_once(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project, run: Run
) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    engine.deliver()
    folder = Path(run.folder) / "checkpoints" / "step-000040"
    folder.mkdir()
    engine.submit(Train(id="train-1", run=run.folder), lambda _event: None)
    engine.emit(CheckpointSaved(request="train-1", step=40, path=str(folder)))
    assert presenter.state.selected is not None
    assert "step-000040" in presenter.state.selected.checkpoints


def test_a_result_that_was_trained_on_is_scored_again(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project, run: Run
) -> None:
    def scores_of(seed: int) -> Sequence[PairScore]:
        return make_scores(PAIRS, seed=seed)

    engine.auto_score(scores_of(1))
    open_page(presenter)
    engine.deliver()
    old = list(presenter.table.figures.margin)
    (Path(run.folder) / "policy" / "adapter_model.safetensors").write_bytes(b"other weights")
    set_status(project, run.id, "stopped", step=45)
    engine.auto_score(scores_of(2))
    presenter.refresh()
    assert len(presenter.table) == 0, "figures of other weights must not be shown as these"
    engine.deliver(2)
    assert table_ids(presenter) == [PAIRS[0].id, PAIRS[1].id]
    engine.deliver()
    assert presenter.state.complete
    new = list(presenter.table.figures.margin)
    assert new == [score.margin(0.3) for score in scores_of(2)]
    assert new != old


def test_after_close_nothing_is_heard_and_the_scoring_ends(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    heard: list[Pair] = []
    open_page(presenter)
    presenter.listen(lambda: heard.append(PAIRS[0]))
    presenter.close()
    assert engine.controls == [Cancel(target=engine.last(Score).id)]
    finish_training(engine, run)
    assert heard == []
