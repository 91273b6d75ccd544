"""Keeping a run's `state.json` in step with what happens to it."""

import time
from contextlib import suppress
from pathlib import Path

from dpo_engine.run_folder import RunState, RunStatus, write_state
from dpo_engine.training.best import Best

SECONDS_BETWEEN_WRITES = 1.0


class RunProgress:
    """Writes down how far a run is: every change of its status, and its steps about once a second."""

    def __init__(self, run: Path, *, step: int = 0) -> None:
        self._run = run
        self.best = Best()
        self._step = step
        self._total = 0
        self._written = 0.0
        self._begun = False

    def begin(self, step: int, total_steps: int, best: Best) -> None:
        self._step, self._total, self.best = step, total_steps, best
        self._begun = True
        self.write("running")

    def at(self, step: int) -> None:
        """`step` is done."""
        self._step = step
        if time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES:
            self.write("running")

    def write(self, status: RunStatus, message: str = "", *, policy_step: int | None = None) -> None:
        """Raises `OSError` where it cannot be written."""
        state = RunState(
            status=status,
            step=self._step,
            total_steps=self._total,
            message=message,
            best_step=self.best.step,
            best_value=self.best.value,
            policy_step=policy_step,
        )
        write_state(self._run, state)
        self._written = time.monotonic()

    def ended_early(self, status: RunStatus, message: str) -> None:
        """On the way out of a failure, which a full disk must not hide behind one of its own.

        A run that had not begun keeps the state it had.
        """
        if self._begun:
            with suppress(OSError):
                self.write(status, message)
