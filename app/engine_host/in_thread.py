"""The other transport: the engine's session in the app's own process, run by the engine's thread. Qt-free.

For debugging, and for machines where a second process is unwanted. It cannot be killed, and a crash in it
takes the app along. Only `run` imports the engine (and torch with it).
"""

import threading
import traceback
from collections.abc import Callable
from typing import Protocol

from app.engine_host.transport import Deliver, Ended
from dpo_engine.requests import Control, Request, Shutdown


class SessionLike(Protocol):
    """What is used of `dpo_engine.session.Session`."""

    def put(self, message: Request | Control) -> None:
        """From any thread."""

    def run(self) -> None:
        """Serve until `Shutdown`."""


MakeSession = Callable[[Deliver], SessionLike]


def real_session(deliver: Deliver) -> SessionLike:
    from dpo_engine.session import Session

    return Session(deliver)


class InThread:
    """One session from its start to its end."""

    def __init__(self, make_session: MakeSession = real_session) -> None:
        self._make_session = make_session
        self._lock = threading.Lock()
        self._early: list[Request | Control] = []
        self._session: SessionLike | None = None

    def run(self, deliver: Deliver) -> Ended:
        try:
            session = self._make_session(deliver)
            with self._lock:
                for message in self._early:
                    session.put(message)
                self._session = session
            session.run()
        except Exception as error:
            sentence = f"The engine ended with an error: {type(error).__name__}."
            return Ended(sentence=sentence, detail=traceback.format_exc())
        return Ended(sentence="The engine ended unexpectedly.")

    def send(self, message: Request | Control) -> None:
        with self._lock:
            if self._session is None:
                self._early.append(message)
            else:
                self._session.put(message)

    def stop(self, _seconds: float, /) -> None:
        """Ask; a thread cannot be forced."""
        self.send(Shutdown())

    def kill(self) -> None:
        """A thread cannot be killed: the engine is asked to end, and does so at its next safe point."""
        self.send(Shutdown())
