"""Getting pairs scored: asked for rightly, stored as they come, ended and failed in all ways."""

import dataclasses
import math
from pathlib import Path

import pytest

from app.inspector.presenter import InspectorPresenter
from app.store.errors import StoreError, StoreFull
from app.store.handle import Project
from app.store.records import Run
from app.store.training.scores import record_scores, scored_pairs
from dpo_engine.events import (
    Note,
    PairsScored,
    Progress,
    RequestStarted,
)
from dpo_engine.requests import Cancel, Score
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
        reference_cache=True,
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
    assert presenter.state.runs
    assert len(presenter.table) == 0
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
    again = InspectorPresenter(
        engine=later, store=store, reader=DirectReader(store.project), slow_reader=DirectReader(store.project)
    )
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

    monkeypatch.setattr("app.inspector.ledger.scoring.scores.record_scores", full)
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
