"""The engine as Qt sees it: a thread that hosts it, and signals for what it tells."""

import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QDeadlineTimer, QObject, Qt, QThread, QTimer, Signal

from app.engine_host.engine_log import EngineLog
from app.engine_host.garbage import GuiThreadCollector
from app.engine_host.host import EngineHost, News
from app.engine_host.in_thread import InThread
from app.engine_host.outbox import Outbox
from app.engine_host.protocol import Listener
from app.engine_host.restarts import Restarts
from app.engine_host.state import EngineState
from app.engine_host.transport import Transport
from app.engine_host.worker_process import WorkerProcess
from dpo_engine.events import Event, RequestFailed, RequestFinished
from dpo_engine.requests import Control, Request, Shutdown

TURN_SECONDS = 0.008
"""Longest time for which listeners are called before the event loop gets its turn."""
PAUSE_MS = 16
"""Rest between two such turns: one frame, so that painting keeps up with any burst of events."""
CLOSE_SECONDS = 20.0
"""Patience with an engine that is asked to end: a training step and a checkpoint fit into it."""
FORCE_SECONDS = 8.0
"""What ending it by force may take on top."""


class EngineThread(QThread):
    """Implements `protocol.Engine` and owns the engine's life.

    Make it on the GUI thread, `start()` it, and `close()` it before the app ends.
    Listeners, subscribers and both signals are called on the GUI thread, in the order in which things
    happened: for each event its request's listener, then the subscribers, then `event_received`.
    No method but `close` waits for anything.
    """

    event_received = Signal(object)
    """Every `Event`."""
    state_changed = Signal(object)
    """An `EngineState`."""
    _news_arrived = Signal()

    def __init__(
        self,
        make_transport: Callable[[], Transport],
        parent: QObject | None = None,
        restarts: Restarts | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = EngineState(phase="starting")
        self._listeners: dict[str, Listener] = {}
        self._subscribers: list[Listener] = []
        self._outbox: Outbox[News] = Outbox()
        self._undelivered: deque[News] = deque()
        self._next_turn = 0.0
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self._take_turn)
        self._news_arrived.connect(self._on_news_arrived, Qt.ConnectionType.QueuedConnection)
        self._collector = GuiThreadCollector(self)
        self.finished.connect(self._collector.end)
        self._host = EngineHost(make_transport, self._publish, restarts)

    # --- protocol.Engine --------------------------------------------------------------------------------

    def submit(self, request: Request, listener: Listener) -> None:
        """Raises `ValueError` when a request of this id has not ended yet."""
        if request.id in self._listeners:
            raise ValueError(f"A request with the id {request.id!r} is already under way.")
        self._listeners[request.id] = listener
        self._host.submit(request)

    def control(self, control: Control) -> None:
        if isinstance(control, Shutdown):
            self.ask_to_close()
        else:
            self._host.control(control)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._subscribers.append(listener)

        def stop() -> None:
            if listener in self._subscribers:
                self._subscribers.remove(listener)

        return stop

    # --- the engine's life ------------------------------------------------------------------------------

    @property
    def state(self) -> EngineState:
        return self._state

    def start(self, priority: QThread.Priority = QThread.Priority.InheritPriority) -> None:
        self._collector.begin()
        super().start(priority)

    def run(self) -> None:
        """On the thread itself; `start()` calls it."""
        self._host.run()

    def restart(self) -> None:
        """Start an engine that is down, or start a stuck one again; what is under way there fails."""
        self._host.restart()

    def ask_to_close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Begin to end the engine (training saves a checkpoint); `state_changed` says when it is closed."""
        self._host.ask_to_close(seconds)

    def close(self, seconds: float = CLOSE_SECONDS) -> bool:
        """End the engine and wait for it; every request has heard its last event when this returns.

        A worker process that needs longer than `seconds` is ended by force. False when the engine still
        runs, which only the in-thread transport can do.
        """
        self.ask_to_close(seconds)
        if self.isRunning() or self.isFinished():
            ended = self.wait(QDeadlineTimer(int((seconds + FORCE_SECONDS) * 1000)))
        else:
            self._host.run()
            ended = True
        self._take_turn(limit=float("inf"))
        if ended:
            self._collector.end()
        return ended

    # --- from the engine's thread to the GUI thread -----------------------------------------------------

    def _publish(self, news: News) -> None:
        if self._outbox.put(news):
            self._news_arrived.emit()

    def _on_news_arrived(self) -> None:
        early = self._next_turn - time.monotonic()
        if early <= 0:
            self._take_turn()
        elif not self._timer.isActive():
            self._timer.start(int(early * 1000) + 1)

    def _take_turn(self, limit: float = TURN_SECONDS) -> None:
        """Deliver what has gathered, for `limit` seconds at most; the rest after a pause."""
        deadline = time.monotonic() + limit
        self._undelivered.extend(self._outbox.take_all())
        while self._undelivered and time.monotonic() < deadline:
            self._deliver(self._undelivered.popleft())
        self._next_turn = time.monotonic() + PAUSE_MS / 1000
        if self._undelivered:
            self._timer.start(PAUSE_MS)

    def _deliver(self, news: News) -> None:
        if isinstance(news, EngineState):
            self._state = news
            self.state_changed.emit(news)
            return
        for hear in self._hearers(news):
            # One page's mistake must not cost another page its event.
            try:
                hear(news)
            except Exception as error:
                sys.excepthook(type(error), error, error.__traceback__)
        self.event_received.emit(news)

    def _hearers(self, event: Event) -> list[Listener]:
        request: str | None = getattr(event, "request", None)
        ended = isinstance(event, (RequestFinished, RequestFailed))
        find = self._listeners.pop if ended else self._listeners.get
        listener = find(request, None) if request is not None else None
        return [*([listener] if listener else []), *self._subscribers]


def open_engine(
    hosting: Literal["worker", "thread"], log_folder: Path, parent: QObject | None = None
) -> EngineThread:
    """The app's engine, not started yet: in a process of its own, or in the app's process."""
    if hosting == "thread":
        return EngineThread(InThread, parent)
    return EngineThread(partial(WorkerProcess, EngineLog(log_folder / "engine.log")), parent)
