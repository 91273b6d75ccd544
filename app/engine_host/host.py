"""The life of the engine: start it, pass requests on, notice its death, start it again. Qt-free.

`run` works on one thread from the first start to the end; everything else may be called from any other and
never waits for the engine. What happens is published in order: every event of the engine, and an
`EngineState` whenever that changes.
"""

import threading
from collections.abc import Callable

from app.engine_host.queue import Job, JobQueue
from app.engine_host.restarts import Restarts
from app.engine_host.state import EngineState, Phase
from app.engine_host.transport import Ended, Transport
from dpo_engine.errors import Cancelled, EngineDied
from dpo_engine.events import EngineReady, Event, RequestFailed, RequestFinished
from dpo_engine.requests import Cancel, Control, Request, Shutdown, Train

News = Event | EngineState

CLOSED = "The engine was closed before this was done."
CANCELLED = "Cancelled."


class EngineHost:
    """`make_transport` is called once for every life, `publish` on whatever thread has news."""

    def __init__(
        self,
        make_transport: Callable[[], Transport],
        publish: Callable[[News], None],
        restarts: Restarts | None = None,
    ) -> None:
        self._make_transport = make_transport
        self._publish = publish
        self._restarts = restarts or Restarts()
        self._queue = JobQueue()
        self._state = EngineState(phase="starting")
        # One lock for everything below; publishing happens under it, so that news cannot overtake each other.
        self._changed = threading.Condition(threading.RLock())
        self._transport: Transport | None = None
        self._closing: float | None = None
        self._restart_wanted = False

    # --- from any thread ----------------------------------------------------------------------------

    def submit(self, request: Request) -> None:
        """Pass a request on, now or as soon as an engine is there. Raises `ValueError` for an id in use.

        While the engine is down or closed the request fails at once, with the reason.
        """
        with self._changed:
            if self._state.phase in ("down", "closed"):
                message = self._state.message or CLOSED
                self._publish(_failed(request, EngineDied.code, message))
                return
            self._queue.add(request)
            if self._transport is not None:
                self._transport.send(request)

    def control(self, control: Control) -> None:
        """Pass a control on at once; one for a request that has ended is dropped."""
        with self._changed:
            if isinstance(control, Shutdown) or not self._queue.note_control(control):
                return
            if self._transport is not None:
                self._transport.send(control)
            elif isinstance(control, Cancel):
                job = self._queue.remove(control.target)
                if job is not None:
                    self._publish(_failed(job.request, Cancelled.code, CANCELLED))

    def ask_to_close(self, seconds: float) -> None:
        """End the engine: in good order within `seconds`, by force after that. `run` then returns."""
        with self._changed:
            if self._closing is not None:
                return
            self._closing = seconds
            if self._transport is not None:
                self._transport.stop(seconds)
            self._changed.notify_all()

    def restart(self) -> None:
        """Start again: an engine that is down, or (ending what is under way) one that is stuck."""
        with self._changed:
            if self._closing is not None:
                return
            self._restart_wanted = True
            self._restarts.forget()
            if self._transport is not None:
                self._transport.kill()
            self._changed.notify_all()

    # --- on the engine's own thread -------------------------------------------------------------------

    def run(self) -> None:
        """Keep an engine alive until `ask_to_close`; one engine after another."""
        while (transport := self._begin_life()) is not None:
            ended = transport.run(self._on_event)
            with self._changed:
                self._transport = None
                delay = None if self._closing is not None else self._after_death(ended)
            self._wait_for_next_life(delay)
        with self._changed:
            for job in self._queue.take_all():
                self._publish(_failed(job.request, Cancelled.code, CLOSED))
            self._enter("closed")

    def _begin_life(self) -> Transport | None:
        """A new transport that already holds what waits to be served; None when closing."""
        with self._changed:
            if self._closing is not None:
                return None
            self._restart_wanted = False
            if self._state.phase == "starting":
                self._enter("starting")
            self._transport = transport = self._make_transport()
            for message in self._queue.unsent():
                transport.send(message)
            return transport

    def _on_event(self, event: Event) -> None:
        with self._changed:
            self._queue.note_event(event)
            if isinstance(event, RequestFinished):
                self._restarts.request_finished()
            self._publish(event)
            if isinstance(event, EngineReady):
                self._enter("ready", device=event.device, device_name=event.device_name)

    def _after_death(self, ended: Ended) -> float | None:
        """Tell those whose request is lost; returns the seconds until the next start, None for no start."""
        wanted = self._restart_wanted
        delay = 0.0 if wanted else self._restarts.after_death()
        sentence = "The engine was restarted." if wanted else ended.sentence
        if delay is None:
            message = f"{sentence} It was started again several times without success."
            self._enter("down", message=f"{message} Restart it once the cause is mended.")
            lost = self._queue.take_all()
        else:
            self._enter("restarting", message=sentence)
            lost = self._queue.take_lost()
        for job in lost:
            self._publish(_lost(job, sentence, ended.detail))
        return delay

    def _wait_for_next_life(self, delay: float | None) -> None:
        """Sleep `delay` seconds (None: until `restart`) unless closing comes first."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing is not None or self._restart_wanted, delay)
            if delay is None and self._closing is None:
                self._enter("restarting")

    def _enter(self, phase: Phase, *, device: str = "", device_name: str = "", message: str = "") -> None:
        self._state = EngineState(
            phase=phase,
            device=device or self._state.device,
            device_name=device_name or self._state.device_name,
            message=message,
        )
        self._publish(self._state)


def _failed(request: Request, code: str, message: str, detail: str = "") -> RequestFailed:
    return RequestFailed(request=request.id, code=code, message=message, detail=detail)


def _lost(job: Job, sentence: str, detail: str) -> RequestFailed:
    """What the asker of a request hears when the engine died: what happened, what is safe, what to do."""
    if job.cancelled:
        return _failed(job.request, Cancelled.code, CANCELLED, detail)
    safe = "Everything already saved is intact; ask for this again."
    if isinstance(job.request, Train):
        safe = "The run is intact up to its last checkpoint; resume it to go on from there."
    return _failed(job.request, EngineDied.code, f"{sentence} {safe}", detail)
