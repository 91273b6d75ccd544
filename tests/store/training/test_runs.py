"""Runs, their metrics and snapshots, and catching up with a run that went on without the app."""

import math
import shutil
from pathlib import Path

import pytest

from app.store.errors import BadValue, NoSuchRow
from app.store.project import Project, open_project
from app.store.records import MetricRow, Run
from app.store.training import run_pairs, runs
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.preferences import Message, Pair, Split


def pair(number: int, split: Split = "train") -> Pair:
    return Pair(
        id=f"comparison-{number}",
        prompt=(Message("system", "Be kind."), Message("user", f"Question {number}")),
        chosen=f"good {number}",
        rejected=f"bad {number}",
        split=split,
    )


PAIRS = (pair(1), pair(2), pair(3, "held_out"))


def add(project: Project, name: str = "2026-11-23-brave-otter", pairs: tuple[Pair, ...] = PAIRS) -> Run:
    return runs.add_run(
        project,
        project.runs_dir / name,
        policy="starter",
        method="lora",
        beta=0.1,
        config={"beta": 0.1, "method": "lora", "nested": {"seed": [1, 2]}},
        pairs=pairs,
        total_steps=12,
    )


@pytest.fixture
def folder(project: Project) -> Path:
    """A run folder as the engine's own code makes it."""
    return run_folder.create(
        project.runs_dir, policy="starter", config=TrainConfig(), pairs=PAIRS, name="2026-11-23-calm-heron"
    )


def row(run: Run, step: int, split: Split = "train", **metrics: float) -> MetricRow:
    return MetricRow(run_id=run.id, step=step, split=split, metrics=metrics)


def test_a_run_comes_back_as_added(project: Project) -> None:
    run = add(project)
    assert runs.get_run(project, run.id) == run
    assert (run.name, run.policy, run.method, run.beta) == ("2026-11-23-brave-otter", "starter", "lora", 0.1)
    assert run.config == {"beta": 0.1, "method": "lora", "nested": {"seed": [1, 2]}}
    assert (run.status, run.step, run.total_steps) == ("created", 0, 12)
    assert (run.train_pairs, run.held_out_pairs) == (2, 1)
    assert Path(run.folder) == project.runs_dir / run.name
    assert run_pairs.pairs_of(project, run.id) == list(PAIRS)


def test_newest_first(project: Project) -> None:
    first, second = add(project, "one"), add(project, "two")
    assert [run.id for run in runs.runs(project)] == [second.id, first.id]


def test_a_folder_is_one_run(project: Project) -> None:
    add(project)
    with pytest.raises(BadValue, match="in this project already"):
        add(project)
    assert len(runs.runs(project)) == 1


def test_project_and_runs_move_together(project: Project, tmp_path: Path) -> None:
    add(project)
    elsewhere = runs.add_run(
        project, Path("/somewhere/else"), policy="m", method="full", beta=0.5, config={}, name="else"
    )
    project.close()
    moved = tmp_path / "moved" / "demo.dpo"
    moved.parent.mkdir()
    shutil.move(project.path, moved)
    again = open_project(moved)
    there, beside = runs.runs(again)
    assert Path(beside.folder) == again.runs_dir / "2026-11-23-brave-otter"
    assert Path(there.folder) == Path(elsewhere.folder)
    again.close()


def test_status_and_what_it_carries(project: Project) -> None:
    run = add(project)
    running = runs.set_status(project, run.id, "running", step=3, total_steps=20, train_pairs=1)
    assert (running.status, running.step, running.total_steps) == ("running", 3, 20)
    assert (running.train_pairs, running.held_out_pairs, running.finished_at) == (1, 1, None)
    failed = runs.set_status(project, run.id, "failed", message="The device ran out of memory.")
    assert (failed.step, failed.message) == (3, "The device ran out of memory.")
    assert failed.finished_at is not None
    resumed = runs.set_status(project, run.id, "running")
    assert (resumed.message, resumed.finished_at) == ("", None)


def test_states_and_runs_that_there_are_not(project: Project) -> None:
    run = add(project)
    with pytest.raises(BadValue):
        runs.set_status(project, run.id, "exploded")  # type: ignore[arg-type]
    with pytest.raises(NoSuchRow, match="no run 99"):
        runs.set_status(project, 99, "running")
    with pytest.raises(NoSuchRow):
        runs.record_metrics(project, 99, [])
    assert runs.get_run(project, run.id) == run


def test_metrics_are_kept_once_by_step_and_split(project: Project) -> None:
    run, other = add(project, "one"), add(project, "two")
    first = [row(run, 1, loss=0.69), row(run, 2, loss=0.6), row(run, 2, "held_out", eval_loss=0.65)]
    runs.record_metrics(project, run.id, first)
    runs.record_metrics(project, run.id, first)
    runs.record_metrics(project, run.id, [row(run, 2, loss=0.5)])
    runs.record_metrics(project, other.id, [row(other, 1, loss=9.0)])
    assert runs.metrics(project, run.id) == [
        row(run, 1, loss=0.69),
        row(run, 2, "held_out", eval_loss=0.65),
        row(run, 2, loss=0.5),
    ]
    assert runs.get_run(project, run.id).step == 2


def test_a_diverged_run_keeps_its_numbers(project: Project) -> None:
    run = add(project)
    runs.record_metrics(project, run.id, [row(run, 1, loss=math.nan, grad_norm=math.inf)])
    metrics = runs.metrics(project, run.id)[0].metrics
    assert math.isnan(metrics["loss"])
    assert metrics["grad_norm"] == math.inf


def test_metrics_of_another_run_are_refused_whole(project: Project) -> None:
    run, other = add(project, "one"), add(project, "two")
    with pytest.raises(BadValue):
        runs.record_metrics(project, run.id, [row(run, 1, loss=1.0), row(other, 1, loss=1.0)])
    assert runs.metrics(project, run.id) == []


def test_catching_up(project: Project, folder: Path) -> None:
    run = add(project, folder.name)
    runs.set_status(project, run.id, "running", step=1)
    runs.record_metrics(project, run.id, [row(run, 1, loss=0.7), row(run, 9, loss=0.1)])
    for step, loss in ((1, 0.69), (2, 0.6), (3, 0.5)):
        line = run_folder.StepMetrics(step=step, split="train", metrics={"loss": loss})
        run_folder.append_metrics(folder, line)
    run_folder.write_state(folder, run_folder.RunState(status="finished", step=3, total_steps=3))
    caught = runs.catch_up(project, run.id)
    assert (caught.status, caught.step, caught.total_steps) == ("finished", 3, 3)
    expected = [row(run, 1, loss=0.69), row(run, 2, loss=0.6), row(run, 3, loss=0.5)]
    assert runs.metrics(project, run.id) == expected
    assert runs.catch_up(project, run.id).status == "finished"
    assert runs.metrics(project, run.id) == expected


@pytest.mark.parametrize("status", ["created", "running", "paused"])
def test_what_nobody_works_on_any_more_was_interrupted(
    project: Project, folder: Path, status: run_folder.RunStatus
) -> None:
    run = add(project, folder.name)
    run_folder.write_state(folder, run_folder.RunState(status=status, step=2, total_steps=8))
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step":1,"split":"train","metrics":{"loss":0.7}}\n{"step":2,"spl')
    assert runs.catch_up(project, run.id, alive=True).status == status
    caught = runs.catch_up(project, run.id)
    assert (caught.status, caught.step) == ("interrupted", 2)
    assert caught.message.endswith(".")
    assert [metric.step for metric in runs.metrics(project, run.id)] == [1]


def test_catching_up_with_a_folder_that_is_gone(project: Project) -> None:
    unfinished, finished = add(project, "one"), add(project, "two")
    runs.set_status(project, finished.id, "finished", step=12)
    runs.record_metrics(project, finished.id, [row(finished, 12, loss=0.3)])
    assert runs.catch_up(project, unfinished.id).status == "interrupted"
    assert "cannot be read" in runs.get_run(project, unfinished.id).message
    assert runs.catch_up(project, finished.id).status == "finished"
    assert runs.metrics(project, finished.id) == [row(finished, 12, loss=0.3)]


def test_settings_come_back(project: Project) -> None:
    assert runs.get_setting(project, "policy") is None
    assert runs.get_setting(project, "policy", "starter") == "starter"
    for value in ("mine", {"temperature": 0.5, "list": [1, None, True, "é\ud800"[:1]]}, None, 3):
        runs.set_setting(project, "policy", value)
        assert runs.get_setting(project, "policy", "starter") == value
    with pytest.raises(BadValue):
        runs.set_setting(project, "policy", object())
    with pytest.raises(BadValue):
        runs.set_setting(project, "", 1)
    assert runs.get_setting(project, "policy") == 3


def test_a_setting_that_cannot_be_read_is_none(project: Project) -> None:
    runs.set_setting(project, "policy", "mine")
    project.db.execute("UPDATE settings SET value = '{'")
    assert runs.get_setting(project, "policy", "starter") == "starter"
