"""What a person can do with a token: enter it, replace it, forget it; never read it. Qt-free.

A keyring may ask to be unlocked and takes its time, so it is asked on threads of their own.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.shell.secrets import Held, Name, Secrets

Deliver = Callable[[Callable[[], None]], None]
"""Has something run on the thread of the presenter."""
Elsewhere = Callable[[Callable[[], None]], None]
"""Has something run on another thread."""


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How it stands with one secret; the secret itself is never here."""

    held: Held | None = None
    """None while the keyring is being asked."""
    keyring: str = ""
    """What it is called; empty where this system has none."""
    said: str = ""
    problem: str = ""


def on_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="keyring", daemon=True).start()


class SecretKeeping:
    """Of one secret."""

    def __init__(
        self, name: Name, secrets: Secrets, deliver: Deliver, elsewhere: Elsewhere = on_a_thread
    ) -> None:
        self.state = Keeping()
        self._name, self._secrets, self._deliver, self._elsewhere = name, secrets, deliver, elsewhere
        self._listener: Callable[[], None] = lambda: None

    def listen(self, listener: Callable[[], None]) -> None:
        self._listener = listener

    def close(self) -> None:
        """Nobody looks any more; what was asked for is still done."""
        self._listener = lambda: None

    def look(self) -> None:
        self._do(lambda: ("", ""))

    def keep(self, secret: str) -> None:
        def work() -> tuple[str, str]:
            try:
                warning = self._secrets.keep(self._name, secret)
            except ValueError as error:
                return "", str(error)
            return warning or "It is kept.", ""

        self._do(work)

    def forget(self) -> None:
        def work() -> tuple[str, str]:
            if self._secrets.forget(self._name):
                return "It is forgotten here. Where it was made it still works until it is revoked there.", ""
            return "", "The keyring did not let go of it. Unlock the keyring and try again."

        self._do(work)

    def _do(self, work: Callable[[], tuple[str, str]]) -> None:
        self._change(replace(self.state, held=None, said="", problem=""))

        def job() -> None:
            said, problem = work()
            state = Keeping(
                held=self._secrets.held(self._name),
                keyring=self._secrets.keyring_name(),
                said=said,
                problem=problem,
            )
            self._deliver(lambda: self._change(state))

        self._elsewhere(job)

    def _change(self, state: Keeping) -> None:
        self.state = state
        self._listener()
