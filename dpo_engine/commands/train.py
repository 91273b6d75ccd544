"""`train`: begin a run in a folder, or go on with the one that is there."""

import argparse
import dataclasses
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from dpo_engine import run_folder
from dpo_engine.commands.doing import follow, quiet_shelf
from dpo_engine.commands.output import Narrator
from dpo_engine.commands.parser import settings
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, ModelUnusable, NotFetched
from dpo_engine.events import Note
from dpo_engine.pairs.snapshots import in_snapshot_order, pairs_hash
from dpo_engine.preferences import read_pairs, refusal_summary
from dpo_engine.processes.launch import launched
from dpo_engine.requests import KeepStep, Train

if TYPE_CHECKING:
    from dpo_engine.processes.distributed import Ranks

REQUEST = "train"


def train(arguments: argparse.Namespace) -> int:
    """Ctrl-C ends the run after its step with a checkpoint (`Cancelled` is raised); a second one at once.

    Started by torchrun, this is one of several processes, of which the first alone speaks.
    """
    given = settings(arguments, TrainConfig)
    TrainConfig(**given)  # a wrong setting is said before anything is looked at
    if arguments.keep_step is not None:
        return _keep_step(arguments, given)
    launch = launched(os.environ)
    if launch is None:
        return _train(arguments, None)
    from dpo_engine.processes.distributed import joined

    with joined(launch) as ranks:
        return _train(arguments, ranks)


def _keep_step(arguments: argparse.Namespace, given: Mapping[str, Any]) -> int:
    if given or arguments.policy or arguments.pairs or arguments.resume:
        raise BadInput("--keep-step trains nothing, so that only --run and --json can stand beside it.")
    run: Path = arguments.run.absolute()
    narrator = Narrator(as_json=arguments.json)
    follow(KeepStep(id=REQUEST, run=str(run), step=arguments.keep_step), narrator.tell, quiet_shelf())
    return 0


def _train(arguments: argparse.Namespace, ranks: "Ranks | None") -> int:
    leads = ranks is None or ranks.leads
    narrator = Narrator(as_json=arguments.json)
    run: Path = arguments.run.absolute()
    if ranks is None:
        begun, changed = _begin(run, arguments, narrator)
    else:
        begun, changed = ranks.of_leader(lambda: _begin(run, arguments, narrator))
    from dpo_engine.service.failures import engine_error
    from dpo_engine.training.run import train as events_of

    try:
        with _leave_on_interrupt(alone=ranks is None) as directive:
            request = Train(id=REQUEST, run=str(run), resume=begun, reference_cache=arguments.reference_cache)
            for event in events_of(request, directive, settings=changed, ranks=ranks):
                if leads:
                    narrator.tell(event)
    except Exception as error:
        if leads and not begun and isinstance(error, (BadInput, ModelUnusable, NotFetched)):
            shutil.rmtree(run, ignore_errors=True)  # it was made for this and never began
        known = engine_error(error, "training")
        raise (known or error) from error
    finally:
        narrator.close_bar()
    return 0


class _Interrupts:
    """What a training is told: go on, until the first interrupt."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Literal["go", "leave"]:
        return "leave" if self.count else "go"


@contextmanager
def _leave_on_interrupt(*, alone: bool) -> Iterator[_Interrupts]:
    """Among several processes no second signal is heard: a batch system gives one to each of them, and
    torchrun another. Torchrun itself ends what takes too long."""
    interrupts = _Interrupts()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        interrupts.count += 1
        if interrupts.count > 1 and alone:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield interrupts  # only the main thread may hear signals
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, on_signal) for number in numbers]
    try:
        yield interrupts
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _begin(run: Path, arguments: argparse.Namespace, narrator: Narrator) -> tuple[bool, dict[str, Any]]:
    """Whether the run was begun before, and settings in which it then goes on otherwise."""
    if (run / "run.json").exists():
        return True, _changed_settings(run, arguments)
    _create(run, arguments, narrator)
    return False, {}


def _create(run: Path, arguments: argparse.Namespace, narrator: Narrator) -> None:
    if arguments.policy is None or arguments.pairs is None:
        raise BadInput(
            f"{arguments.run} is no run folder yet. To begin a run there, give --policy and --pairs as well."
        )
    config = TrainConfig(**settings(arguments, TrainConfig))
    file = read_pairs(arguments.pairs)
    if file.refused:
        narrator.tell(Note(request=REQUEST, message=refusal_summary(file.refused), level="warning"))
    from dpo_engine.compute.device import pick_device
    from dpo_engine.models.model_files import resolve, stable_reference
    from dpo_engine.training.loggers import check_available

    pick_device(config.device)
    check_available(config.report_to)
    resolve(arguments.policy)
    run_folder.create(
        run.parent,
        policy=stable_reference(arguments.policy),
        config=config,
        pairs=file.pairs,
        name=run.name,
    )


def _changed_settings(run: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings in which the run goes on otherwise than it was begun.

    Raises `BadInput` for one that makes it another run, and for another policy or other pairs.
    """
    spec = run_folder.read_spec(run)
    given = settings(arguments, TrainConfig)
    if (arguments.policy or arguments.pairs or given) and not arguments.resume:
        raise BadInput(
            f"{arguments.run} is a run already. Add --resume to go on with it, or give another folder."
        )
    changed = {name: value for name, value in given.items() if getattr(spec.config, name) != value}
    differing = [name for name in changed if name not in run_folder.MAY_DIFFER]
    if arguments.policy is not None and not _same_policy(arguments.policy, spec.policy):
        differing.append("policy")
    if arguments.pairs is not None and _hash_of(arguments.pairs) != spec.pairs_hash:
        differing.append("pairs")
    if differing:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in differing)
        raise BadInput(
            f"The run {arguments.run} was begun with something else for {flags}. "
            "Leave that out to go on, or begin a new run in another folder."
        )
    dataclasses.replace(spec.config, **changed)  # a wrong combination is said before anything is loaded
    return changed


def _same_policy(given: str, begun_with: str) -> bool:
    from dpo_engine.models.model_files import stable_reference

    return begun_with in (given, stable_reference(given))


def _hash_of(pairs: Path) -> Any:
    return pairs_hash(in_snapshot_order(read_pairs(pairs).pairs))
