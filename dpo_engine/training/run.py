"""Training a run: its folder is taken, its model loaded, its steps done, and its state says how it ended."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dpo_engine import run_folder
from dpo_engine.compute.randomness import RandomStream
from dpo_engine.errors import Cancelled, EngineError, OutOfMemory, from_os_error
from dpo_engine.events import Event, Note
from dpo_engine.memory.micro_batches import is_out_of_memory
from dpo_engine.models.loading import load_for_training
from dpo_engine.processes.team import Team
from dpo_engine.requests import Train
from dpo_engine.run_folder import RunSpec
from dpo_engine.training import loggers, run_lock
from dpo_engine.training.loop import Directive, TrainingLoop
from dpo_engine.training.run_status import RunProgress
from dpo_engine.training.setup import Loader, set_up

if TYPE_CHECKING:
    from dpo_engine.processes.distributed import Ranks

__all__ = ["Directive", "train"]


def train(
    request: Train,
    directive: Callable[[], Directive],
    *,
    load: Loader = load_for_training,
    settings: Mapping[str, Any] | None = None,
    ranks: "Ranks | None" = None,
) -> Iterator[Event | None]:
    """Train the run of `request` and keep its folder up to date; None is a safe point without news.

    `settings` are values for some of `run_folder.MAY_DIFFER` that replace the run's own from now on. With
    `ranks` several processes train it together: each calls this, with a `directive` of its own. Raises
    `Cancelled` once a `leave` has been followed, `TrainingDiverged`, `OutOfMemory`, `DiskFull` or
    `BadInput`; the run's state then says why, and its checkpoints are whole. A run that could not even
    begin stays as it was.
    """
    run = Path(request.run)
    spec = run_folder.read_spec(run)
    spec = dataclasses.replace(spec, config=dataclasses.replace(spec.config, **(settings or {})))
    team = _team(request, load, ranks)
    lock = None
    if team.leads:
        lock = yield from run_lock.take(run, request.id, lambda: directive() != "go")
    try:
        yield from _train_locked(request, team.agreed(directive), team, run, spec)
    finally:
        if lock is not None:
            lock.release()


def _team(request: Train, load: Loader, ranks: "Ranks | None") -> Team:
    if ranks is None:
        return Team(request, load)
    from dpo_engine.processes.together import Together

    return Together(request, load, ranks)


def _train_locked(
    request: Train, directive: Callable[[], Directive], team: Team, run: Path, spec: RunSpec
) -> Iterator[Event | None]:
    found, warnings = team.starting_point(run)
    if found is None:
        spec = dataclasses.replace(spec, processes=team.size)
    status = RunProgress(run, step=found.info.step if found else 0)
    try:
        for warning in warnings:
            yield Note(request=request.id, message=warning, level="warning")
        loggers.check_available(spec.config.report_to)
        with RandomStream(spec.config.seed, torch.device("cpu")).active():
            loaded = team.load(spec)
        setup = team.fitted(set_up(run, spec, loaded))
        with closing(team.learner(setup)) as learner, closing(team.record(setup, status)) as record:
            yield from TrainingLoop(setup, learner, record, directive).events(found)
    except (Cancelled, GeneratorExit, KeyboardInterrupt):
        status.ended_early(
            "interrupted", "Ended before its last step. It can be resumed from its last checkpoint."
        )
        raise
    except BaseException as error:
        sentence = team.failure(error) or _as_engine_error(error, spec)
        status.ended_early("failed", str(sentence or error))
        if sentence is error or sentence is None:
            raise
        raise sentence from error


def _as_engine_error(error: BaseException, spec: RunSpec) -> EngineError | None:
    """The sentence for what ended a run; None where it is no kind of failure that is known."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, OSError):
        return from_os_error(error, f"writing the run {spec.name}")
    if is_out_of_memory(error):
        return OutOfMemory(
            f"There was too little memory to train by {spec.config.method} on pairs of up to "
            f"{spec.config.max_length} tokens. The run's checkpoints are intact. Try a smaller max_length, "
            "gradient_checkpointing on, LoRA instead of full, or a smaller model."
        )
    return None
