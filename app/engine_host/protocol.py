"""What the rest of the app knows of the engine: give it requests, hear events. Qt-free.

`EngineThread` is the real one; tests hand the same protocol a fake. Every listener is called on the
thread that owns the presenters (the GUI thread), one event after another.
"""

from collections.abc import Callable
from typing import Protocol

from dpo_engine.events import Event
from dpo_engine.requests import Control, Request

Listener = Callable[[Event], None]


class Engine(Protocol):
    def submit(self, request: Request, listener: Listener) -> None:
        """Queue a request; `listener` hears every event of it, the last being finished or failed.

        A death of the engine is a `RequestFailed` with code `engine_died` for what was under way; what was
        still waiting in the queue is served by the restarted engine.
        """

    def control(self, control: Control) -> None:
        """Cancel, pause, resume or stop a request; at once, past the queue."""

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event of every request (the status bar does); call the result to stop."""
