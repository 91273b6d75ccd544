"""What carries messages to one life of the engine and its events back. Qt-free.

A transport lives as long as the engine it started: `run` blocks until that engine has ended, and the next
life gets a new transport. `WorkerProcess` and `InThread` are the two there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from dpo_engine.events import Event
from dpo_engine.requests import Control, Request

Deliver = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a life ended: `sentence` for the user, `detail` (exit code, last lines) for a report."""

    sentence: str
    detail: str = ""


class Transport(Protocol):
    def run(self, deliver: Deliver) -> Ended:
        """Start the engine, hand every event to `deliver` on this thread, return when the engine is gone."""

    def send(self, message: Request | Control) -> None:
        """Pass a message on, from any thread, without waiting. Lost when the engine has ended."""

    def stop(self, seconds: float, /) -> None:
        """Ask the engine to end, without waiting; force it after `seconds` where the transport can."""

    def kill(self) -> None:
        """End the engine now, where the transport can; from any thread, without waiting."""
