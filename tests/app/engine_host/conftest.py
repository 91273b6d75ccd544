"""A real engine thread over a scripted worker, and a witness of everything it tells."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.engine_host.engine_log import EngineLog
from app.engine_host.engine_thread import EngineThread
from app.engine_host.restarts import Restarts
from app.engine_host.state import EngineState
from app.engine_host.worker_process import WorkerProcess, worker_environment
from dpo_engine.events import Event, RequestFailed
from dpo_engine.preferences import Message
from dpo_engine.requests import Generate, Request, Train

SCRIPTED_WORKER = Path(__file__).parents[2] / "helpers" / "scripted_worker.py"


def worker_command(*options: str) -> list[str]:
    return [sys.executable, str(SCRIPTED_WORKER), *options]


def generate(request: str, script: str) -> Generate:
    return Generate(id=request, policy="m", prompt=(Message("user", script),))


def train(request: str, script: str) -> Train:
    return Train(id=request, run=script)


class Witness:
    """An engine under test, with everything heard from it in order."""

    def __init__(self, engine: EngineThread, log: EngineLog, qtbot: QtBot) -> None:
        self.engine = engine
        self.log = log
        self.qtbot = qtbot
        self.heard: list[Event] = []
        self.states: list[EngineState] = []
        self.answers: dict[str, list[Event]] = {}
        engine.subscribe(self.heard.append)
        engine.state_changed.connect(self.states.append)

    @property
    def phases(self) -> list[str]:
        return [state.phase for state in self.states]

    @property
    def phase(self) -> str:
        return self.engine.state.phase

    @property
    def worker(self) -> int:
        """The scripted worker's process id, once the window's side has heard of it."""
        self.wait_until(lambda: self.engine.state.device_name != "")
        return int(self.engine.state.device_name.removeprefix("pid "))

    def submit(self, request: Request) -> list[Event]:
        """The events that the request's own listener hears."""
        answers = self.answers.setdefault(request.id, [])
        self.engine.submit(request, answers.append)
        return answers

    def wait_for(self, kind: type[Event] | type[object], request: str | None = None) -> None:
        """Until an event of this kind (of this request) was heard."""
        self.wait_until(lambda: any(self._is(event, kind, request) for event in self.heard))

    def wait_until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=20_000)

    def failure(self, request: str) -> RequestFailed:
        """The failure of a request, waited for."""
        self.wait_for(RequestFailed, request)
        found = [event for event in self.answers[request] if isinstance(event, RequestFailed)]
        assert len(found) == 1, found
        return found[0]

    @staticmethod
    def _is(event: Event, kind: type[object], request: str | None) -> bool:
        return isinstance(event, kind) and request in (None, getattr(event, "request", None))


@pytest.fixture
def open_engine(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[..., Witness]]:
    """Starts an engine over a scripted worker with these options; closes it after the test."""
    opened: list[Witness] = []

    def start(
        *options: str, restarts: Restarts | None = None, command: Sequence[str] | None = None
    ) -> Witness:
        log = EngineLog(tmp_path / "log" / "engine.log")
        environment = worker_environment()
        engine = EngineThread(
            lambda: WorkerProcess(log, command or worker_command(*options), environment, patience=0.3),
            restarts=restarts or Restarts(delays=(0.0, 0.05)),
        )
        witness = Witness(engine, log, qtbot)
        opened.append(witness)
        engine.start()
        return witness

    yield start
    for witness in opened:
        assert witness.engine.close(seconds=0.2)
        witness.engine.deleteLater()
