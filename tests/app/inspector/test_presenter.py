"""The Inspector's logic with a real project on disk and a played engine."""

import dataclasses
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.inspector.presenter import InspectorPresenter
from app.store.errors import StoreError, StoreFull
from app.store.handle import Project
from app.store.records import Run
from app.store.runs import set_status
from app.store.scores import record_scores, scored_pairs
from dpo_engine.events import (
    CheckpointSaved,
    Note,
    PairsScored,
    Progress,
    RequestFinished,
    RequestStarted,
    TrainingFinished,
)
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Pair
from dpo_engine.requests import Cancel, Score, Train
from tests.app.inspector.scenes import DirectStore, add_scene_run, make_pairs, make_scores
from tests.helpers.fake_engine import FakeEngine

PAIRS = make_pairs(9, held_out=3)
SCORES = make_scores(PAIRS)


def open_page(presenter: InspectorPresenter) -> None:
    presenter.set_visible(True)


def table_ids(presenter: InspectorPresenter) -> list[str]:
    return [pair.pair for pair in presenter.table.pairs]


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


# --- scoring --------------------------------------------------------------------------------------


def test_opening_an_unscored_run_scores_it_with_the_runs_own_settings(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    open_page(presenter)
    request = engine.last(Score)
    assert dataclasses.replace(request, id="") == Score(
        id="",
        policy=run.folder,
        reference="starter",
        pairs=run.folder,
        beta=0.3,
        max_length=512,
        dtype="float32",
    )
    assert presenter.state.phase == "scoring"
    assert presenter.state.total == 9


def test_a_checkpoint_is_scored_from_its_folder(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    open_page(presenter)
    presenter.choose_checkpoint("step-000020")
    assert engine.last(Score).policy == str(Path(run.folder) / "checkpoints" / "step-000020")
    assert engine.last(Score).pairs == run.folder


def test_a_hidden_page_asks_for_nothing(presenter: InspectorPresenter, engine: FakeEngine, run: Run) -> None:
    presenter.refresh()
    assert presenter.state.phase == "ready"
    assert engine.requests == []


def test_progress_is_told_and_rows_appear_while_scoring(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    seen: list[tuple[str, int, int]] = []
    presenter.listen(
        lambda: seen.append((presenter.state.stage, presenter.state.scored, len(presenter.table)))
    )
    open_page(presenter)
    request = engine.open[0]
    engine.emit(RequestStarted(request=request))
    assert presenter.state.stage == "Loading the models"
    engine.emit(PairsScored(request=request, scores=tuple(SCORES[:2])))
    engine.emit(PairsScored(request=request, scores=tuple(SCORES[2:4])))
    assert presenter.state.phase == "scoring"
    assert (presenter.state.scored, presenter.state.total) == (4, 9)
    assert table_ids(presenter) == [pair.id for pair in PAIRS[:4]]
    assert ("Scoring", 2, 0) in seen and ("Scoring", 4, 2) in seen


def test_a_finished_scoring_is_in_the_project_and_not_done_again(
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    engine.deliver()
    state = presenter.state
    assert (state.phase, state.complete, state.scored) == ("ready", True, 9)
    assert table_ids(presenter) == [pair.id for pair in PAIRS]
    assert presenter.table.figures.beta == 0.3
    expected = [score.margin(0.3) for score in SCORES]
    assert list(presenter.table.figures.margin) == expected
    assert len(scored_pairs(store.project, run.id, "policy")) == 9

    later = FakeEngine()
    again = InspectorPresenter(engine=later, store=store)
    open_page(again)
    assert again.state.complete
    assert table_ids(again) == table_ids(presenter)
    assert later.requests == []


def test_a_cancelled_scoring_keeps_what_is_there_and_stays_cancelled(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    engine.deliver(3)
    presenter.cancel_scoring()
    assert engine.controls == [Cancel(target=engine.last(Score).id)]
    engine.deliver()
    assert (presenter.state.phase, presenter.state.complete) == ("ready", False)
    assert table_ids(presenter) == [pair.id for pair in PAIRS[:4]]
    presenter.set_visible(False)
    presenter.set_visible(True)
    assert len(engine.requests) == 1


def test_an_interrupted_scoring_is_finished_when_the_run_is_opened_again(
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    record_scores(store.project, run.id, "policy", SCORES[:5])
    engine.auto_score(SCORES)
    open_page(presenter)
    assert presenter.state.phase == "scoring"
    engine.deliver()
    assert presenter.state.complete
    assert table_ids(presenter) == [pair.id for pair in PAIRS]


def test_score_after_a_cancel_scores_all(presenter: InspectorPresenter, engine: FakeEngine, run: Run) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    presenter.cancel_scoring()
    engine.deliver()
    assert presenter.state.phase == "ready" and len(presenter.table) == 0
    presenter.score()
    engine.deliver()
    assert presenter.state.complete and len(presenter.table) == 9


def test_asking_twice_scores_once(presenter: InspectorPresenter, engine: FakeEngine, run: Run) -> None:
    open_page(presenter)
    presenter.score()
    presenter.score()
    assert len(engine.requests) == 1


@pytest.mark.parametrize("code", ["engine_died", "not_fetched", "out_of_memory"])
def test_a_failure_is_its_sentence_and_can_be_tried_again(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run, code: str
) -> None:
    open_page(presenter)
    engine.emit(PairsScored(request=engine.open[0], scores=tuple(SCORES[:2])))
    engine.fail(engine.open[0], code=code, message="It did not work. Do this next.")
    state = presenter.state
    assert (state.phase, state.message) == ("failed", "It did not work. Do this next.")
    assert len(presenter.table) == 2
    presenter.refresh()
    assert presenter.state.phase == "failed"
    assert len(engine.requests) == 1
    engine.auto_score(SCORES)
    presenter.retry()
    engine.deliver()
    assert (presenter.state.phase, presenter.state.message) == ("ready", "")
    assert presenter.state.complete


def test_a_full_disk_ends_the_scoring_with_its_sentence(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreFull("The disk is full. Free some space and score again.")

    monkeypatch.setattr("app.inspector.scoring.scores.record_scores", full)
    open_page(presenter)
    request = engine.open[0]
    engine.emit(PairsScored(request=request, scores=tuple(SCORES[:2])))
    assert presenter.state.phase == "failed"
    assert presenter.state.message == "The disk is full. Free some space and score again."
    assert engine.controls == [Cancel(target=request)]
    engine.emit(PairsScored(request=request, scores=tuple(SCORES[2:4])))
    assert presenter.state.phase == "failed"


def test_a_project_that_cannot_be_read_says_so_and_is_read_again(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Project) -> object:
        raise StoreError("The project cannot be read just now. Try again.")

    engine.auto_score(SCORES)
    with monkeypatch.context() as broken_store:
        broken_store.setattr("app.inspector.presenter.load_runs", broken)
        open_page(presenter)
        assert presenter.state.phase == "failed"
        assert presenter.state.message == "The project cannot be read just now. Try again."
    presenter.retry()
    engine.deliver()
    assert (presenter.state.phase, presenter.state.message) == ("ready", "")
    assert presenter.state.complete


def test_a_log_prob_that_is_no_number_is_left_out_by_name(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    broken = dataclasses.replace(SCORES[4], policy_rejected_logp=-math.inf)
    engine.auto_score([*SCORES[:4], broken, *SCORES[5:]])
    open_page(presenter)
    engine.deliver()
    assert table_ids(presenter) == [pair.id for pair in PAIRS if pair.id != broken.pair]
    assert broken.pair in presenter.state.message
    assert presenter.state.complete


def test_the_engines_notes_and_totals_are_shown(
    presenter: InspectorPresenter, engine: FakeEngine, run: Run
) -> None:
    open_page(presenter)
    request = engine.open[0]
    engine.emit(Note(request=request, message="1 pair was left out.", level="warning"))
    engine.emit(Progress(request=request, stage="Scoring", done=0, total=8, unit="pairs"))
    assert presenter.state.message == "1 pair was left out."
    assert presenter.state.total == 8
    engine.finish(request)
    assert presenter.state.message == "1 pair was left out."
    assert presenter.state.complete


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
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    engine.auto_score(SCORES)
    open_page(presenter)
    engine.deliver()
    presenter.choose_checkpoint("step-000030")
    engine.auto_score(make_scores(PAIRS, seed=2))
    engine.deliver()
    store.hold()
    presenter.choose_checkpoint("policy")
    presenter.choose_checkpoint("step-000030")
    store.release()
    assert presenter.state.checkpoint == "step-000030"
    assert presenter.table.pairs[0].checkpoint == "step-000030"


def test_results_that_come_during_a_write_go_with_the_next_one(
    presenter: InspectorPresenter, engine: FakeEngine, store: DirectStore, run: Run
) -> None:
    open_page(presenter)
    request = engine.open[0]
    store.hold()
    before = store.writes
    for start in range(0, 8, 2):
        engine.emit(PairsScored(request=request, scores=tuple(SCORES[start : start + 2])))
    engine.emit(PairsScored(request=request, scores=tuple(SCORES[8:])))
    engine.finish(request)
    assert store.writes == before + 1
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
