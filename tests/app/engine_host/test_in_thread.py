"""The engine's session inside the app's own thread."""

import queue
import threading
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.engine_host.engine_thread import EngineThread
from app.engine_host.in_thread import InThread, SessionLike
from app.engine_host.restarts import Restarts
from app.engine_host.transport import Deliver
from dpo_engine.events import EngineReady, Event, RequestFailed, RequestFinished, RequestStarted
from dpo_engine.requests import Control, Generate, Request, Shutdown
from tests.app.engine_host.conftest import generate

Start = Callable[[Callable[[Deliver], SessionLike]], tuple[EngineThread, list[Event]]]


class PlayedSession:
    """Answers every request at once; breaks at one whose id is `break`."""

    def __init__(self, deliver: Deliver) -> None:
        self.deliver = deliver
        self.inbox: queue.SimpleQueue[Request | Control] = queue.SimpleQueue()
        self.threads: set[int] = set()

    def put(self, message: Request | Control) -> None:
        self.inbox.put(message)

    def run(self) -> None:
        self.threads.add(threading.get_ident())
        self.deliver(EngineReady(version="played", device="cpu", device_name="thread", memory_total=1))
        while not isinstance(message := self.inbox.get(), Shutdown):
            if isinstance(message, Generate):
                self.deliver(RequestStarted(request=message.id))
                if message.id == "break":
                    raise RuntimeError("a bug in the session")
                self.deliver(RequestFinished(request=message.id))


@pytest.fixture
def start(qtbot: QtBot) -> Iterator[Start]:
    engines: list[EngineThread] = []

    def started(make_session: Callable[[Deliver], SessionLike]) -> tuple[EngineThread, list[Event]]:
        engine = EngineThread(lambda: InThread(make_session), restarts=Restarts(delays=(0.0,)))
        heard: list[Event] = []
        engine.subscribe(heard.append)
        engines.append(engine)
        engine.start()
        return engine, heard

    yield started
    for engine in engines:
        assert engine.close(5)
        engine.deleteLater()


def test_requests_are_answered_from_the_engines_thread(start: Start, qtbot: QtBot) -> None:
    sessions: list[PlayedSession] = []

    def make(deliver: Deliver) -> PlayedSession:
        sessions.append(PlayedSession(deliver))
        return sessions[-1]

    engine, heard = start(make)
    engine.submit(generate("g1", ""), lambda event: None)
    qtbot.waitUntil(lambda: RequestFinished(request="g1") in heard)
    assert len(sessions) == 1
    assert sessions[0].threads
    assert threading.get_ident() not in sessions[0].threads
    assert [type(event) for event in heard] == [EngineReady, RequestStarted, RequestFinished]


def test_a_session_that_breaks_is_a_death_and_a_new_one_goes_on(start: Start, qtbot: QtBot) -> None:
    engine, heard = start(PlayedSession)
    engine.submit(generate("break", ""), lambda event: None)
    engine.submit(generate("g2", ""), lambda event: None)
    qtbot.waitUntil(lambda: RequestFinished(request="g2") in heard)
    failure = next(event for event in heard if isinstance(event, RequestFailed))
    assert failure.code == "engine_died"
    assert "a bug in the session" in failure.detail


def test_a_session_that_cannot_be_made_brings_the_engine_down(start: Start, qtbot: QtBot) -> None:
    def make(deliver: Deliver) -> PlayedSession:
        raise ImportError("no torch here")

    engine, _heard = start(make)
    qtbot.waitUntil(lambda: engine.state.phase == "down")
    assert "ImportError" in engine.state.message


def test_restarting_gives_a_new_session(start: Start, qtbot: QtBot) -> None:
    engine, heard = start(PlayedSession)
    qtbot.waitUntil(lambda: engine.state.phase == "ready")
    engine.restart()
    qtbot.waitUntil(lambda: sum(isinstance(event, EngineReady) for event in heard) == 2)
