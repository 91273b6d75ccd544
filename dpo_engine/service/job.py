"""A request under way or waiting, and what was asked of it since."""

from typing import Literal

from dpo_engine.errors import Cancelled
from dpo_engine.events import Evaluated, Event, Progress, StepDone, TrainingStarted
from dpo_engine.requests import (
    FetchModel,
    Generate,
    GenerateMany,
    KeepStep,
    Preflight,
    Request,
    Score,
    ScoreTokens,
    Suspect,
    TokenizePair,
    Train,
)

_RANKS: dict[type[Request], int] = {
    KeepStep: 0,
    FetchModel: 0,
    Generate: 1,
    ScoreTokens: 1,
    TokenizePair: 1,
    GenerateMany: 2,
    Preflight: 2,
    Score: 3,
    Train: 4,
    Suspect: 4,
}
_DOING: dict[type[Request], str] = {
    FetchModel: "fetching a model",
    Generate: "writing responses",
    GenerateMany: "writing responses ahead",
    Preflight: "checking a run before it begins",
    TokenizePair: "looking at the tokens of a pair",
    Score: "scoring pairs",
    ScoreTokens: "looking at the tokens of a pair",
    Train: "training",
    KeepStep: "keeping a step's policy",
    Suspect: "looking for suspect verdicts",
}


def rank(request: Request) -> int:
    """How long a kind of request takes; one of a lower rank is answered inside one of a higher.

    What is done in the background comes after everything else.
    """
    return _RANKS[type(request)] + (len(_RANKS) if in_background(request) else 0)


def in_background(request: Request) -> bool:
    return isinstance(request, Score) and request.background


def gives_way(request: Request, to: Request) -> bool:
    """Must `request`, done in the background, end for `to`, which takes too long to be done inside it?"""
    return in_background(request) and not in_background(to) and _RANKS[type(to)] >= _RANKS[type(request)]


class Job:
    """State of one request. `cancelled` may be set by any thread, the rest belongs to the session's."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.cancelled = False
        self.paused = False
        self.keep = False
        self.made_room = False
        """A shorter request was answered since its last step."""
        self.step = 0

    @property
    def id(self) -> str:
        return self.request.id

    @property
    def doing(self) -> str:
        return _DOING[type(self.request)]

    @property
    def is_ending(self) -> bool:
        return self.cancelled or self.keep

    def directive(self) -> Literal["go", "keep", "leave"]:
        """What a training should do after its current step."""
        return "leave" if self.cancelled else "keep" if self.keep else "go"

    def end_if_cancelled(self) -> None:
        """Raise `Cancelled`; a training is left to end by itself, since it saves a checkpoint first."""
        if self.cancelled and not isinstance(self.request, Train):
            raise Cancelled("Cancelled; nothing half-written was kept.")

    def heard(self, event: Event) -> None:
        """Follow the job's own events."""
        match event:
            case StepDone(step=step):
                self.step = step
                self.made_room = False
            case TrainingStarted(first_step=step):
                self.step = step
            case Evaluated() | Progress():
                self.made_room = False
            case _ if not isinstance(self.request, Train):
                self.made_room = False
            case _:
                pass
