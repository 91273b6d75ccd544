"""Any model on any pairs: from the wish to a run of the kind that is only scored."""

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.inspector.ledger.any_model import Wish, objection, reference_for
from app.inspector.ledger.any_model_dialog import AnyModelDialog
from app.inspector.presenter import InspectorPresenter
from app.shell.theme import Theme
from app.store.handle import Project
from app.store.records import Run
from app.store.training.run_pairs import pairs_of
from app.store.training.scores import scored_checkpoints
from dpo_engine.requests import Score
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

PAIRS = make_pairs(9, held_out=3)


@pytest.fixture
def run(project: Project) -> Run:
    return add_scene_run(project, "brave-otter", PAIRS, checkpoints=(20,))


def wish(model: str, **changes: object) -> Wish:
    values: dict[str, object] = {"reference": "starter", "pairs_from": "project"}
    return Wish(model=model, **(values | changes))  # type: ignore[arg-type]


def test_another_model_on_a_run_s_pairs_is_scored_like_a_run(
    presenter: InspectorPresenter, engine: FakeEngine, project: Project, run: Run, tmp_path: Path
) -> None:
    engine.auto_score(make_scores(PAIRS))
    presenter.set_visible(True)
    model = str(tmp_path / "other-model")
    presenter.errands.score_model(wish(model, pairs_from="run", run_id=run.id, beta=0.5, max_length=300))
    engine.deliver()
    made = presenter.state.selected
    assert made is not None and made.run.kind == "scored" and not made.trained
    request = engine.last(Score)
    assert (request.policy, request.reference, request.beta, request.max_length) == (
        model,
        "starter",
        0.5,
        300,
    )
    assert request.pairs == made.run.folder
    assert pairs_of(project, made.run.id) == pairs_of(project, run.id)
    assert scored_checkpoints(project, made.run.id) == {"policy": 9}
    assert presenter.table.figures.beta == 0.5 and presenter.state.complete
    assert made.run.name == f"other-model on the pairs of run {run.id}"


def test_pairs_of_a_file_with_bad_rows_and_held_out_ones_only(
    presenter: InspectorPresenter, project: Project, tmp_path: Path
) -> None:
    rows = [
        {"prompt": "a", "chosen": "b", "rejected": "c", "split": "held_out"},
        {"prompt": "a"},
        {"prompt": "d", "chosen": "e", "rejected": "f", "split": "held_out"},
    ]
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    presenter.errands.score_model(wish("starter", pairs_from="file", file=str(file)))
    (made,) = presenter.state.runs
    assert [pair.prompt[0].content for pair in pairs_of(project, made.run.id)] == ["a", "d"]
    assert presenter.state.notice == "1 row of the file could not be used and was left out."


def test_without_pairs_there_is_a_sentence_and_no_folder(
    presenter: InspectorPresenter, project: Project
) -> None:
    presenter.errands.score_model(wish("starter"))
    assert presenter.state.notice_failed
    assert "no pair to score" in presenter.state.notice
    assert not project.runs_dir.exists() or not list(project.runs_dir.iterdir())


def test_when_it_cannot_be_noted_nothing_is_left(
    presenter: InspectorPresenter, store: DirectStore, project: Project, run: Run
) -> None:
    from app.store.errors import StoreFull

    def full(*_args: object, **_named: object) -> int:
        raise StoreFull("The disk is full.")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.inspector.ledger.any_model.add_scored_run", full)
        presenter.errands.score_model(wish("starter", pairs_from="run", run_id=run.id))
    assert presenter.state.notice == "The disk is full."
    assert [folder.name for folder in project.runs_dir.iterdir()] == ["brave-otter"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"model": " "}, "Choose a model"),
        ({"reference": ""}, "Choose a reference"),
        ({"pairs_from": "file"}, "There is no file yet"),
        ({"beta": 0.0}, "β must be above 0"),
    ],
)
def test_what_cannot_be_scored_is_said_before(changes: dict[str, object], word: str) -> None:
    values: dict[str, object] = {"model": "starter", "reference": "starter", "pairs_from": "project"}
    assert objection(Wish(**(values | changes))).startswith(word)  # type: ignore[arg-type]
    assert objection(Wish(**values)) == ""  # type: ignore[arg-type]


def test_the_dialog_proposes_the_models_of_the_project(
    qtbot: QtBot, qapp: QApplication, presenter: InspectorPresenter, run: Run
) -> None:
    presenter.refresh()
    dialog = AnyModelDialog(presenter.state.runs, Theme(qapp, "light"))
    qtbot.addWidget(dialog)
    words = [dialog.model.itemText(row) for row in range(dialog.model.count())]
    assert words[1:] == ["brave-otter, result", "brave-otter, step 000020"]
    dialog.model.setCurrentIndex(2)
    assert reference_for(dialog.wish().model, presenter.state.runs) == "starter" == dialog.wish().reference
    dialog.model.setEditText("owner/name")
    dialog.choose_file("/nowhere/pairs.jsonl")
    dialog.score.click()
    assert "There is no file /nowhere/pairs.jsonl" in dialog.problem.text()
    dialog.pairs.setCurrentIndex(0)
    with qtbot.waitSignal(dialog.wished) as heard:
        dialog.score.click()
    assert heard.args == [wish("owner/name")]
