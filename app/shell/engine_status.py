"""What the status bar says of the engine, folded from its events. Qt-free."""

from dataclasses import dataclass, replace

from app.engine_host.state import EngineState
from app.words import time_left
from dpo_engine import events
from dpo_engine.events import Event

_WORKING = "Working"
"""Said between two stages of a request that has not told what it does as a whole."""


@dataclass
class _Doing:
    """What one request is at: `whole` as far as it told so, and the `stage` it is in until that is over."""

    whole: str = ""
    stage: str = ""

    @property
    def words(self) -> str:
        return self.stage or self.whole or _WORKING


@dataclass(frozen=True, kw_only=True)
class EngineStatus:
    """`words` is one short phrase; `problem` marks the ones that want attention."""

    words: str = "Engine starting"
    problem: bool = False
    device: str = ""
    memory_used: int = 0
    memory_total: int = 0

    @property
    def device_words(self) -> str:
        if not self.device:
            return ""
        if not self.memory_total:
            return self.device
        used, total = (f"{n / 2**30:.1f}" for n in (self.memory_used, self.memory_total))
        return f"{self.device} · {used} of {total} GB"


class EngineStatusFold:
    """Feed it states and events in order; `status` is what to show now."""

    def __init__(self) -> None:
        self.status = EngineStatus()
        self._resting = "Engine starting"
        self._doing: dict[str, _Doing] = {}

    def on_state(self, state: EngineState) -> None:
        self._resting = {
            "starting": "Engine starting",
            "ready": "Idle",
            "restarting": "Engine restarting",
            "down": "Engine stopped",
            "closed": "Engine closed",
        }[state.phase]
        if state.phase != "ready":
            self._doing.clear()
        device = "CPU" if state.device == "cpu" else state.device_name
        self.status = replace(self.status, problem=state.phase in ("down", "restarting"), device=device)
        self._settle()

    def on_event(self, event: Event) -> None:
        match event:
            case events.EngineReady():
                self.status = replace(self.status, memory_total=event.memory_total)
            case events.DeviceMemory():
                self.status = replace(self.status, memory_used=event.used, memory_total=event.total)
            case events.RequestFinished() | events.RequestFailed():
                self._doing.pop(event.request, None)
            case _:
                self._note(event)
        self._settle()

    def _note(self, event: Event) -> None:
        match event:
            case events.TextDelta():
                self._tell(event.request, "Writing responses")
            case events.TrainingStarted() | events.TrainingResumed():
                self._tell(event.request, "Training")
            case events.StepDone():
                left = time_left(event.seconds_left)
                self._tell(event.request, f"Training step {event.step} of {event.total_steps} · {left}")
            case events.TrainingPaused():
                self._tell(event.request, f"Training paused at step {event.step}")
            case events.StudyAdvanced():
                self._tell(event.request, _study_words(event))
            case events.Progress():
                self._enter(event)
            case events.ModelLoaded() | events.Evaluated() | events.Sampled() | events.CheckpointSaved():
                if event.request in self._doing:
                    self._doing[event.request].stage = ""
            case _:
                pass

    def _tell(self, request: str, whole: str) -> None:
        self._doing[request] = _Doing(whole)

    def _enter(self, told: events.Progress) -> None:
        """A stage that is done says nothing of what comes after it, which may take long."""
        doing = self._doing.setdefault(told.request, _Doing())
        doing.stage = "" if 0 < told.total <= told.done else _progress_words(told)

    def _settle(self) -> None:
        # The newest activity that a person would name first: training outlasts what runs between its steps.
        doing = list(self._doing.values())
        first = [one for one in doing if one.whole.startswith("Training")] or doing
        self.status = replace(self.status, words=first[-1].words if first else self._resting)


def _study_words(event: events.StudyAdvanced) -> str:
    if event.share >= 1:
        return "Looking for suspect verdicts"
    left = "" if event.seconds_left is None else f" · {time_left(event.seconds_left)}"
    return f"Looking for suspect verdicts {round(100 * event.share)} %{left}"


def _progress_words(event: events.Progress) -> str:
    if not event.total:
        return event.stage
    return f"{event.stage} {100 * event.done // event.total} %"
