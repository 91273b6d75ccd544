"""The real engine in a real process, hosted by the real thread: killed while it works, and what is left."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.engine_host.engine_thread import EngineThread, open_engine
from app.engine_host.worker_process import worker_command, worker_environment
from dpo_engine import run_folder, wire
from dpo_engine.config import SamplingConfig, TrainConfig
from dpo_engine.events import (
    CheckpointSaved,
    Event,
    RequestFailed,
    RequestFinished,
    StepDone,
    TextDelta,
    TrainingFinished,
    TrainingStarted,
)
from dpo_engine.preferences import Message, Pair
from dpo_engine.requests import Cancel, Generate, Request, Train

STEPS = 24
SAVE_STEPS = 4

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")


class Desk:
    """What a page is to the engine: it asks, and keeps what it hears."""

    def __init__(self, engine: EngineThread, qtbot: QtBot) -> None:
        self.engine = engine
        self._qtbot = qtbot
        self.heard: list[Event] = []
        engine.subscribe(self.heard.append)

    def ask(self, request: Request) -> None:
        self.engine.submit(request, lambda event: None)

    def expect(self, kind: type[Event], **fields: object) -> Event:
        """The first event of this kind with these values, waited for."""
        self.wait_until(lambda: bool(self._found(kind, fields)))
        return self._found(kind, fields)[0]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=90_000)

    def _found(self, kind: type[Event], fields: dict[str, object]) -> list[Event]:
        return [
            event
            for event in self.heard
            if isinstance(event, kind) and all(getattr(event, name) == fields[name] for name in fields)
        ]

    def worker(self) -> psutil.Process:
        (worker,) = (child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE)
        return worker


@pytest.fixture
def hosting() -> Literal["worker", "thread"]:
    return "worker"


@pytest.fixture
def desk(qtbot: QtBot, tmp_path: Path, hosting: Literal["worker", "thread"]) -> Iterator[Desk]:
    engine = open_engine(hosting, tmp_path / "log")
    desk = Desk(engine, qtbot)
    engine.start()
    yield desk
    assert engine.close()
    engine.deleteLater()


@pytest.fixture
def run(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A run of `STEPS` steps with a checkpoint every `SAVE_STEPS`."""
    pairs = [
        Pair(
            id=f"p{number}",
            prompt=(Message("user", f"What is {number} and {number}?"),),
            chosen=f"It is {2 * number}.",
            rejected="I do not know.",
        )
        for number in range(STEPS)
    ]
    config = TrainConfig(per_device_train_batch_size=1, num_train_epochs=1.0, save_steps=SAVE_STEPS, lora_r=2)
    return run_folder.create(tmp_path / "runs", policy=str(tiny_model_folder), config=config, pairs=pairs)


def endless(request: str, policy: Path) -> Generate:
    """A long text: the likeliest token each time, of a model that was never taught to end."""
    sampling = SamplingConfig(temperature=0.0, max_new_tokens=100_000)
    return Generate(id=request, policy=str(policy), prompt=(Message("user", "Hi"),), n=1, sampling=sampling)


def short(request: str, policy: Path) -> Generate:
    sampling = SamplingConfig(max_new_tokens=4)
    return Generate(id=request, policy=str(policy), prompt=(Message("user", "Hi"),), sampling=sampling)


def test_killed_while_generating_the_request_fails_and_the_next_is_served(
    desk: Desk, tiny_model_folder: Path
) -> None:
    desk.ask(endless("long", tiny_model_folder))
    desk.ask(short("next", tiny_model_folder))
    desk.expect(TextDelta, request="long")
    killed = desk.worker()
    killed.kill()
    failure = desk.expect(RequestFailed, request="long")
    assert isinstance(failure, RequestFailed)
    assert failure.code == "engine_died"
    assert "SIGKILL" in failure.detail
    desk.expect(RequestFinished, request="next")
    assert desk.worker().pid != killed.pid


def test_killed_while_training_the_run_resumes_from_its_checkpoint(desk: Desk, run: Path) -> None:
    desk.ask(Train(id="t1", run=str(run)))
    desk.expect(CheckpointSaved, step=SAVE_STEPS)
    desk.worker().send_signal(signal.SIGKILL)
    failure = desk.expect(RequestFailed, request="t1")
    assert isinstance(failure, RequestFailed)
    assert failure.code == "engine_died"
    assert not run_folder.policy_folder(run).exists()

    desk.ask(Train(id="t2", run=str(run), resume=True))
    started = desk.expect(TrainingStarted, request="t2")
    assert isinstance(started, TrainingStarted)
    assert started.first_step >= SAVE_STEPS
    assert started.first_step % SAVE_STEPS == 0
    finished = desk.expect(TrainingFinished, request="t2")
    assert isinstance(finished, TrainingFinished)
    assert (finished.step, finished.stopped) == (STEPS, False)
    desk.expect(RequestFinished, request="t2")
    assert Path(finished.policy).is_dir()
    steps = [row.step for row in run_folder.read_metrics(run) if row.split == "train"]
    assert steps == list(range(1, STEPS + 1))
    assert run_folder.read_state(run).status == "finished"


def test_closing_while_training_saves_a_checkpoint_and_leaves_no_process(desk: Desk, run: Path) -> None:
    desk.ask(Train(id="t1", run=str(run)))
    desk.expect(StepDone, step=1)
    worker = desk.worker()
    assert desk.engine.close()
    assert not worker.is_running()
    reached = [event.step for event in desk.heard if isinstance(event, StepDone)][-1]
    assert run_folder.checkpoints(run)[-1][0] == reached
    failure = desk.expect(RequestFailed, request="t1")
    assert isinstance(failure, RequestFailed)
    assert failure.code == "cancelled"


@pytest.mark.parametrize("hosting", ["thread"])
def test_the_same_session_answers_inside_the_apps_own_process(desk: Desk, tiny_model_folder: Path) -> None:
    desk.ask(endless("long", tiny_model_folder))
    desk.expect(TextDelta, request="long")
    desk.engine.control(Cancel(target="long"))
    failure = desk.expect(RequestFailed, request="long")
    assert isinstance(failure, RequestFailed)
    assert failure.code == "cancelled"
    desk.ask(short("next", tiny_model_folder))
    desk.expect(RequestFinished, request="next")
    assert psutil.Process().children() == []


def test_the_engine_ends_when_nobody_is_left_to_talk_to(tiny_model_folder: Path) -> None:
    """What a killed app leaves behind: a closed stdin, in the middle of a long text."""
    command, environment = worker_command(), worker_environment()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(wire.encode(endless("long", tiny_model_folder)))
        worker.stdin.flush()
        for line in worker.stdout:
            if isinstance(wire.decode_event(line), TextDelta):
                break
        worker.stdin.close()
        worker.stdout.close()
        worker.wait(60)
    assert worker.returncode is not None
