"""From verdicts to a ranked table with the real study and a tiny model, and back into the verdicts."""

from pathlib import Path

from app.inspector.suspects.presenter import SuspectsPresenter
from app.store.collecting import verdicts
from app.store.handle import Project
from app.store.records import Comparison
from app.store.settings import set_setting
from dpo_engine.events import RequestFinished, RequestStarted
from dpo_engine.requests import Suspect
from dpo_engine.suspects import study_folder
from dpo_engine.suspects.ranking import ranked
from dpo_engine.suspects.study import study
from tests.app.inspector.suspects.scenes import answer_second_looks
from tests.helpers.fake_engine import FakeEngine


def test_what_the_engine_finds_is_what_the_table_shows(
    project: Project,
    compared: list[Comparison],
    suspects: SuspectsPresenter,
    engine: FakeEngine,
    tiny_model_folder: Path,
) -> None:
    set_setting(project, "policy", str(tiny_model_folder))
    suspects.set_visible(True)
    suspects.set_folds(2)
    suspects.start()
    request = engine.last(Suspect)
    engine.emit(RequestStarted(request=request.id))
    for event in study(request, lambda: "go"):
        if event is not None:
            engine.emit(event)
    engine.emit(RequestFinished(request=request.id))

    state = suspects.state
    folds = [study_folder.read_fold(Path(request.study), fold) for fold in (1, 2)]
    by_hand = ranked([(one.fold, one.scores) for one in folds if one is not None], 0.1)
    assert [one.found for one in state.rows] == by_hand
    assert sorted(one.row.comparison_id for one in state.rows) == [one.id for one in compared]
    assert {one.row.score.split for one in state.rows} == {"train", "held_out"}

    first = state.rows[0].row
    suspects.ask_again([first.comparison_id])
    answer_second_looks(project, ["right" if first.choice == "left" else "left"])
    suspects.refresh()
    assert suspects.state.rows[0].row.outcome == "turned"
    before = {one.row.comparison_id: one.row.choice for one in state.rows}
    pairs = {pair.id: pair for pair in verdicts.training_pairs(project)}
    turned = pairs[f"comparison-{first.comparison_id}"]
    one = next(one for one in compared if one.id == first.comparison_id)
    assert turned.rejected == (one.left if before[one.id] == "left" else one.right).text
