"""How many comparisons to have ready, by how fast a person judges and the engine writes. Qt-free."""

import math
from collections import deque
from statistics import median

FEWEST, MOST = 4, 32
SECONDS_AHEAD = 120.0
"""Of judging: so much is ready while the engine does not keep up, or is about to do something else."""
_SECONDS_AHEAD_AT_LEAST = 30.0
"""Enough for an engine that writes far faster than a person judges; more would only grow old."""
_KNOWN_FROM = 5
"""Verdicts before which a person's pace says too little."""
_REMEMBERED = 20
_QUICKEST = 1.0
_LITTLE_MEMORY_LEFT = 0.06
"""Share of the device's memory; below it batches would drive out the models."""
_TOGETHER = 8
"""Prompts in one batch: it takes hardly longer than one of them."""


class Pace:
    """Hears of verdicts, of batches and of memory; `target` and `together` follow."""

    def __init__(self) -> None:
        self._verdicts: deque[float] = deque(maxlen=_REMEMBERED)
        self._writing: deque[float] = deque(maxlen=_REMEMBERED)
        self._usual: float | None = None
        self._most_together = _TOGETHER
        self._memory_is_short = False

    def expect(self, seconds: float | None, verdicts: int) -> None:
        """What this person takes for a verdict, as known from so many verdicts of earlier days."""
        self._usual = seconds if verdicts >= _KNOWN_FROM else None

    def somebody_else(self) -> None:
        """Another person, with a pace of their own."""
        self._verdicts.clear()
        self._usual = None

    def judged(self, seconds: float) -> None:
        """A verdict took so long."""
        self._verdicts.append(seconds)

    def wrote(self, comparisons: int, seconds: float) -> None:
        """A batch of so many took so long, from being asked for to its end."""
        if comparisons > 0:
            self._writing.append(seconds / comparisons)

    def memory(self, used: int, total: int) -> None:
        """Bytes in use on the device."""
        self._memory_is_short = total > 0 and (total - used) < _LITTLE_MEMORY_LEFT * total

    def ran_out_of_memory(self) -> None:
        """A batch was too large: from now on only half as many prompts together."""
        self._most_together = max(1, self._most_together // 2)

    @property
    def together(self) -> int:
        """Prompts in one batch at most."""
        return max(1, self._most_together // 4) if self._memory_is_short else self._most_together

    @property
    def target(self) -> int:
        """Comparisons that are to be ready: about two minutes of judging."""
        seconds = self._seconds_a_verdict()
        if seconds is None or self._memory_is_short:
            return FEWEST
        ahead = SECONDS_AHEAD
        if self._writing:
            load = min(1.0, median(self._writing) / seconds)
            ahead = _SECONDS_AHEAD_AT_LEAST + load * (SECONDS_AHEAD - _SECONDS_AHEAD_AT_LEAST)
        return min(MOST, max(FEWEST, math.ceil(ahead / seconds)))

    @property
    def few(self) -> int:
        """Below it writing begins: so that a few are written together, instead of each alone."""
        return self.target - (self.target // 4 if self.target > FEWEST else 0)

    def _seconds_a_verdict(self) -> float | None:
        seconds = median(self._verdicts) if len(self._verdicts) >= _KNOWN_FROM else self._usual
        return None if seconds is None else max(_QUICKEST, seconds)
