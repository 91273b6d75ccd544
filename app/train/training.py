"""One run under way: what the engine's events say about it, as one record for the page. Qt-free.

`Training.hear` turns events into a new `TrainingProgress`; what is to be stored or drawn because of them is
the presenter's business.
"""

from dataclasses import dataclass, replace
from typing import Literal

from app.store.records import Run, RunStatus
from dpo_engine import events as told
from dpo_engine.events import Event

Phase = Literal["waiting", "loading", "training", "pausing", "paused", "stopping", "cancelling"]

_MOST_NOTES = 20


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """How far the run is. `step` is the last one done, of `total_steps` (0 until that is known)."""

    run: Run
    phase: Phase = "waiting"
    step: int = 0
    total_steps: int = 0
    seconds_left: float | None = None
    stage: str = ""
    """What is going on besides steps: loading, measuring the held-out pairs."""
    stage_done: int = 0
    stage_total: int = 0
    margin: float | None = None
    checkpoint_step: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended, as it is stored."""

    status: RunStatus
    message: str = ""
    step: int | None = None
    put_off: bool = False
    """The engine takes no work now (it is closing, or down): the run and those behind it are for later."""
    margin: float | None = None
    """The reward margin of the last step."""
    by_person: bool = False
    """The person ended it, and knows."""


class Training:
    """Follows one `Train` request from its submission to its end."""

    def __init__(self, run: Run, request: str, *, resumed: bool) -> None:
        self.request = request
        self.resumed = resumed
        self.begun = False
        """The engine trains: what happens from here on changes the run."""
        self.progress = TrainingProgress(run=run, step=run.step, total_steps=run.total_steps)
        self._finished: told.TrainingFinished | None = None

    @property
    def run(self) -> Run:
        return self.progress.run

    def set_phase(self, phase: Phase) -> None:
        self.progress = replace(self.progress, phase=phase, seconds_left=None)

    def note(self, message: str) -> None:
        """Keep a sentence for the person; the same one only once."""
        others = tuple(note for note in self.progress.notes if note != message)
        self.progress = replace(self.progress, notes=(*others, message)[-_MOST_NOTES:])

    def hear(self, event: Event) -> None:
        """Take in one event of the request."""
        match event:
            case told.RequestStarted():
                self._enter("loading", stage="Loading the model")
            case told.Progress():
                self.progress = replace(
                    self.progress, stage=event.stage, stage_done=event.done, stage_total=event.total
                )
            case told.Note():
                self.note(event.message)
            case told.TrainingStarted():
                self._on_started(event)
            case told.StepDone():
                self._on_step(event)
            case told.Evaluated() | told.Sampled():
                self.progress = replace(self.progress, stage="", stage_done=0, stage_total=0)
            case told.CheckpointSaved():
                self.progress = replace(self.progress, checkpoint_step=event.step)
            case told.TrainingPaused():
                self._enter("paused")
            case told.TrainingResumed():
                self._enter("training")
            case told.TrainingFinished():
                self._finished = event
            case _:
                pass

    def finished(self) -> Outcome:
        """After `RequestFinished`."""
        if self._finished is None:
            return Outcome(
                status="interrupted",
                message="The engine ended the run without saving its policy. Resume goes on from the last "
                "checkpoint.",
            )
        # A run that was stopped before its end may be told the step by its own count only.
        step = max(self._finished.step, self.progress.step)
        status: RunStatus = "stopped" if self._finished.stopped else "finished"
        return Outcome(
            status=status,
            message=self._finished.message,
            step=step,
            margin=self.progress.margin,
            by_person=self.progress.phase == "stopping",
        )

    def failed(self, event: told.RequestFailed) -> Outcome:
        """After `RequestFailed`. A resumed run that could not begin stays what it was, with the reason."""
        if event.code in ("cancelled", "engine_died"):
            said = self._cancelled() if event.code == "cancelled" else event.message
            next_step = "" if "resume" in said.lower() else self._what_resume_does()
            by_person = self.progress.phase == "cancelling"
            put_off = not by_person if event.code == "cancelled" else self.progress.phase == "waiting"
            return Outcome(
                status="interrupted",
                message=f"{said} {next_step}".strip(),
                put_off=put_off,
                by_person=by_person,
            )
        if self.resumed and not self.begun:
            return Outcome(status=self.run.status, message=event.message)
        return Outcome(status="failed", message=event.message)

    def _cancelled(self) -> str:
        # Not only the person ends a run so: closing the app does too.
        word = "Cancelled" if self.progress.phase == "cancelling" else "Ended"
        step = self.progress.step
        return f"{word} after step {step}." if step else f"{word} before its first step."

    def _what_resume_does(self) -> str:
        at = self.progress.checkpoint_step
        if at:
            return f"Resume goes on from the checkpoint of step {at}."
        return "Resume goes on from its last checkpoint." if self.progress.step else "Resume starts it again."

    def _on_started(self, event: told.TrainingStarted) -> None:
        self.begun = True
        self._enter("training")
        self.progress = replace(
            self.progress,
            step=event.first_step,
            total_steps=event.total_steps,
            checkpoint_step=event.first_step,
        )
        if event.refused:
            number = len(event.refused)
            left_out = "1 pair was" if number == 1 else f"{number} pairs were"
            self.note(f"{left_out} left out. {event.refused[0]}")

    def _on_step(self, event: told.StepDone) -> None:
        self.progress = replace(
            self.progress,
            step=event.step,
            total_steps=event.total_steps,
            seconds_left=event.seconds_left,
            margin=event.metrics.get("rewards/margins", self.progress.margin),
            stage="",
            stage_done=0,
            stage_total=0,
        )

    def _enter(self, phase: Phase, stage: str = "") -> None:
        self.progress = replace(
            self.progress, phase=phase, stage=stage, stage_done=0, stage_total=0, seconds_left=None
        )
