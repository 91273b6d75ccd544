"""When to start a dead engine again, and when to stop trying. Qt-free."""

import time
from collections import deque
from collections.abc import Callable, Sequence

WINDOW_SECONDS = 60.0
DELAYS = (0.0, 1.0, 5.0)
"""Seconds before the start after the first, second and any later death within the window."""
GIVE_UP_AFTER = 3


class Restarts:
    """At once after the first death, later after longer waits; gives up when deaths come without any success.

    Deaths count for a minute. Three of them with no finished request in between mean that starting again
    does not help: a broken installation, or a request that kills the engine each time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, delays: Sequence[float] = DELAYS) -> None:
        self._clock = clock
        self._delays = delays
        self._deaths: deque[float] = deque()
        self._without_success = 0

    def request_finished(self) -> None:
        self._without_success = 0

    def forget(self) -> None:
        """Start counting from nothing: a person asked for a new attempt."""
        self._deaths.clear()
        self._without_success = 0

    def after_death(self) -> float | None:
        """Seconds to wait before the next start; None when it should not be tried again by itself."""
        now = self._clock()
        while self._deaths and now - self._deaths[0] >= WINDOW_SECONDS:
            self._deaths.popleft()
        self._deaths.append(now)
        self._without_success = min(self._without_success + 1, len(self._deaths))
        if self._without_success >= GIVE_UP_AFTER:
            return None
        return self._delays[min(len(self._deaths), len(self._delays)) - 1]
