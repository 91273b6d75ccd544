"""Names of models, and what a run can start from."""

import pytest

from app.store.records import Run, RunStatus
from app.train.starting_points import names_of, root_of, starting_points, title_of


def run(number: int, policy: str, status: RunStatus = "finished") -> Run:
    return Run(
        id=number,
        name=f"2026-11-2{number}-run-{number}",
        folder=f"/p/runs/{number}",
        policy=policy,
        method="lora",
        beta=0.1,
        config={},
        status=status,
        step=1,
        total_steps=1,
        train_pairs=1,
        held_out_pairs=0,
        message="",
        created_at="",
        finished_at=None,
    )


RUNS = [run(3, "/p/runs/2", "failed"), run(2, "/p/runs/1"), run(1, "starter", "stopped")]


@pytest.mark.parametrize(
    ("reference", "title"),
    [
        ("starter", "SmolLM2-135M-Instruct"),
        ("/p/runs/2", "run-2"),
        ("/models/mine", "mine"),
        ("org/name", "org/name"),
        ("C:\\models\\mine", "mine"),
    ],
)
def test_titles(reference: str, title: str) -> None:
    assert title_of(reference, names_of(RUNS)) == title


def test_the_root_of_a_line_of_runs() -> None:
    assert root_of("/p/runs/3", RUNS) == "starter"
    assert root_of("/elsewhere", RUNS) == "/elsewhere"
    assert root_of("/a", [run(1, "/p/runs/1")]) == "/a"
    circle = [run(1, "/p/runs/2"), run(2, "/p/runs/1")]
    assert root_of("/p/runs/1", circle) in ("/p/runs/1", "/p/runs/2"), "ends even on a circle"


def test_only_runs_with_a_policy_each_once_the_present_one_first() -> None:
    points = starting_points("/p/runs/2", RUNS, ["/models/mine", "starter"])
    assert [point.reference for point in points] == ["/p/runs/2", "starter", "/p/runs/1", "/models/mine"]
    assert points[0].detail == "writes the candidates now"
