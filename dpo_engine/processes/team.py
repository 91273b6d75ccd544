"""Who trains a run: one process alone, or (`together`) several, of which each has a part of the work."""

from collections.abc import Callable
from pathlib import Path

from dpo_engine.errors import EngineError
from dpo_engine.models.loading import LoadedModel
from dpo_engine.requests import Train
from dpo_engine.run_folder import RunSpec
from dpo_engine.training.checkpoint import Checkpoint
from dpo_engine.training.learner import Learner
from dpo_engine.training.loop import Directive
from dpo_engine.training.run_record import RunRecord
from dpo_engine.training.run_status import RunProgress
from dpo_engine.training.setup import Loader, Setup, starting_point


class Team:
    """One process that does everything."""

    size = 1
    leads = True
    """This process takes the run's folder, and speaks."""

    def __init__(self, request: Train, load: Loader) -> None:
        self._request = request
        self._load = load

    def agreed(self, own: Callable[[], Directive]) -> Callable[[], Directive]:
        """What all are asked to do, of what each is."""
        return own

    def starting_point(self, run: Path) -> tuple[Checkpoint | None, list[str]]:
        return starting_point(run, resume=self._request.resume)

    def load(self, spec: RunSpec) -> LoadedModel:
        return self._load(spec.policy, spec.config)

    def fitted(self, setup: Setup) -> Setup:
        """What of the setup is possible here, with a note of what is not."""
        return setup

    def learner(self, setup: Setup) -> Learner:
        return Learner(setup, reference_cache=self._request.reference_cache)

    def record(self, setup: Setup, status: RunProgress) -> RunRecord:
        return RunRecord(self._request.id, setup, status)

    def failure(self, error: BaseException) -> EngineError | None:
        """The sentence for `error` where it comes of working together."""
        del error
        return None
