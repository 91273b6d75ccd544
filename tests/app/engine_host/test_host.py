"""The host over a transport that the test plays itself: no Qt, no process."""

import queue
import threading
from collections.abc import Iterator

import pytest

from app.engine_host.host import EngineHost, News
from app.engine_host.restarts import Restarts
from app.engine_host.state import EngineState
from app.engine_host.transport import Deliver, Ended
from dpo_engine.events import EngineReady, Event, RequestFailed, RequestFinished, RequestStarted
from dpo_engine.requests import Cancel, Control, Request
from tests.app.engine_host.conftest import generate

READY = EngineReady(version="1", device="cuda", device_name="A fast one", memory_total=1)


class PlayedTransport:
    """Delivers what the test puts into `script`; an `Ended` ends this life."""

    def __init__(self) -> None:
        self.script: queue.Queue[Event | Ended] = queue.Queue()
        self.sent: list[Request | Control] = []
        self.killed = False

    def run(self, deliver: Deliver) -> Ended:
        while not isinstance(item := self.script.get(timeout=20), Ended):
            deliver(item)
        return item

    def send(self, message: Request | Control) -> None:
        self.sent.append(message)

    def stop(self, _seconds: float, /) -> None:
        self.script.put(Ended(sentence="Stopped."))

    def kill(self) -> None:
        self.killed = True
        self.script.put(Ended(sentence="The engine was killed."))


class Stage:
    """A host on a thread, the lives it has begun and the news it has published."""

    def __init__(self) -> None:
        self.lives: queue.Queue[PlayedTransport] = queue.Queue()
        self.news: queue.Queue[News] = queue.Queue()
        self.host = EngineHost(self.new_life, self.news.put, Restarts(delays=(0.0,)))
        self.thread = threading.Thread(target=self.host.run)

    def new_life(self) -> PlayedTransport:
        transport = PlayedTransport()
        self.lives.put(transport)
        return transport

    def life(self) -> PlayedTransport:
        return self.lives.get(timeout=20)

    def expect(self, kind: type[News]) -> News:
        """The next piece of news, which must be of this kind."""
        news = self.news.get(timeout=20)
        assert isinstance(news, kind), news
        return news

    def expect_phase(self, phase: str) -> EngineState:
        state = self.expect(EngineState)
        assert isinstance(state, EngineState)
        assert state.phase == phase
        return state


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    stage.thread.start()
    yield stage
    stage.host.ask_to_close(1)
    stage.thread.join(20)
    assert not stage.thread.is_alive()


def test_the_device_is_known_from_the_first_life_on(stage: Stage) -> None:
    stage.expect_phase("starting")
    first = stage.life()
    first.script.put(READY)
    stage.expect(EngineReady)
    ready = stage.expect_phase("ready")
    assert (ready.device, ready.device_name, ready.message) == ("cuda", "A fast one", "")
    first.script.put(Ended(sentence="The engine crashed."))
    again = stage.expect_phase("restarting")
    assert (again.device_name, again.message) == ("A fast one", "The engine crashed.")


def test_a_request_is_sent_to_the_life_there_is_and_again_to_the_next_unless_started(stage: Stage) -> None:
    first = stage.life()
    started, waiting = generate("started", ""), generate("waiting", "")
    stage.host.submit(started)
    stage.host.submit(waiting)
    assert first.sent == [started, waiting]
    first.script.put(RequestStarted(request="started"))
    first.script.put(Ended(sentence="The engine crashed.", detail="signal SIGSEGV"))
    assert stage.life().sent == [waiting]
    stage.expect_phase("starting")
    stage.expect(RequestStarted)
    stage.expect_phase("restarting")
    failed = stage.expect(RequestFailed)
    assert isinstance(failed, RequestFailed)
    assert (failed.request, failed.code, failed.detail) == ("started", "engine_died", "signal SIGSEGV")


def test_a_request_before_the_first_life_waits_for_it() -> None:
    stage = Stage()
    request = generate("early", "")
    stage.host.submit(request)
    stage.thread.start()
    assert stage.life().sent == [request]
    stage.host.ask_to_close(1)
    stage.thread.join(20)
    assert not stage.thread.is_alive()


def test_a_finished_request_keeps_the_engine_from_being_given_up(stage: Stage) -> None:
    stage.expect_phase("starting")
    for number in range(5):
        life = stage.life()
        stage.host.submit(generate(f"g{number}", ""))
        life.script.put(RequestFinished(request=f"g{number}"))
        life.script.put(Ended(sentence="The engine crashed."))
        stage.expect(RequestFinished)
        stage.expect_phase("restarting")


def test_restarting_by_hand_kills_and_is_no_death(stage: Stage) -> None:
    stage.expect_phase("starting")
    for _ in range(5):
        life = stage.life()
        stage.host.restart()
        assert life.killed
        assert stage.expect_phase("restarting").message == "The engine was restarted."


def test_nothing_happens_after_the_end() -> None:
    stage = Stage()
    stage.thread.start()
    life = stage.life()
    stage.host.ask_to_close(1)
    stage.host.ask_to_close(1)
    stage.thread.join(20)
    stage.host.restart()
    stage.host.control(Cancel(target="unknown"))
    assert stage.lives.empty()
    assert life.sent == []
    stage.expect_phase("starting")
    stage.expect_phase("closed")
    assert stage.news.empty()
