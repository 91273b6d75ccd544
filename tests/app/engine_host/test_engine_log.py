"""The worker's stderr on disk and in a report."""

from pathlib import Path

from app.engine_host.engine_log import LAST_LINES, MAX_LINE, EngineLog


def test_the_file_is_bounded_and_the_old_ones_are_kept(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "sub" / "engine.log", max_bytes=2_000)
    for number in range(500):
        log.add(f"line {number}")
    log.close()
    files = sorted(path.name for path in (tmp_path / "sub").iterdir())
    assert files == ["engine.log", "engine.log.1", "engine.log.2"]
    assert all(path.stat().st_size <= 2_000 for path in (tmp_path / "sub").iterdir())
    assert "line 499" in log.path.read_text()


def test_the_last_lines_are_those_of_this_life(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "engine.log")
    log.add("of an earlier life")
    log.begin_life("python -m dpo_engine serve")
    for number in range(LAST_LINES):
        log.add(f"line {number}\n")
    lines = log.last_lines().splitlines()
    assert lines == [f"line {number}" for number in range(LAST_LINES)]
    log.close()
    assert "of an earlier life" in log.path.read_text()
    assert "Starting: python -m dpo_engine serve" in log.path.read_text()


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "engine.log")
    log.add("x" * 1_000_000)
    log.close()
    assert log.last_lines() == "x" * MAX_LINE


def test_a_place_that_cannot_be_written_costs_the_file_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = EngineLog(tmp_path / "file" / "engine.log")
    log.add("still in the report")
    log.close()
    assert log.last_lines() == "still in the report"
