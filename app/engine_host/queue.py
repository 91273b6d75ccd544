"""Every request that was submitted and has not ended yet, so that none is lost when the engine dies. Qt-free.

The engine's session decides what is served first (a Generate between two steps of a Train); requests are
passed on at once, in the order they came. What is kept here is what a death makes necessary: which requests
had started, and what has to be sent again to the next life. Not thread-safe; `EngineHost` holds its lock.
"""

from dataclasses import dataclass, field

from dpo_engine.events import Event, RequestFailed, RequestFinished, RequestStarted
from dpo_engine.requests import Cancel, Control, Request, Shutdown


@dataclass
class Job:
    """A request under way, and what was asked of it since."""

    request: Request
    started: bool = False
    cancelled: bool = False
    controls: list[Control] = field(default_factory=list)


class JobQueue:
    """Jobs by request id, oldest first."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, request: str) -> bool:
        return request in self._jobs

    def add(self, request: Request) -> None:
        """Raises `ValueError` when a request of this id has not ended yet."""
        if request.id in self._jobs:
            raise ValueError(f"A request with the id {request.id!r} is already under way.")
        self._jobs[request.id] = Job(request)

    def note_control(self, control: Control) -> bool:
        """Remember `control` for its job; False when that job has ended, so that nothing need be sent."""
        if isinstance(control, Shutdown) or control.target not in self._jobs:
            return False
        job = self._jobs[control.target]
        job.cancelled = job.cancelled or isinstance(control, Cancel)
        job.controls.append(control)
        return True

    def note_event(self, event: Event) -> None:
        """Keep up with what the engine tells: a request started, or ended."""
        if isinstance(event, RequestStarted) and event.request in self._jobs:
            self._jobs[event.request].started = True
        elif isinstance(event, (RequestFinished, RequestFailed)):
            self._jobs.pop(event.request, None)

    def remove(self, request: str) -> Job | None:
        return self._jobs.pop(request, None)

    def take_lost(self) -> list[Job]:
        """Remove and return the jobs that a death has ended: those started, and those cancelled meanwhile."""
        lost = [job for job in self._jobs.values() if job.started or job.cancelled]
        for job in lost:
            del self._jobs[job.request.id]
        return lost

    def take_all(self) -> list[Job]:
        """Remove and return every job."""
        jobs = list(self._jobs.values())
        self._jobs.clear()
        return jobs

    def unsent(self) -> list[Request | Control]:
        """What a new life of the engine has to be told: each waiting request, then what was asked of it."""
        return [message for job in self._jobs.values() for message in (job.request, *job.controls)]
