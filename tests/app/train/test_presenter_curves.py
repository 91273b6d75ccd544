"""What a training run measures: drawn at once, stored soon, read again, cut where it is resumed."""

from pathlib import Path

from app.store.errors import StoreFull
from app.store.records import MetricRow
from app.store.training import runs
from dpo_engine import run_folder
from dpo_engine.events import (
    Evaluated,
)
from dpo_engine.requests import Train
from tests.app.train.conftest import Room
from tests.app.train.playing import Curves, begin, step, the_run
from tests.helpers.fake_engine import training_metrics


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
