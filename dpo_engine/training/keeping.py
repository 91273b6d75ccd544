"""Making an earlier step's policy the run's result, once the run has ended."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from dpo_engine import run_folder
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.events import Event, Note
from dpo_engine.models.policy_files import copy_final
from dpo_engine.requests import KeepStep
from dpo_engine.run_folder import RunState, RunStatus
from dpo_engine.training import checkpoint, run_lock


def keep_step(request: KeepStep) -> Iterator[Event]:
    """The policy in the checkpoint of `request.step` takes the place of the run's, whole or not at all.

    A run that had finished stays finished; any other one counts as stopped and kept, and can be resumed from
    its last checkpoint as before. Raises `BadInput` where the run is being trained or its checkpoint is not
    there or damaged, and `DiskFull` where there is no room; nothing was changed then.
    """
    run = Path(request.run)
    lock = yield from run_lock.take(run, request.id, lambda: False, patience=0.0)
    try:
        _keep(run, request.step)
    finally:
        if lock is not None:
            lock.release()
    yield Note(request=request.id, message=f"The run's policy is the one of step {request.step}.")


def _keep(run: Path, step: int) -> None:
    state = run_folder.read_state(run)
    folder = run_folder.checkpoint_folder(run, step)
    if not folder.is_dir():
        kept = ", ".join(str(number) for number, _ in run_folder.checkpoints(run))
        there = f"Its checkpoints are those of the steps {kept}." if kept else "It has no checkpoint."
        raise BadInput(
            f"The run {run.name} has no checkpoint of step {step}. {there} Nothing was changed; choose one "
            "of those, or resume the run."
        )
    found = checkpoint.read(folder)
    try:
        copy_final(run, found.folder / "policy")
        run_folder.write_state(run, _kept(state, step))
    except OSError as error:
        raise from_os_error(error, f"keeping the policy of step {step}") from error


def _kept(state: RunState, step: int) -> RunState:
    status: RunStatus = "finished" if state.status == "finished" else "stopped"
    return dataclasses.replace(
        state, status=status, policy_step=step, message=f"The policy of step {step} was kept."
    )
