"""Loggers hold what `metrics.jsonl` holds, stay on this machine, and never end a run."""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dpo_engine import run_folder
from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.events import Note, StepDone
from dpo_engine.run_folder import StepMetrics
from dpo_engine.training import loggers
from dpo_engine.training.loggers import Trackio, check_available
from tests.helpers.training_runs import new_run, of_kind, run_it

Logged = list[tuple[int, dict[str, float]]]


class FakeLogger:
    """Keeps what it is told; fails at step `breaks_at`."""

    opened: list["FakeLogger"]
    breaks_at = -1

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self.folder, self.name = folder, name
        self.logged: Logged = []
        self.closed = False
        type(self).opened.append(self)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        if step == self.breaks_at:
            raise RuntimeError("its disk is elsewhere")
        self.logged.append((step, dict(metrics)))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeLogger]:
    """Stands for TensorBoard, which then seems to be installed."""
    monkeypatch.setattr(FakeLogger, "opened", [], raising=False)
    monkeypatch.setitem(loggers._MAKERS, "tensorboard", FakeLogger)
    monkeypatch.setattr(loggers, "is_installed", lambda package: True)
    return FakeLogger


def metrics_of(run: Path) -> Logged:
    return [(row.step, row.metrics) for row in run_folder.read_metrics(run)]


def test_a_logger_is_told_what_the_run_s_own_metrics_say(
    tmp_path: Path, tiny_model_folder: Path, fake: type[FakeLogger]
) -> None:
    run = new_run(tmp_path, tiny_model_folder, report_to="tensorboard", eval_steps=2)
    run_it(run)
    (logger,) = fake.opened
    assert (logger.folder, logger.name) == (run / "tensorboard", run.name)
    assert logger.logged == metrics_of(run) and len(logger.logged) == 4 + 3
    assert logger.closed


def test_a_resumed_run_s_logger_shows_every_step_once(
    tmp_path: Path, tiny_model_folder: Path, fake: type[FakeLogger]
) -> None:
    run = new_run(tmp_path, tiny_model_folder, report_to="tensorboard")
    with pytest.raises(Cancelled):
        run_it(run, after={2: "leave"})
    run_it(run, resume=True)
    first, second = fake.opened
    assert first.closed and first.logged == second.logged[: len(first.logged)]
    assert second.logged == metrics_of(run)


def test_a_logger_that_fails_is_one_warning(
    tmp_path: Path, tiny_model_folder: Path, fake: type[FakeLogger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "breaks_at", 2)
    run = new_run(tmp_path, tiny_model_folder, report_to="tensorboard")
    events = run_it(run)
    (warning,) = [note for note in of_kind(events, Note) if note.level == "warning"]
    assert "tensorboard failed (its disk is elsewhere)" in warning.message
    assert len(of_kind(events, StepDone)) == 4
    assert run_folder.read_state(run).status == "finished"


def test_an_absent_package_is_a_sentence_before_anything_begins(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path, tiny_model_folder, report_to="trackio")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    monkeypatch.setattr(loggers, "is_installed", lambda package: False)
    with pytest.raises(BadInput, match=r'pip install "dpo-studio\[trackio\]"'):
        run_it(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    check_available("none")


def test_tensorboard_s_file_holds_every_metric(tmp_path: Path, tiny_model_folder: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = new_run(tmp_path, tiny_model_folder, report_to="tensorboard", eval_steps=2)
    with pytest.raises(Cancelled):
        run_it(run, after={3: "leave"})
    run_it(run, resume=True)
    read = EventAccumulator(str(run / "tensorboard"))
    read.Reload()
    expected: dict[str, list[tuple[int, float]]] = {}
    for step, metrics in metrics_of(run):
        for name, value in metrics.items():
            expected.setdefault(name, []).append((step, pytest.approx(value, rel=1e-6)))
    assert set(read.Tags()["scalars"]) == set(expected)
    for name, points in expected.items():
        assert [(one.step, one.value) for one in read.Scalars(name)] == points


FAKE_TRACKIO = """
import json, os
from pathlib import Path

OUT = Path(os.environ["TRACKIO_DIR"]) / "told.jsonl"

def tell(**what):
    with OUT.open("a") as file:
        file.write(json.dumps(what) + "\\n")

def init(**settings):
    elsewhere = [name for name in os.environ if name.startswith("TRACKIO_") and name != "TRACKIO_DIR"]
    tell(init=settings, elsewhere=elsewhere, offline=os.environ.get("HF_HUB_OFFLINE"))

def log(metrics, step):
    tell(step=step, metrics=metrics)

def finish():
    tell(finished=True)
"""


@pytest.fixture
def fake_trackio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of that name for child processes, and an environment that would send metrics away."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "trackio.py").write_text(textwrap.dedent(FAKE_TRACKIO))
    here = Path(loggers.__file__).parent.parent
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'modules'}:{here}")
    monkeypatch.setenv("TRACKIO_SPACE_ID", "somebody/public")
    monkeypatch.setenv("TRACKIO_WEBHOOK_URL", "https://example.org")
    return tmp_path


def test_trackio_gets_the_run_s_folder_and_no_other_address(fake_trackio: Path) -> None:
    rows: list[StepMetrics] = [
        StepMetrics(step=0, split="held_out", metrics={"eval_loss": 0.69}),
        StepMetrics(step=1, split="train", metrics={"loss": 0.5, "rewards/margins": 0.25}),
    ]
    run = fake_trackio / "run"
    run.mkdir()
    logger = loggers.open_logger("trackio", run, rows)
    assert isinstance(logger, Trackio)
    logger.log(2, {"loss": 0.25})
    logger.close()
    told: list[dict[str, Any]] = [
        json.loads(line) for line in (run / "trackio" / "told.jsonl").read_text().splitlines()
    ]
    first, *lines, last = told
    assert first["elsewhere"] == [] and first["offline"] == "1"
    assert first["init"]["name"] == "run" and "space_id" not in first["init"]
    assert lines == [
        {"step": 0, "metrics": {"eval_loss": 0.69}},
        {"step": 1, "metrics": {"loss": 0.5, "rewards/margins": 0.25}},
        {"step": 2, "metrics": {"loss": 0.25}},
    ]
    assert last == {"finished": True}


def test_trackio_s_process_that_ends_early_is_a_warning(
    fake_trackio: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fake_trackio / "modules" / "trackio.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(loggers, "is_installed", lambda package: True)
    run = new_run(fake_trackio, tiny_model_folder, report_to="trackio")
    opened: list[Trackio] = []
    make = loggers._MAKERS["trackio"]

    def ended(folder: Path, name: str) -> Trackio:
        logger = make(folder, name)
        assert isinstance(logger, Trackio)
        logger._process.wait(60)
        opened.append(logger)
        return logger

    monkeypatch.setitem(loggers._MAKERS, "trackio", ended)
    events = run_it(run)
    assert opened and len(of_kind(events, StepDone)) == 4
    assert ["trackio failed" in note.message for note in of_kind(events, Note)] == [True]
