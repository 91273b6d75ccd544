"""The watch gathers what comes live and what is read, and judges the run that is shown."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from app.store.records import Run
from app.train.health.finding import KeepStep, StartAgain
from app.train.health.watch import HealthWatch
from app.train.state import RunLine
from dpo_engine import run_folder
from dpo_engine.events import CheckpointSaved
from tests.app.train.conftest import DirectBackground
from tests.app.train.health.conftest import Gym, Trained, same_pairs
from tests.helpers.training_runs import new_run

RUN = 7


@pytest.fixture(scope="module")
def far(gym: Gym) -> Trained:
    """Went too far from its reference."""
    return gym(
        same_pairs("a", "b c d e "), learning_rate=3e-3, num_train_epochs=8.0, eval_steps=4, eval_samples=2
    )


@pytest.fixture
def line(tmp_path: Path, tiny_model_folder: Path, far: Trained) -> RunLine:
    """The run in the project, with a folder that has no checkpoint yet."""
    folder = new_run(tmp_path, tiny_model_folder)
    run = Run(
        id=RUN,
        name=folder.name,
        folder=str(folder),
        policy="tiny",
        method="lora",
        beta=0.1,
        config=asdict(far.facts.config),
        status="running",
        step=0,
        total_steps=far.facts.total_steps,
        train_pairs=10,
        held_out_pairs=0,
        message="",
        created_at="2026-11-23T10:00:00+00:00",
        finished_at=None,
    )
    return RunLine(run=run, margin=None, phase="training", in_use=False)


def live(watch: HealthWatch, trained: Trained) -> None:
    """Every point as it came in."""
    by_step: dict[int, dict[str, float]] = {}
    for name, (steps, values) in trained.columns.items():
        for step, value in zip(steps, values, strict=True):
            by_step.setdefault(int(step), {})[name] = float(value)
    for step, metrics in sorted(by_step.items()):
        watch.points_added(RUN, step, metrics, trained.facts.total_steps)


def kinds(watch: HealthWatch, line: RunLine) -> list[str]:
    return [finding.kind for finding in watch.look(line)]


def test_live_and_loaded_points_are_judged_alike(line: RunLine, far: Trained) -> None:
    one, other = HealthWatch(DirectBackground()), HealthWatch(DirectBackground())
    live(one, far)
    other.curves_loaded(RUN, far.columns, far.facts.total_steps)
    assert kinds(one, line) == kinds(other, line) != []
    assert "distance" in kinds(one, line)


def test_nothing_is_said_of_another_run_or_of_none(line: RunLine, far: Trained) -> None:
    watch = HealthWatch(DirectBackground())
    live(watch, far)
    assert watch.look(None) == ()
    assert watch.look(replace(line, run=replace(line.run, id=8))) == ()


def test_the_same_is_not_judged_twice(line: RunLine, far: Trained) -> None:
    watch = HealthWatch(DirectBackground())
    live(watch, far)
    assert watch.look(line) is watch.look(line)


def test_a_checkpoint_that_is_saved_can_be_gone_back_to(line: RunLine, far: Trained) -> None:
    watch = HealthWatch(DirectBackground())
    columns = dict(far.columns)
    steps = columns["samples/kl"][0]
    columns["samples/kl"] = (steps, np.where(steps <= 4, 0.01, 0.5))
    watch.curves_loaded(RUN, columns, far.facts.total_steps)
    assert isinstance(watch.look(line)[0].action, StartAgain)
    run_folder.checkpoint_folder(Path(line.run.folder), 4).mkdir(parents=True)
    watch.hear(line.run, CheckpointSaved(request="t", step=4, path=""))
    assert watch.look(line)[0].action == KeepStep(step=4, stops=True)
    ended = replace(line, phase=None, run=replace(line.run, status="finished"))
    assert watch.look(ended)[0].action == KeepStep(step=4, stops=False)


def test_steps_that_were_undone_are_forgotten(line: RunLine, far: Trained) -> None:
    watch = HealthWatch(DirectBackground())
    live(watch, far)
    watch.curves_cut(RUN, 0)
    assert watch.look(line) == ()


def test_settings_that_make_no_sense_are_not_judged(line: RunLine, far: Trained) -> None:
    watch = HealthWatch(DirectBackground())
    live(watch, far)
    assert watch.look(replace(line, run=replace(line.run, config={"beta": -1.0}))) == ()


def test_a_run_whose_folder_is_gone_is_judged_all_the_same(line: RunLine, far: Trained) -> None:
    watch = HealthWatch(DirectBackground())
    live(watch, far)
    gone = replace(line, phase=None, run=replace(line.run, folder="/nowhere/at/all"))
    assert "distance" in [finding.kind for finding in watch.look(gone)]
