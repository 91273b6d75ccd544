"""A process that does everything the app does to a project, killed twenty times. A thousand: `kill_store`."""

from pathlib import Path

from tests.benchmarks import kill_store

KILLS = 20


def test_nothing_acknowledged_is_lost_and_nothing_is_damaged(tmp_path: Path) -> None:
    outcome = kill_store.Outcome()
    kill_store.run(tmp_path, KILLS, seed=8, outcome=outcome, most=8)
    assert (outcome.lost, outcome.halves, outcome.damaged) == ([], [], [])
    assert outcome.kills == KILLS
    # It was killed in the middle of things, not before anything began.
    assert outcome.acknowledged["verdict"] >= KILLS and outcome.before_anything < KILLS // 2
    assert outcome.acknowledged["rows"] and outcome.acknowledged["migrate"]
