"""Making a study, following it, going on with it, and asking again; on a real project, the engine played."""

from pathlib import Path

import pytest

from app.inspector.suspects.presenter import SuspectsPresenter
from app.store.collecting import verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.records import Comparison, MetricRow
from app.store.settings import set_setting
from app.store.training import runs, studies
from app.store.training.studies import StudyTexts
from dpo_engine.events import FoldScored, Note, RequestFailed, RequestFinished, RequestStarted, StudyAdvanced
from dpo_engine.requests import Cancel, Suspect
from dpo_engine.suspects import study_folder
from dpo_engine.suspects.study_folder import FoldScores
from tests.app.inspector.suspects.scenes import (
    TURNED,
    answer_second_looks,
    do_folds,
    do_study,
    fold_scores,
    judged,
    presenter_of,
)
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore


def test_too_few_verdicts_are_said_to_be_too_few(project: Project, suspects: SuspectsPresenter) -> None:
    judged(project, 19)
    suspects.set_visible(True)
    assert (suspects.state.phase, suspects.state.pairs) == ("too_few", 19)
    suspects.start()
    assert suspects.state.phase == "too_few"
    assert not project.runs_dir.exists()


def test_nothing_is_read_before_the_page_is_in_view(
    suspects: SuspectsPresenter, store: DirectStore, reader: DirectReader
) -> None:
    assert (suspects.state.phase, store.submitted, reader.submitted) == ("loading", 0, 0)


def test_a_study_is_made_of_everything_that_counts(
    project: Project, compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    suspects.set_visible(True)
    assert (suspects.state.phase, suspects.state.pairs, suspects.state.expected) == ("none", 24, None)
    suspects.set_folds(4)
    suspects.start()
    request = engine.last(Suspect)
    spec = study_folder.read_spec(Path(request.study))
    assert Path(request.study).parent == project.runs_dir / "studies"
    assert (spec.policy, spec.folds, len(spec.fold_of)) == ("starter", 4, 24)
    assert {pair.split for pair in study_folder.read_pairs(Path(request.study))} == {"train", "held_out"}
    (study,) = studies.studies(project)
    assert (study.folder, study.pairs, study.folds) == (request.study, 24, 4)
    assert suspects.state.phase == "running"
    suspects.start()
    assert len(engine.requests) == 1


def test_the_model_is_the_one_below_all_training(
    project: Project, compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    run = project.runs_dir / "one"
    runs.add_run(project, run, policy="/models/base", method="lora", beta=0.1, config={})
    set_setting(project, "policy", str(run))
    suspects.set_visible(True)
    suspects.start()
    assert study_folder.read_spec(Path(engine.last(Suspect).study)).policy == "/models/base"


def test_verdicts_appear_after_each_fold_the_most_suspect_first(
    compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    suspects.set_visible(True)
    suspects.start()
    do_folds(engine, [1, 2])
    state = suspects.state
    assert state.advance is not None
    assert (state.phase, state.advance.fold, state.advance.seconds_left) == ("running", 2, 60.0)
    assert 0 < len(state.rows) < 24
    do_folds(engine, [3, 4, 5])
    engine.emit(RequestFinished(request=engine.last(Suspect).id))
    state = suspects.state
    assert (state.phase, len(state.rows), state.advance) == ("ready", 24, None)
    assert state.shown is not None and state.shown.status == "finished"
    turned = {compared[place].id for place in TURNED}
    assert {one.row.comparison_id for one in state.rows[:2]} == turned
    assert [one.disagrees for one in state.rows] == [True] * 2 + [False] * 22
    assert state.disagreeing == 2


def test_asking_again_is_one_act_and_what_came_of_it_is_shown(
    project: Project, compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    suspects.set_visible(True)
    do_study(engine, suspects)
    suspects.ask_first(10)
    assert [one.row.outcome for one in suspects.state.rows[:3]] == ["waiting", "waiting", ""]
    assert "2 verdicts" in suspects.state.notice
    assert suspects.state.next_to_ask(10) == []
    third = suspects.state.rows[2].row.comparison_id
    suspects.ask_again([third, suspects.state.rows[0].row.comparison_id])
    assert suspects.state.rows[2].row.outcome == "waiting"
    asked = list(
        project.db.query(
            "SELECT of_id, purpose, asked_of FROM comparisons WHERE of_id IS NOT NULL ORDER BY id"
        )
    )
    assert len(asked) == 3
    assert {(row["purpose"], row["asked_of"]) for row in asked} == {("second_look", "Ann")}

    before = {one.row.comparison_id: one.row.choice for one in suspects.state.rows}
    opposite = {"left": "right", "right": "left"}
    order = [row["of_id"] for row in asked]
    answer_second_looks(project, [opposite[before[order[0]]], before[order[1]], "tie"])
    suspects.refresh()
    outcomes = {one.row.comparison_id: one.row.outcome for one in suspects.state.rows}
    assert [outcomes[one] for one in order] == ["turned", "confirmed", "tie"]
    assert len(verdicts.training_pairs(project)) == 23


def test_undo_takes_back_the_asking_and_the_table_follows(
    project: Project, compared: list[Comparison], engine: FakeEngine, store: DirectStore, reader: DirectReader
) -> None:
    from app.history import History

    history = History(store=store, annotator="Ann", failed=print)
    suspects = SuspectsPresenter(
        engine=engine, store=store, reader=reader, history=history, annotator=lambda: "Ann"
    )
    suspects.set_visible(True)
    do_study(engine, suspects)
    suspects.ask_first(2)
    assert history.undo_label == "asking 2 comparisons again"
    history.undo()
    assert {one.row.outcome for one in suspects.state.rows} == {""}
    assert suspects.state.notice == ""


def test_asking_what_waits_already_changes_nothing(
    project: Project, compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    suspects.set_visible(True)
    do_study(engine, suspects)
    suspects.ask_first(2)
    waiting = [one.row.comparison_id for one in suspects.state.rows[:2]]
    suspects.ask_again(waiting)
    assert "already" in suspects.state.notice
    (number,) = project.db.execute("SELECT count(*) FROM comparisons WHERE of_id IS NOT NULL").fetchone()
    assert number == 2


def test_a_stopped_study_goes_on(
    compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    suspects.set_visible(True)
    suspects.start()
    do_folds(engine, [1])
    suspects.stop()
    first = engine.last(Suspect)
    assert engine.controls == [Cancel(target=first.id)]
    assert suspects.state.shown is not None and suspects.state.shown.status == "interrupted"
    assert suspects.state.goes_on
    rows = len(suspects.state.rows)
    suspects.go_on()
    again = engine.last(Suspect)
    assert (again.study, again.id != first.id) == (first.study, True)
    engine.emit(RequestFailed(request=first.id, code="cancelled", message="Cancelled."))
    assert suspects.state.phase == "running", "what the first request says is not heard any more"
    do_folds(engine, [1, 2, 3, 4, 5])
    engine.emit(RequestFinished(request=again.id))
    assert (suspects.state.goes_on, rows < len(suspects.state.rows) == 24) == (False, True)
    assert len(suspects.state.studies) == 1


def test_a_failure_is_a_sentence_and_the_study_goes_on(
    compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    suspects.set_visible(True)
    suspects.start()
    request = engine.last(Suspect)
    engine.emit(RequestStarted(request=request.id))
    engine.emit(Note(request=request.id, message="One pair is empty.", level="warning"))
    engine.fail(request.id, code="out_of_memory", message="There was too little memory.")
    state = suspects.state
    assert (state.phase, state.message, state.notes) == (
        "ready",
        "There was too little memory.",
        ("One pair is empty.",),
    )
    assert state.goes_on and state.shown is not None
    assert (state.shown.status, state.shown.message) == ("failed", "There was too little memory.")


def test_what_an_earlier_session_left_is_taken_over_from_its_folder(
    project: Project,
    compared: list[Comparison],
    suspects: SuspectsPresenter,
    engine: FakeEngine,
    store: DirectStore,
    reader: DirectReader,
) -> None:
    suspects.set_visible(True)
    suspects.start()
    request = engine.last(Suspect)
    engine.emit(RequestStarted(request=request.id))
    study = Path(request.study)
    study_folder.write_fold(study, FoldScores(fold=2, scores=fold_scores(study, 2)))
    later = presenter_of(FakeEngine(), store, reader)
    later.set_visible(True)
    assert later.state.phase == "ready"
    assert later.state.shown is not None and later.state.shown.status == "interrupted"
    assert len(later.state.rows) == len(fold_scores(study, 2)) > 0


def test_closing_stops_it(
    compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    suspects.set_visible(True)
    suspects.start()
    suspects.close()
    assert engine.controls == [Cancel(target=engine.last(Suspect).id)]


def test_a_study_that_cannot_be_noted_leaves_no_folder(
    project: Project,
    compared: list[Comparison],
    suspects: SuspectsPresenter,
    engine: FakeEngine,
    store: DirectStore,
) -> None:
    suspects.set_visible(True)
    store.fail_next(StoreFull("The disk is full."))
    suspects.start()
    assert (suspects.state.phase, suspects.state.message) == ("none", "The disk is full.")
    assert list((project.runs_dir / "studies").iterdir()) == []
    assert engine.requests == []


def test_scores_that_cannot_be_kept_end_the_study(
    compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine, store: DirectStore
) -> None:
    suspects.set_visible(True)
    suspects.start()
    store.fail_next(StoreFull("The disk is full."))
    request = engine.last(Suspect)
    scores = fold_scores(Path(request.study), 1)
    engine.emit(FoldScored(request=request.id, fold=1, scores=scores))
    assert engine.controls == [Cancel(target=request.id)]
    assert (suspects.state.phase, suspects.state.message) == ("ready", "The disk is full.")


def test_one_prompt_alone_is_refused_in_words(project: Project, suspects: SuspectsPresenter) -> None:
    from tests.store.makers import comparison

    for _ in range(20):
        one = comparison(project, "Again?")
        verdicts.give_verdict(project, one.id, "left", strength=1, annotator="Ann", seconds=1.0)
    suspects.set_visible(True)
    suspects.start()
    assert suspects.state.phase == "none"
    assert "the same prompt" in suspects.state.message


def test_the_time_is_expected_from_the_latest_run(
    project: Project, compared: list[Comparison], suspects: SuspectsPresenter
) -> None:
    run = runs.add_run(
        project,
        project.runs_dir / "one",
        policy="starter",
        method="lora",
        beta=0.1,
        config={"per_device_train_batch_size": 4, "gradient_accumulation_steps": 1},
    )
    runs.record_metrics(
        project,
        run.id,
        [
            MetricRow(run_id=run.id, step=step, split="train", metrics={"step_seconds": seconds})
            for step, seconds in enumerate((8.0, 2.0, 2.0), start=1)
        ],
    )
    suspects.set_visible(True)
    # Of 24 pairs 19 or 20 are trained on, 6 times each, at half a second; all are scored.
    assert suspects.state.expected == pytest.approx(0.5 * (4 * 24 * 6 + 24 * 2 / 3))
    suspects.set_folds(2)
    assert suspects.state.expected == pytest.approx(0.5 * (1 * 24 * 6 + 24 * 2 / 3))


def test_texts_are_read_one_after_another_and_only_the_last_is_told(
    compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine, reader: DirectReader
) -> None:
    suspects.set_visible(True)
    do_study(engine, suspects)
    heard: list[StudyTexts] = []
    reader.hold()
    for one in suspects.state.rows[:2]:
        suspects.read(one.row.comparison_id, heard.append, print)
    reader.release()
    place = next(p for p in TURNED if compared[p].id == suspects.state.rows[1].row.comparison_id)
    assert [(texts.prompt[-1].content, texts.rejected) for texts in heard] == [
        (f"Question {place}?", f"Short {place}.")
    ]


def test_another_study_can_be_looked_at(
    compared: list[Comparison], suspects: SuspectsPresenter, engine: FakeEngine
) -> None:
    suspects.set_visible(True)
    do_study(engine, suspects)
    suspects.start()
    newer, older = suspects.state.studies
    assert suspects.state.shown is not None
    assert (suspects.state.shown.id, suspects.state.rows) == (newer.id, ())
    suspects.show_study(older.id)
    assert len(suspects.state.rows) == 24
    engine.emit(StudyAdvanced(request=engine.last(Suspect).id, fold=1, folds=5, share=0.1, seconds_left=None))
    assert suspects.state.advance is not None and suspects.state.advance.share == 0.1
    assert suspects.state.shown.id == older.id
