"""Training a run: its folder is taken, its model loaded, its steps done, and its state says how it ended."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from dpo_engine import loggers, run_folder, run_lock
from dpo_engine.errors import Cancelled, EngineError, OutOfMemory, from_os_error
from dpo_engine.events import Event, Note
from dpo_engine.learner import Learner
from dpo_engine.micro_batches import is_out_of_memory
from dpo_engine.models import load_for_training
from dpo_engine.randomness import RandomStream
from dpo_engine.requests import Train
from dpo_engine.run_folder import RunSpec
from dpo_engine.run_record import RunRecord
from dpo_engine.run_status import RunProgress
from dpo_engine.training_loop import Directive, TrainingLoop
from dpo_engine.training_setup import Loader, set_up, starting_point

__all__ = ["Directive", "train"]


def train(
    request: Train,
    directive: Callable[[], Directive],
    *,
    load: Loader = load_for_training,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Event | None]:
    """Train the run of `request` and keep its folder up to date; None is a safe point without news.

    `settings` are values for some of `run_folder.MAY_DIFFER` that replace the run's own from now on. Raises
    `Cancelled` once a `leave` has been followed, `TrainingDiverged`, `OutOfMemory`, `DiskFull` or
    `BadInput`; the run's state then says why, and its checkpoints are whole. A run that could not even
    begin stays as it was.
    """
    run = Path(request.run)
    spec = run_folder.read_spec(run)
    spec = dataclasses.replace(spec, config=dataclasses.replace(spec.config, **(settings or {})))
    lock = yield from run_lock.take(run, request.id, lambda: directive() != "go")
    try:
        yield from _train_locked(request, directive, load, run, spec)
    finally:
        if lock is not None:
            lock.release()


def _train_locked(
    request: Train, directive: Callable[[], Directive], load: Loader, run: Path, spec: RunSpec
) -> Iterator[Event | None]:
    found, warnings = starting_point(run, resume=request.resume)
    status = RunProgress(run, step=found.info.step if found else 0)
    try:
        for warning in warnings:
            yield Note(request=request.id, message=warning, level="warning")
        loggers.check_available(spec.config.report_to)
        with RandomStream(spec.config.seed, torch.device("cpu")).active():
            loaded = load(spec.policy, spec.config)
        setup = set_up(run, spec, loaded)
        learner = Learner(setup, reference_cache=request.reference_cache)
        with closing(RunRecord(request.id, setup, status)) as record:
            yield from TrainingLoop(setup, learner, record, directive).events(found)
    except (Cancelled, GeneratorExit, KeyboardInterrupt):
        status.ended_early(
            "interrupted", "Ended before its last step. It can be resumed from its last checkpoint."
        )
        raise
    except BaseException as error:
        sentence = _as_engine_error(error, spec)
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
