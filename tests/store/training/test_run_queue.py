"""The queue of runs: its order, and that it is still there in a file that was closed and opened again."""

import pytest

from app.store.errors import NoSuchRow
from app.store.project import Project, open_project
from app.store.training import run_queue, runs
from tests.store.training.test_runs import add


def waiting(project: Project) -> list[str]:
    found = [run for run in runs.runs(project) if run.queue_place is not None]
    return [run.name for run in sorted(found, key=lambda run: run.queue_place or 0)]


@pytest.fixture
def queued(project: Project) -> dict[str, int]:
    """Three runs that wait, by name, and one that does not."""
    names = ("one", "two", "three")
    made = {name: add(project, name).id for name in (*names, "other")}
    for name in names:
        run_queue.put_last(project, made[name])
    return made


def test_runs_wait_in_the_order_they_came(project: Project, queued: dict[str, int]) -> None:
    assert waiting(project) == ["one", "two", "three"]
    run_queue.put_last(project, queued["one"])
    assert waiting(project) == ["two", "three", "one"]
    run_queue.put_first(project, queued["other"])
    assert waiting(project) == ["other", "two", "three", "one"]


@pytest.mark.parametrize(
    ("name", "places", "order"),
    [
        ("three", -1, ["one", "three", "two"]),
        ("three", -9, ["three", "one", "two"]),
        ("one", 1, ["two", "one", "three"]),
        ("one", 9, ["two", "three", "one"]),
        ("two", 0, ["one", "two", "three"]),
        ("other", 1, ["one", "two", "three"]),
    ],
)
def test_moving(project: Project, queued: dict[str, int], name: str, places: int, order: list[str]) -> None:
    run_queue.move(project, queued[name], places)
    assert waiting(project) == order


def test_taken_out_and_put_back(project: Project, queued: dict[str, int]) -> None:
    run_queue.take_out(project, queued["two"])
    assert waiting(project) == ["one", "three"]
    run_queue.put_last(project, queued["two"])
    assert waiting(project) == ["one", "three", "two"]


def test_a_run_that_is_not_there_changes_nothing(project: Project, queued: dict[str, int]) -> None:
    for put in (run_queue.put_first, run_queue.put_last):
        with pytest.raises(NoSuchRow):
            put(project, 99)
    assert waiting(project) == ["one", "two", "three"]


def test_a_run_can_be_made_waiting(project: Project, queued: dict[str, int]) -> None:
    made = runs.add_run(
        project,
        project.runs_dir / "last",
        policy="starter",
        method="lora",
        beta=0.1,
        config={},
        queued=True,
    )
    assert made.queue_place is not None
    assert waiting(project) == ["one", "two", "three", "last"]


def test_the_queue_survives_closing(project: Project, queued: dict[str, int]) -> None:
    run_queue.move(project, queued["three"], -1)
    project.close()
    again = open_project(project.path)
    assert waiting(again) == ["one", "three", "two"]
    again.close()
