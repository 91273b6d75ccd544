"""A long piece of work as both of its threads see it: how far it is, whether it is still wanted. Qt-free."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

_TELL_EVERY = 0.1
_ESTIMATE_AFTER = 1.0
_ESTIMATE_FROM = 0.01


@dataclass(frozen=True)
class Progress:
    share: float = 0.0
    seconds_left: float | None = None
    """None while it cannot be told yet."""


NO_PROGRESS = Progress()


class LongWork:
    """`on_progress` and `is_cancelled` are for the thread that works, `cancel` for the other one."""

    def __init__(self, tell: Callable[[Progress], None], clock: Callable[[], float]) -> None:
        """`tell` is called on the working thread, a few times a second at most."""
        self._tell, self._clock = tell, clock
        self._began = clock()
        self._told = self._began
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def on_progress(self, share: float) -> None:
        """`share` of the work is done, 0 to 1."""
        now = self._clock()
        if now - self._told < _TELL_EVERY and share < 1:
            return
        self._told = now
        spent, left = now - self._began, None
        if spent > _ESTIMATE_AFTER and share > _ESTIMATE_FROM:
            left = spent * (1 - share) / share
        self._tell(Progress(min(1.0, share), left))
