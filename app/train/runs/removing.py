"""Removing the folders of deleted runs from the disk, with care: the project file only says where they are.

A project file may come from anywhere, and a folder named in it may be anybody's: only what looks like a run
through and through is ever removed. Qt-free.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.store.records import Run
from dpo_engine import run_folder
from dpo_engine.errors import EngineError

_OF_A_RUN = frozenset({"pairs", "checkpoints", "policy", "logs", "tensorboard", "trackio"})
"""The folders that a run makes in its own."""


@dataclass(frozen=True, kw_only=True)
class Removed:
    removed: tuple[int, ...]
    """Ids of the runs whose folders are gone."""
    problem: str = ""
    """Why another one is not, as a sentence."""


def remove_folders(runs: Iterable[Run], *, for_good: bool) -> Removed:
    """Move each run's folder to the system's trash, or remove it `for_good`; one that is gone is done."""
    removed, problem = [], ""
    for run in runs:
        folder = Path(run.folder)
        try:
            if folder.is_symlink() or folder.exists():
                _refuse_foreign(folder)
                _remove(folder, for_good=for_good)
        except (OSError, EngineError) as error:
            problem = f"{run.name} is still in the trash, as its folder could not be removed: {error}"
        else:
            removed.append(run.id)
    return Removed(removed=tuple(removed), problem=problem)


def _remove(folder: Path, *, for_good: bool) -> None:
    if for_good:
        shutil.rmtree(folder)
        return
    from send2trash import send2trash

    send2trash(folder)


def _refuse_foreign(folder: Path) -> None:
    """Raises `OSError` or `EngineError` with a sentence where `folder` is not a run's and nothing else."""
    if folder.is_symlink():
        raise OSError(f"{folder} is a link. Remove it yourself.")
    run_folder.read_spec(folder)
    others = sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name not in _OF_A_RUN
    )
    if others:
        raise OSError(f"{folder} holds something that no run makes ({others[0]}). Remove it yourself.")
